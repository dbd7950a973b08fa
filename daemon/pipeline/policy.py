"""Which frames run together, and when: size or deadline, work-conserving, fair.

Pure logic: it holds estimates and turns, no frames, no locks, no clock. The batching thread asks
`decide` with what waits, and does what the answer says.

The rules, in this order:

1. While the accelerator is busy nothing is dispatched: slots fill, and frames stay fresh.
2. As many frames as a batch holds go at once.
3. Fewer go at once too, unless another live camera's next frame is due before the oldest waiting
   frame has waited `max_delay_s`. A camera that is late, stalled or backing off is not waited for.

Turns are given by start-time fair queueing (Goyal, Vin, Cheng 1996): a served frame moves its
camera `1 / priority` back, so under overload shares follow the priorities and nobody starves; a
camera that was away rejoins at the present turn, without saved-up credit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from daemon.pipeline.slot import Waiting

Trigger = Literal["full", "deadline", "idle"]

LATE = 0.5  # of a period: a camera this late is no longer waited for
SMOOTHING = 0.2  # weight of the newest interval in a camera's estimated period


@dataclass(slots=True)
class _Lane:
    """What is remembered of a camera: its rhythm and its turn."""

    weight: int
    turn: float  # virtual time at which it may be served next; least goes first
    served_s: float = float("-inf")
    arrived_s: float | None = None
    period_s: float | None = None

    def arrived(self, now_s: float) -> None:
        if self.arrived_s is not None and now_s > self.arrived_s:
            interval_s = now_s - self.arrived_s
            before_s = interval_s if self.period_s is None else self.period_s
            self.period_s = before_s + SMOOTHING * (interval_s - before_s)
        self.arrived_s = now_s

    def due_s(self, now_s: float) -> float | None:
        """When its next frame is expected; None without a rhythm, or when it is late already."""
        if self.arrived_s is None or self.period_s is None:
            return None
        due_s = self.arrived_s + self.period_s
        return due_s if now_s <= due_s + LATE * self.period_s else None


@dataclass(frozen=True, slots=True)
class Decision:
    """Dispatch `batch` if there is one. Otherwise ask again at `wake_s` (None: no limit) and, if
    `wake_on_arrival`, whenever a frame arrives.
    """

    batch: tuple[str, ...] = ()
    trigger: Trigger = "idle"
    wake_s: float | None = None
    wake_on_arrival: bool = True


class BatchPolicy:
    """The rules above for one accelerator. The batching thread asks and sets the limits; cameras
    join and leave from any thread (the lanes are replaced, never changed in place).

    `is_live` says whether a camera is streaming: only such a camera is waited for.
    """

    def __init__(
        self,
        *,
        max_batch: int,
        max_delay_s: float,
        is_live: Callable[[str], bool],
    ) -> None:
        self._max_batch = max_batch
        self._max_delay_s = max_delay_s
        self._is_live = is_live
        self._lanes: dict[str, _Lane] = {}
        self._present = 0.0  # virtual time

    def limit(self, *, max_batch: int, max_delay_s: float) -> None:
        """Other limits from the next decision on."""
        self._max_batch, self._max_delay_s = max_batch, max_delay_s

    def join(self, camera: str, priority: int = 1) -> None:
        """A camera joins at the present turn: neither ahead of the others nor behind."""
        self._lanes = {**self._lanes, camera: _Lane(weight=priority, turn=self._present)}

    def reweigh(self, camera: str, priority: int) -> None:
        """Another priority from the camera's next turn on."""
        if (lane := self._lanes.get(camera)) is not None:
            lane.weight = priority

    def leave(self, camera: str) -> None:
        """Forget a camera."""
        self._lanes = {name: lane for name, lane in self._lanes.items() if name != camera}

    def arrived(self, arrivals: Iterable[Waiting]) -> None:
        """Frames came, oldest first: keep each camera's rhythm."""
        for camera, captured_s in arrivals:
            if (lane := self._lanes.get(camera)) is not None:
                lane.arrived(captured_s)

    def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
        """What to do with the frames that wait; `free_s` is when the accelerator takes a batch."""
        lanes = self._lanes
        ready = [w for w in waiting if w.camera in lanes]
        if not ready:
            return Decision()
        if now_s < free_s:
            return Decision(wake_s=free_s, wake_on_arrival=False)
        if len(ready) >= self._max_batch:
            return Decision(self._by_turn(ready, lanes), "full")
        deadline_s = min(w.captured_s for w in ready) + self._max_delay_s
        if now_s >= deadline_s:
            return Decision(self._by_turn(ready, lanes), "deadline")
        if not self._more_is_due({w.camera for w in ready}, now_s, deadline_s):
            return Decision(self._by_turn(ready, lanes), "idle")
        return Decision(wake_s=deadline_s)

    def served(self, cameras: Sequence[str], now_s: float) -> None:
        """These cameras' frames were dispatched: each has had its turn."""
        lanes = [lane for lane in map(self._lanes.get, cameras) if lane is not None]
        if not lanes:
            return
        self._present = max(self._present, min(lane.turn for lane in lanes))
        for lane in lanes:
            lane.turn = max(lane.turn, self._present) + 1 / lane.weight
            lane.served_s = now_s

    def _by_turn(self, ready: Sequence[Waiting], lanes: Mapping[str, _Lane]) -> tuple[str, ...]:
        def turn(w: Waiting) -> tuple[float, float, float]:
            lane = lanes[w.camera]
            return (max(lane.turn, self._present), lane.served_s, w.captured_s)

        return tuple(w.camera for w in sorted(ready, key=turn)[: self._max_batch])

    def _more_is_due(self, ready: set[str], now_s: float, deadline_s: float) -> bool:
        """Whether a live camera that has nothing waiting should deliver before the deadline."""
        for name, lane in self._lanes.items():
            if name in ready or not self._is_live(name):
                continue
            due_s = lane.due_s(now_s)
            if due_s is not None and due_s <= deadline_s:
                return True
        return False
