"""Which frames run together, and when: size or deadline, work-conserving, fair.

Pure logic on the turns of the seats: no frames, no locks, no clock. The batching thread asks
`decide` with what waits, and does what the answer says.

The rules, in this order:

1. While the accelerator is busy nothing is dispatched: slots fill, and frames stay fresh.
2. As many frames as a batch has rows for go at once; a frame has one, or one for each of its tiles.
3. Fewer go at once too, unless another live camera's next frame is due before the oldest waiting
   frame has waited `max_delay_s`. A camera that is late, stalled or backing off is not waited for.

Turns are given by start-time fair queueing (Goyal, Vin, Cheng 1996): a served frame moves its
camera `rows / priority` back, so under overload shares follow the priorities and nobody starves; a
camera that was away rejoins at the present turn, without saved-up credit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from daemon.pipeline.slot import Waiting
from daemon.seats.seat import Seat
from daemon.seats.turn import Turn

Trigger = Literal["full", "deadline", "idle"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Dispatch `batch` if there is one. Otherwise ask again at `wake_s` (None: no limit) and, if
    `wake_on_arrival`, whenever a frame arrives.
    """

    batch: tuple[Seat, ...] = ()
    trigger: Trigger = "idle"
    wake_s: float | None = None
    wake_on_arrival: bool = True


class BatchPolicy:
    """The rules above for one accelerator. The batching thread asks and sets the limits; cameras
    join and leave from any thread (`_seats` is replaced, never changed in place).
    """

    def __init__(self, *, max_batch: int, max_delay_s: float) -> None:
        self._max_batch = max_batch
        self._max_delay_s = max_delay_s
        self._seats: tuple[Seat, ...] = ()
        self._present = 0.0  # virtual time

    def limit(self, *, max_batch: int, max_delay_s: float) -> None:
        """Other limits from the next decision on."""
        self._max_batch, self._max_delay_s = max_batch, max_delay_s

    def join(self, seat: Seat) -> None:
        """A camera joins at the present turn: neither ahead of the others nor behind."""
        seat.turn = Turn(weight=seat.config.priority, at=self._present)
        self.leave(seat)
        self._seats = (*self._seats, seat)

    def leave(self, seat: Seat) -> None:
        """It is not waited for any more."""
        self._seats = tuple(other for other in self._seats if other is not seat)

    def arrived(self, arrivals: Iterable[Waiting]) -> None:
        """Frames came, oldest first: keep each camera's rhythm."""
        for frame in arrivals:
            frame.seat.turn.arrived(frame.captured_s)

    def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
        """What to do with the frames that wait; `free_s` is when the accelerator takes a batch."""
        if not waiting:
            return Decision()
        if now_s < free_s:
            return Decision(wake_s=free_s, wake_on_arrival=False)
        if sum(w.rows for w in waiting) >= self._max_batch:
            return Decision(self._by_turn(waiting), "full")
        deadline_s = min(w.captured_s for w in waiting) + self._max_delay_s
        if now_s >= deadline_s:
            return Decision(self._by_turn(waiting), "deadline")
        if not self._more_is_due({w.seat for w in waiting}, now_s, deadline_s):
            return Decision(self._by_turn(waiting), "idle")
        return Decision(wake_s=deadline_s)

    def served(
        self, seats: Sequence[Seat], now_s: float, *, rows: Sequence[int] | None = None
    ) -> None:
        """These cameras' frames were dispatched, each of so many rows, or of one: each has had its
        turn.
        """
        turns = [seat.turn for seat in seats]
        self._present = max(self._present, min(turn.at for turn in turns))
        for turn, cost in zip(turns, rows or (1,) * len(turns), strict=True):
            turn.at = max(turn.at, self._present) + cost / turn.weight
            turn.served_s = now_s

    def _by_turn(self, waiting: Sequence[Waiting]) -> tuple[Seat, ...]:
        def order(w: Waiting) -> tuple[float, float, float]:
            turn = w.seat.turn
            return (max(turn.at, self._present), turn.served_s, w.captured_s)

        chosen: list[Seat] = []
        room = self._max_batch
        for w in sorted(waiting, key=order):
            # One that does not fit is first the next time; those behind it may fill the batch.
            if w.rows <= room or not chosen:
                chosen.append(w.seat)
                room -= w.rows
        return tuple(chosen)

    def _more_is_due(self, waiting: set[Seat], now_s: float, deadline_s: float) -> bool:
        """Whether a live camera that has nothing waiting should deliver before the deadline."""
        for seat in self._seats:
            if seat in waiting or not seat.status.is_up:
                continue
            due_s = seat.turn.due_s(now_s)
            if due_s is not None and due_s <= deadline_s:
                return True
        return False
