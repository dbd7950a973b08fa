"""Small recordings to be damaged: some pictures of the demo clip in every shape that cameras and
files bring, and one conversation of an RTSP camera.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import av

from tests.support.rtsp_server import STREET
from tests.support.scripted_rtsp import nal_units, scripted_camera

_SIZE = (128, 96)
_PICTURES = 12
_GOP = 6
_START_CODE = b"\0\0\0\1"
_SHAPES = {  # file name: encoder, options
    "street.mp4": ("libx264", {"preset": "veryfast", "bf": "2"}),
    "street.h264": ("libx264", {"preset": "veryfast", "slices": "2"}),
    "street.ts": ("libx264", {"preset": "ultrafast"}),
    "street.hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "street.avi": ("mjpeg", {}),
    "street.mkv": ("libvpx", {"deadline": "realtime"}),
    "street.m4v": ("mpeg4", {}),
}
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole file; `nals` is empty where it is not an H.264 or H.265 elementary stream."""

    name: str
    content: bytes
    nals: tuple[bytes, ...] = ()

    def joined(self, nals: list[bytes]) -> bytes:
        return b"".join(_START_CODE + nal for nal in nals)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a camera says: its answer to each method, and the media that follows PLAY."""

    answers: dict[str, bytes]
    media: bytes


def recordings() -> tuple[Recording, ...]:
    """Every shape, each a few kilobytes."""
    frames = _frames()
    with TemporaryDirectory() as folder:
        return tuple(_recorded(Path(folder) / name, frames) for name in _SHAPES)


def conversation() -> Conversation:
    """All that a client hears that asks for everything once."""
    with scripted_camera(fps=200.0) as camera:
        camera.ends_after = _PICTURES
        with (
            socket.create_connection(("127.0.0.1", camera.port)) as client,
            client.makefile("rb") as answers,
        ):
            heard = {}
            for number, method in enumerate(_METHODS):
                client.sendall(f"{method} {camera.url} RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
                heard[method] = _answer(answers)
            return Conversation(heard, answers.read())


def _answer(answers: BinaryIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += answers.readline()
    lines = [line.partition(b":") for line in head.lower().splitlines()]
    length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    return head + answers.read(length)


def _frames() -> list[av.VideoFrame]:
    with av.open(str(STREET)) as container:
        return [
            frame.reformat(*_SIZE, format="yuv420p")
            for frame in islice(container.decode(video=0), _PICTURES)
        ]


def _recorded(path: Path, frames: list[av.VideoFrame]) -> Recording:
    encoder, options = _SHAPES[path.name]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=10)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        stream.gop_size = _GOP
        stream.options = options
        for number, frame in enumerate(frames):
            picture = frame.reformat(format=stream.pix_fmt)
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    is_elementary = path.suffix in (".h264", ".hevc")
    return Recording(path.name, content, nal_units(content) if is_elementary else ())
