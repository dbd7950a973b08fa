"""The daemon of fault tests: `vedette run` with a detector that costs nothing and fails as told.

python -m tests.support.staged_daemon CONFIG [options]
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from daemon import signals

signals.block()  # before NumPy starts threads of its own, which would take them

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

from config.loader import load  # noqa: E402
from daemon import app, log, memory  # noqa: E402
from daemon.capture.av_source import AvSource  # noqa: E402
from daemon.capture.pacer import Pacer  # noqa: E402
from daemon.clock import SystemClock  # noqa: E402
from daemon.service import serve  # noqa: E402
from detector.api import InferenceError  # noqa: E402
from detector.buckets import buckets_up_to  # noqa: E402
from detector.detections import Detections  # noqa: E402
from detector.letterbox import InputSpec, Letterbox  # noqa: E402
from detector.spec import DetectorSpec  # noqa: E402

INPUT = InputSpec(192, 192)
FAILURES = ("raises-once", "oom-once", "oom-above-2", "raises-always", "hangs", "slow", "warm-up")


class BlockDetector:
    """Finds the white block of `tests.support.clips` in its pictures."""

    name = "blocks"
    precision = "float32"
    labels = ("block",)
    thresholds = (0.4,)
    weights_sha256 = "0" * 64
    trace_count = 0
    input_spec = INPUT

    def __init__(self, max_batch: int, failure: str, after: int) -> None:
        self.buckets = buckets_up_to(max_batch)
        self._failure = failure
        self._left = after  # batches until it fails

    def warm_up(self, progress: Any = None) -> None:
        if self._failure == "warm-up":
            raise InferenceError("oom", "staged")
        for bucket in self.buckets:
            progress(bucket)

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        self._left -= 1
        if self._left < 0:
            self._fail(len(letterboxes), first=self._left == -1)
        return [
            _white_block(picture, box) for picture, box in zip(pixels, letterboxes, strict=False)
        ]

    def _fail(self, pictures: int, *, first: bool) -> None:
        if self._failure == "raises-always" or (first and self._failure == "raises-once"):
            raise InferenceError("runtime", "staged")
        if (first and self._failure == "oom-once") or (
            self._failure == "oom-above-2" and pictures > 2
        ):
            raise InferenceError("oom", "staged")
        if self._failure == "hangs":
            ctypes.CDLL(None).sleep(600)  # in C, with the GIL released, as TensorFlow would
        if self._failure == "slow":
            time.sleep(1.0)


def _white_block(picture: npt.NDArray[np.uint8], letterbox: Letterbox) -> Detections:
    left, top = letterbox.offset_xy
    width, height = letterbox.scaled_wh
    content = picture[top : top + height, left : left + width, 1]
    white = content > (np.median(content[::4, ::4]) + 255) / 2
    rows, columns = np.flatnonzero(white.any(1)), np.flatnonzero(white.any(0))
    boxes = np.zeros((0, 4), np.float32)
    if rows.size:
        edges = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
        boxes = np.array([edges], np.float32)
    count = len(boxes)
    return Detections(
        letterbox.to_source(boxes), np.full(count, 0.9, np.float32), np.zeros(count, np.int32)
    )


class SteppingClock(SystemClock):
    """Its wall clock is set to another time once."""

    def __init__(self, step_s: float, after_s: float) -> None:
        self._step_ns = int(step_s * 1e9)
        self._at_s = self.now_s() + after_s

    def wall_ns(self) -> int:
        return super().wall_ns() + (self._step_ns if self.now_s() >= self._at_s else 0)


def slow_down(camera: str) -> None:
    """Decoding a picture of this camera takes a second."""
    samples = AvSource.samples

    def slowly(source: AvSource, pacer: Pacer) -> Iterator[Any]:
        for sample in samples(source, pacer):
            if threading.current_thread().name == f"capture:{camera}":
                time.sleep(1.0)
            yield sample

    AvSource.samples = slowly  # type: ignore[method-assign]


def grow(camera: str) -> None:
    """Decoding this camera takes 100 MB more for every picture, and never gives them back before
    the camera is closed. It is taken in C, where the others may go on meanwhile, as a decoder does.
    """
    samples = AvSource.samples
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p

    def growing(source: AvSource, pacer: Pacer) -> Iterator[Any]:
        held = []
        try:
            for sample in samples(source, pacer):
                if threading.current_thread().name == f"capture:{camera}":
                    taken = libc.malloc(ctypes.c_size_t(100 * memory.MB))
                    if taken is None:
                        raise MemoryError
                    held.append(ctypes.c_void_p(taken))
                    libc.memset(held[-1], 1, ctypes.c_size_t(100 * memory.MB))
                yield sample
        finally:
            for taken in held:
                libc.free(taken)

    AvSource.samples = growing  # type: ignore[method-assign]


def deny_thread(camera: str) -> None:
    """Starting this camera's thread fails as on a machine that is out of threads."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == f"capture:{camera}":
            raise RuntimeError("can't start new thread")
        start(thread)

    threading.Thread.start = refuse  # type: ignore[method-assign]


def lose_log(how: str, after_s: float) -> None:
    """Standard error becomes a pipe that nobody reads any more, or a full disk."""

    def lose() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        if how == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        else:
            os.dup2(writing, 2)

    timer = threading.Timer(after_s, lose)
    timer.daemon = True
    timer.start()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--detector", choices=FAILURES, default="")
    parser.add_argument("--after", type=int, default=0, help="batches before it fails")
    parser.add_argument("--step-s", type=float, default=0.0, help="of the wall clock")
    parser.add_argument("--step-after-s", type=float, default=0.0)
    parser.add_argument("--stuck-s", type=float, default=app.STUCK_S)
    parser.add_argument("--slow", metavar="CAMERA")
    parser.add_argument("--grow", metavar="CAMERA")
    parser.add_argument("--no-thread", metavar="CAMERA")
    parser.add_argument("--lose-log", choices=("closed", "full"))
    parser.add_argument("--lose-log-after-s", type=float, default=2.0)
    parser.add_argument("--trim-after-s", type=float, default=memory.DELAY_S)
    parser.add_argument("--open-files", type=int, help="what `ulimit -n` gives")
    arguments = parser.parse_args()
    if arguments.open_files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (arguments.open_files, arguments.open_files))
    loaded = load(arguments.config)
    log.configure(loaded.config.log.level, loaded.config.log.format)
    app.STUCK_S = arguments.stuck_s
    memory.DELAY_S = arguments.trim_after_s
    if arguments.slow:
        slow_down(arguments.slow)
    if arguments.grow:
        memory.ROOM_MB = memory.ROOM_PER_CAMERA_MB = 200
        grow(arguments.grow)
    if arguments.no_thread:
        deny_thread(arguments.no_thread)
    if arguments.lose_log:
        lose_log(arguments.lose_log, arguments.lose_log_after_s)

    def build(wanted: DetectorSpec) -> BlockDetector:
        return BlockDetector(wanted.max_batch, arguments.detector, arguments.after)

    clock = SteppingClock(arguments.step_s, arguments.step_after_s)
    return serve(loaded, build, clock, summary_s=None)


if __name__ == "__main__":
    raise SystemExit(main())
