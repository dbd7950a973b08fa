"""Short recordings for tests, encoded on the spot. Frame `n` is grey 10·n (mod 200) + 20, with a
white block in its upper left corner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

CODEC_OPTIONS = {"libx264": {"preset": "ultrafast", "threads": "1"}}


def grey_of(number: int) -> int:
    return 10 * number % 200 + 20


def picture(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """uint8 RGB [H, W, 3]."""
    rgb = np.full((height, width, 3), grey_of(number), np.uint8)
    rgb[: height // 4, : width // 4] = 255
    return rgb


def encode(
    path: Path,
    frames: int = 30,
    *,
    size: tuple[int, int] = (320, 240),
    fps: int = 30,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    gop: int = 30,
    options: dict[str, str] | None = None,
    keyframes: Collection[int] = (),
) -> Path:
    """Write a recording; the container follows from the name. `keyframes` come beside `gop`'s."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.gop_size = gop
        stream.options = CODEC_OPTIONS.get(codec, {}) | (options or {})
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), "rgb24")
            frame.pts = number
            if number in keyframes:
                frame.pict_type = PictureType.I
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def join_raw(parts: Iterable[Path], path: Path) -> Path:
    """Put elementary streams (.h264) behind one another: a change of size in mid-stream."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def repeat(source: Path, path: Path, times: int) -> Path:
    """The same recording several times over, without encoding: for servers that must not end."""
    with av.open(str(path), "w") as sink, av.open(str(source)) as first:
        stream = sink.add_stream_from_template(first.streams.video[0])
        offset = 0
        for _ in range(times):
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    packet.dts += offset
                    packet.pts = (packet.pts or 0) + offset
                    packet.stream = stream
                    sink.mux(packet)
                offset += video.duration or 0
    return path
