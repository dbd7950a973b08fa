"""A live HLS stream made of a recording's pieces, which appear as time goes by."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from tests.support.web_camera import Asked, Reply, answer

PIECE_S = 1.0
TYPE = "application/vnd.apple.mpegurl"
_WINDOW = 4  # pieces in the playlist


@cache
def pieces(count: int = 30, *, fps: int = 10, kind: str = "mpegts") -> dict[str, bytes]:
    """Files by name, of a second each; every picture is brighter than the one before."""
    with TemporaryDirectory() as folder:
        options = {"hls_time": f"{PIECE_S:g}", "hls_list_size": "0", "hls_segment_type": kind}
        with av.open(f"{folder}/all.m3u8", "w", format="hls", options=options) as container:
            stream = container.add_stream("libx264", rate=fps)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            stream.options = {"preset": "ultrafast", "g": f"{fps}", "sc_threshold": "0", "bf": "0"}
            for number in range(round(count * PIECE_S * fps)):
                grey = np.full((240, 320, 3), 20 + number % 200, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
            container.mux(stream.encode(None))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


class LiveHls:
    """Answers for a master playlist, a media playlist and pieces; begins with the first question.

    `ends` closes the list once its pieces are used up; `frozen` lets no new ones appear.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self._files = files or pieces()
        self._names = sorted(
            (name for name in self._files if name.endswith((".ts", ".m4s"))),
            key=lambda name: int("".join(filter(str.isdigit, name.partition(".")[0]))),
        )
        self._began_s: float | None = None
        self.frozen_s: float | None = None
        self.extra: list[str] = []  # lines before the first piece
        self.missing: set[str] = set()  # pieces that are gone

    def __call__(self, asked: Asked) -> Reply:
        if self._began_s is None:
            self._began_s = time.monotonic()
        name = asked.target.partition("?")[0].rpartition("/")[2]
        if name == "master.m3u8":
            return answer(_MASTER, TYPE)
        if name in ("live.m3u8", "stream"):
            return answer(self._playlist(), TYPE)
        if name in self._files and name not in self.missing:
            return answer(self._files[name], "video/mp2t")
        return answer(b"gone", "text/plain", status="404 Not Found")

    def _playlist(self) -> bytes:
        assert self._began_s is not None
        now_s = time.monotonic() if self.frozen_s is None else self.frozen_s
        newest = int((now_s - self._began_s) / PIECE_S) + _WINDOW
        first = max(0, newest - _WINDOW)
        shown = [self._names[n % len(self._names)] for n in range(first, newest)]
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{PIECE_S:.0f}"]
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first}", *self.extra]
        if "init.mp4" in self._files:
            lines.append('#EXT-X-MAP:URI="init.mp4"')
        for name in shown:
            lines += [f"#EXTINF:{PIECE_S:.3f},", name]
        return "\n".join([*lines, ""]).encode()


_MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=64x48
small.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240
live.m3u8
"""
