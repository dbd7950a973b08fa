"""Open and decode mutants as a camera thread does, in a process that may die of it.

Run as `python -m tests.mutants.worker FIRST LAST`. Says `begin SEED` before each and
`end SEED KIND OUTCOME` after it, so that whoever listens knows what killed it.
"""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import av

from config.camera import CameraConfig
from daemon.capture import CaptureError, Lost, Sample, open_source
from daemon.capture.pacer import Pacer
from daemon.clock import SystemClock
from detector.letterbox import InputSpec
from tests.mutants.mutation import damaged, mutated
from tests.mutants.recordings import Conversation, Recording, conversation, recordings
from tests.mutants.replay import replaying

HANG_S = 30.0  # on one mutant; the deadlines of a camera here add up to 3 s

_INPUT = InputSpec(64, 64)
_MOST_SAMPLES = 400  # a repeated header may announce pictures without end
_FILE = {"loop": False, "realtime": False}
_NOBODY_WAITS = {"open_timeout_s": 2.0, "read_timeout_s": 1.0}


def outcome(url: str, fps: float, **fields: Any) -> str:
    """Everything that the daemon does with a stream; in a word, how it ended."""
    camera = CameraConfig.model_validate({"url": url, "detect": {"fps": fps}, **fields})
    pictures = 0
    try:
        source = open_source(
            camera, input_spec=_INPUT, clock=SystemClock(), pause=threading.Event().wait
        )
        with closing(source):
            for number, sample in enumerate(source.samples(Pacer(fps, live=False))):
                if number > _MOST_SAMPLES:
                    break
                pictures += _use(sample)
    except CaptureError as error:
        return f"{error.kind} {'after pictures' if pictures else ''}".strip()
    return "pictures" if pictures else "nothing"


def _use(sample: Sample | Lost) -> bool:
    """What `daemon.capture.intake` does with it, and a viewer."""
    if isinstance(sample, Lost):
        return False
    try:
        sample.scale()
        sample.picture.to_bgr(64)
    except (av.FFmpegError, ValueError, MemoryError):
        return False
    return True


class Mutants:
    """Mutants by seed: every kind of recording in turn, and an RTSP camera's words."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recordings: tuple[Recording, ...] = recordings()
        self._conversation: Conversation = conversation()

    def outcome(self, seed: int) -> tuple[str, str]:
        """Which kind it was, and how it ended."""
        fps = (2.0, 100.0)[seed % 3 > 0]  # with and without skipped pictures
        kinds = len(self._recordings) + 1
        if seed % kinds == 0:
            return "rtsp", self._rtsp(seed, fps)
        recording = self._recordings[seed % kinds - 1]
        file = self._folder / recording.name
        file.write_bytes(mutated(recording, seed))
        return recording.name, outcome(f"file:{file}", fps, file=_FILE)

    def _rtsp(self, seed: int, fps: float) -> str:
        dice = Random(seed)
        said, media = dict(self._conversation.answers), self._conversation.media
        if dice.random() < 0.5:
            method = dice.choice(list(said))
            said[method] = damaged(bytearray(said[method]), dice)
        else:
            media = damaged(bytearray(media), dice)
        with replaying(said, media) as port:
            return outcome(f"rtsp://127.0.0.1:{port}/stream", fps, **_NOBODY_WAITS)


@contextmanager
def _mutants() -> Iterator[Mutants]:
    with TemporaryDirectory() as folder:
        yield Mutants(Path(folder))


def main(first: int, last: int) -> None:
    faulthandler.enable()
    with _mutants() as mutants:
        for seed in range(first, last):
            print(f"begin {seed}", flush=True)
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            try:
                kind, ended = mutants.outcome(seed)
            except Exception as error:  # not ours: what this is all about
                kind, ended = "?", f"raised {type(error).__name__}"
            print(f"end {seed} {kind} {ended}", flush=True)
    print(f"done {_peak_mb()}", flush=True)


def _peak_mb() -> int:
    """Not `ru_maxrss`, which begins at what the parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak_kb,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak_kb) // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
