"""Where each camera's newest frame waits for the detector: one place per camera, newest wins.

Camera threads put, the batching thread takes. One lock guards all places, so that "everything that
waits" is one consistent view; it is held for microseconds and never while anything is computed.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from daemon.books.accounting import Drop
from daemon.pipeline.frame import Frame
from daemon.seats.seat import Seat

ARRIVALS = 4096  # remembered between two views; the oldest are forgotten, estimates survive that


class Waiting(NamedTuple):
    """A frame that could be dispatched, of so many rows."""

    seat: Seat
    captured_s: float
    rows: int = 1


class SlotBoard:
    """The slots of all cameras, at most one frame each. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # the batching thread sleeps here
        self._taken = threading.Condition(self._lock)  # sources that must lose nothing sleep here
        self._slots: dict[Seat, Slot] = {}
        self._arrivals: deque[Waiting] = deque(maxlen=ARRIVALS)
        self._listening = self._woken = False

    def open(self, seat: Seat) -> Slot:
        """Give a camera a slot."""
        with self._lock:
            slot = self._slots[seat] = Slot(self, seat)
        return slot

    def close(self, seat: Seat) -> None:
        """Take its slot away: what waits in it, and what still comes, is dropped as `shutdown`."""
        with self._lock:
            slot = self._slots.pop(seat)
            if slot.frame is not None:
                slot.frame = None
                seat.ledger.dropped(Drop.SHUTDOWN)
            self._taken.notify_all()

    def put(self, slot: Slot, frame: Frame) -> bool:
        """Offer a frame; False if the slot was taken away. Never blocks."""
        with self._lock:
            if self._slots.get(slot.seat) is not slot:
                return False
            if slot.frame is None:
                slot.seat.ledger.captured()
            else:
                slot.seat.ledger.captured_in_place_of(Drop.OVERWRITTEN)
            slot.frame = frame
            slot.told = Waiting(slot.seat, frame.captured_s, len(frame.rows))
            self._arrivals.append(slot.told)
            if self._listening:
                self._changed.notify()
            return True

    def wait_until_taken(self, slot: Slot, timeout_s: float) -> bool:
        """Wait until nothing waits in it; False if that takes longer."""
        with self._lock:
            return self._taken.wait_for(lambda: slot.frame is None, timeout_s)

    def view(self, *, oldest_s: float) -> tuple[list[Waiting], list[Waiting]]:
        """What waits now, and all that arrived since the last view, oldest first.

        Frames captured before `oldest_s` are dropped as `stale` and not shown.
        """
        with self._lock:
            waiting = []
            for seat, slot in self._slots.items():
                if slot.frame is None:
                    continue
                if slot.told.captured_s >= oldest_s:
                    waiting.append(slot.told)
                    continue
                slot.frame = None
                seat.ledger.dropped(Drop.STALE)
                self._taken.notify_all()
            arrivals = list(self._arrivals)
            self._arrivals.clear()
            return waiting, arrivals

    def take(self, seats: Iterable[Seat], *, most_rows: int | None = None) -> list[Frame]:
        """The waiting frames of these cameras, in this order; a camera without one is left out.

        A frame may be newer than the one that `view` told of, and have more rows: behind the first
        one, those stay that would make it more than `most_rows` in all.
        """
        with self._lock:
            taken: list[Frame] = []
            rows = 0
            for seat in seats:
                slot = self._slots.get(seat)
                if slot is None or slot.frame is None:
                    continue
                rows += len(slot.frame.rows)
                if taken and most_rows is not None and rows > most_rows:
                    rows -= len(slot.frame.rows)
                    continue
                taken.append(slot.frame)
                slot.frame = None
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
            return sum(slot.frame is not None for slot in self._slots.values())


class Slot:
    """One camera's place on the board, for as long as one thread of it runs: what a thread that
    was replaced still delivers does not get into the slot of the next one.
    """

    def __init__(self, board: SlotBoard, seat: Seat) -> None:
        self.seat = seat
        self.frame: Frame | None = None  # guarded by the board's lock, as what is told of it
        self.told = Waiting(seat, -math.inf)
        self._board = board

    def put(self, frame: Frame) -> None:
        """Offer a frame: newest wins, the one it replaces is counted. Never blocks."""
        if not self._board.put(self, frame):
            self.seat.ledger.captured_and_dropped(Drop.SHUTDOWN)

    def wait_until_taken(self, timeout_s: float) -> bool:
        """Wait until the detector has taken the frame: how a file is read without loss."""
        return self._board.wait_until_taken(self, timeout_s)
