"""Where each camera's newest frame waits for the detector: one place per camera, newest wins.

Camera threads put, the batching thread takes. One lock guards all places, so that "everything that
waits" is one consistent view; it is held for microseconds and never while anything is computed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from daemon.books.accounting import Drop, Ledger
from daemon.pipeline.frame import Frame

ARRIVALS = 4096  # remembered between two views; the oldest are forgotten, estimates survive that


class Waiting(NamedTuple):
    """A frame that could be dispatched."""

    camera: str
    captured_s: float


class SlotBoard:
    """The slots of all cameras, at most one frame each. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # the batching thread sleeps here
        self._taken = threading.Condition(self._lock)  # sources that must lose nothing sleep here
        self._ledgers: dict[str, Ledger] = {}
        self._frames: dict[str, Frame] = {}
        self._arrivals: deque[Waiting] = deque(maxlen=ARRIVALS)
        self._listening = self._woken = False

    def add(self, camera: str, ledger: Ledger) -> Slot:
        """Give a camera its slot; `ledger` keeps the books of what becomes of its frames."""
        with self._lock:
            self._ledgers[camera] = ledger
        return Slot(self, camera, ledger)

    def remove(self, camera: str) -> None:
        """Take a slot away: what waits in it, and what still comes, is dropped as `shutdown`."""
        with self._lock:
            ledger = self._ledgers.pop(camera)
            if self._frames.pop(camera, None) is not None:
                ledger.dropped(Drop.SHUTDOWN)
            self._taken.notify_all()

    def cameras(self) -> list[str]:
        """Who has a slot."""
        with self._lock:
            return list(self._ledgers)

    def put(self, frame: Frame) -> bool:
        """Offer a frame; False if its camera has no slot any more. Never blocks."""
        with self._lock:
            ledger = self._ledgers.get(frame.camera)
            if ledger is None:
                return False
            if frame.camera in self._frames:
                ledger.captured_in_place_of(Drop.OVERWRITTEN)
            else:
                ledger.captured()
            self._frames[frame.camera] = frame
            self._arrivals.append(Waiting(frame.camera, frame.captured_s))
            if self._listening:
                self._changed.notify()
            return True

    def wait_until_taken(self, camera: str, timeout_s: float) -> bool:
        """Wait until nothing of this camera waits; False if that takes longer."""
        with self._lock:
            return self._taken.wait_for(lambda: camera not in self._frames, timeout_s)

    def view(self, *, oldest_s: float) -> tuple[list[Waiting], list[Waiting]]:
        """What waits now, and all that arrived since the last view, oldest first.

        Frames captured before `oldest_s` are dropped as `stale` and not shown.
        """
        with self._lock:
            for name in [n for n, frame in self._frames.items() if frame.captured_s < oldest_s]:
                del self._frames[name]
                self._ledgers[name].dropped(Drop.STALE)
                self._taken.notify_all()
            arrivals = list(self._arrivals)
            self._arrivals.clear()
            return [Waiting(name, f.captured_s) for name, f in self._frames.items()], arrivals

    def take(self, cameras: Iterable[str]) -> list[Frame]:
        """The waiting frames of these cameras, in this order; a camera without one is left out.

        A frame may be newer than the one that `view` told of.
        """
        with self._lock:
            taken = [self._frames.pop(name) for name in cameras if name in self._frames]
            self._taken.notify_all()
            return taken

    def wait(self, timeout_s: float | None, *, for_arrivals: bool) -> None:
        """Sleep until `wake`, the end of the time or, with `for_arrivals`, the next frame."""
        with self._lock:
            if not self._woken and not (for_arrivals and self._arrivals):
                self._listening = for_arrivals
                self._changed.wait(timeout_s)
                self._listening = False
            self._woken = False

    def wake(self) -> None:
        """End the `wait` that runs, or the next one at once."""
        with self._lock:
            self._woken = True
            self._changed.notify()

    def __len__(self) -> int:
        """How many frames wait."""
        with self._lock:
            return len(self._frames)


@dataclass(frozen=True, slots=True)
class Slot:
    """What a camera thread is given of the board."""

    board: SlotBoard
    camera: str
    ledger: Ledger

    def put(self, frame: Frame) -> None:
        """Offer a frame: newest wins, the one it replaces is counted. Never blocks."""
        if not self.board.put(frame):
            self.ledger.captured_and_dropped(Drop.SHUTDOWN)

    def wait_until_taken(self, timeout_s: float) -> bool:
        """Wait until the detector has taken the frame: how a file is read without loss."""
        return self.board.wait_until_taken(self.camera, timeout_s)
