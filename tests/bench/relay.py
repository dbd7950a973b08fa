"""What the relay of an RTSP camera costs: `python -m tests.bench.relay`.

A real server (GStreamer, in a process of its own) sends a recording of 1080p30; this process reads
it, and does not decode, in turns by FFmpeg alone and through the relay. Decoding the same packets
is the reference: that is what a camera costs anyway.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from daemon.capture.rtsp import Relay, Wanted
from tests.support.rtsp_server import rtsp_server

_OPTIONS = {"rtsp_transport": "tcp", "allowed_media_types": "video", "fpsprobesize": "0"}
_TIMEOUT_S = 10.0

Reading = tuple[InputContainer, Callable[[], None]]  # what is told of each packet that came out


@dataclass(frozen=True)
class Look:
    """Processor time of this process by the clock's, and what came meanwhile."""

    share: float
    mbit: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbit", type=float, default=8.0, help="default: 8")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each look; default: 8")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    args = parser.parse_args()
    seconds = (args.seconds + 4) * 1.5
    with tempfile.TemporaryDirectory() as folder:
        file = recording(Path(folder) / "noise.mp4", seconds=seconds, mbit=args.mbit)
        with rtsp_server(file) as server:
            ways: dict[str, Callable[[], Look]] = {
                "FFmpeg alone": lambda: look(alone(server.url), args.seconds, decode=False),
                "relay": lambda: look(relayed(server.url), args.seconds, decode=False),
                "relay and decode": lambda: look(relayed(server.url), args.seconds, decode=True),
            }
            looks: dict[str, list[Look]] = {name: [] for name in ways}
            for _ in range(args.rounds):
                for name, way in ways.items():
                    looks[name].append(way())
    medians = {
        name: statistics.median(look.share for look in found) for name, found in looks.items()
    }
    mbit = statistics.median(look.mbit for found in looks.values() for look in found)
    print(f"1080p30, {mbit:.1f} Mbit/s, {args.rounds} rounds of {args.seconds:g} s")
    for name, share in medians.items():
        print(f"  {name:<18}{share:7.2%} of a core")
    added = medians["relay"] - medians["FFmpeg alone"]
    print(f"  relay adds        {added:7.2%}, {added / medians['relay and decode']:.1%} of it all")


def recording(path: Path, *, seconds: float, mbit: float) -> Path:
    """Noise that moves, so that the encoder needs its bits."""
    random = np.random.default_rng(1)
    noise = random.integers(0, 255, (1180, 2020), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.bit_rate, stream.gop_size = int(mbit * 1e6), 30
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "nal-hrd": "cbr"}
        stream.codec_context.options = {"maxrate": f"{mbit}M", "bufsize": f"{mbit / 4}M"}
        for number in range(round(seconds * 30)):
            at = number % 100
            frame = av.VideoFrame.from_ndarray(noise[at : at + 1080, at : at + 1920], "gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@contextmanager
def alone(url: str) -> Iterator[Reading]:
    with av.open(url, options=_OPTIONS, timeout=_TIMEOUT_S) as container:
        yield container, lambda: None


@contextmanager
def relayed(url: str) -> Iterator[Reading]:
    relay = Relay(Wanted(url=url, transport="tcp"), _TIMEOUT_S)
    with (
        closing(relay),
        av.open(relay.address, options=_OPTIONS, timeout=_TIMEOUT_S) as container,
    ):
        yield container, relay.budget.picture


def look(way: AbstractContextManager[Reading], seconds: float, *, decode: bool) -> Look:
    """Once the stream runs."""
    with way as (container, picture_came):
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        began_s, spent_s, size = 0.0, 0.0, 0
        for packet in container.demux(stream):
            picture_came()
            if decode:
                packet.decode()
            if not began_s:
                began_s, spent_s = time.monotonic(), time.process_time()
            size += packet.size
            if time.monotonic() - began_s > seconds:
                break
        lasted_s = time.monotonic() - began_s
        return Look((time.process_time() - spent_s) / lasted_s, 8e-6 * size / lasted_s)


if __name__ == "__main__":
    main()
