"""A 1080p30 recording to measure decoding on, made of the demo clip and kept for the next time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
from av.video.reformatter import VideoReformatter

DEMO = Path(__file__).parents[2] / "config" / "demo" / "street.mp4"
_WIDTH, _HEIGHT, _FPS, _FRAMES = 1920, 1080, 30, 150


def recording() -> Path:
    """H.264 with x264's defaults (B frames and all), 5 s, in the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette"
    path = cache / "bench-1080p30.mp4"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_name("bench-1080p30.part.mp4")
        _encode(part)
        part.replace(path)
    return path


def _encode(path: Path) -> None:
    write_film(path, _upscaled(), wh=(_WIDTH, _HEIGHT), fps=_FPS)


def write_film(
    path: Path,
    frames: Iterable[av.VideoFrame],
    *,
    wh: tuple[int, int],
    fps: int,
    gop: int | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """H.264 in 4:2:0, a keyframe for every `gop` pictures; `options` are x264's."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = wh
        stream.pix_fmt, stream.options = "yuv420p", dict(options)
        if gop is not None:
            stream.gop_size = gop
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _upscaled() -> Iterator[av.VideoFrame]:
    reformatter = VideoReformatter()
    with av.open(str(DEMO)) as clip:
        for _, frame in zip(range(_FRAMES), clip.decode(video=0), strict=False):
            yield reformatter.reformat(frame, _WIDTH, _HEIGHT, "yuv420p")
