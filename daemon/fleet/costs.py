"""What each camera costs, measured by the daemon that runs it. Pure; one thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daemon.fleet.orders import CameraFacts

WINDOW_S = 5.0  # a shorter one says more of chance than of the camera
SMOOTHING = 0.3  # weight of the newest window
GUESS_CORES = 0.1  # of a camera that was never measured, where none was


@dataclass(frozen=True, slots=True)
class Cost:
    """`decode_cores` of a processor for reading and decoding; pictures the detector answered."""

    decode_cores: float
    pictures_per_s: float


@dataclass(slots=True)
class _Window:
    shard: str
    from_s: float
    facts: CameraFacts


class Costs:
    """Learnt from the counters in reports; a camera keeps its cost when it moves."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._costs: dict[str, Cost] = {}
        self._usual_cores: float | None = None  # None: to be counted anew

    def note(self, shard: str, cameras: Mapping[str, CameraFacts], at_s: float) -> None:
        """Counters of a shard's daemon at this moment of its clock."""
        for camera, facts in cameras.items():
            window = self._windows.get(camera)
            if (
                window is None
                or window.shard != shard
                or facts.decode_s < window.facts.decode_s
                or facts.pictures < window.facts.pictures
                or facts.state not in ("streaming", "tampered")
            ):
                self._windows[camera] = _Window(shard, at_s, facts)
                continue
            seconds = at_s - window.from_s
            if seconds >= WINDOW_S:
                self._learn(camera, window.facts, facts, seconds)
                self._windows[camera] = _Window(shard, at_s, facts)

    def measured(self, camera: str) -> Cost | None:
        return self._costs.get(camera)

    def usual_cores(self) -> float:
        """What a camera that was never measured is taken to cost: as much as the others do."""
        if not self._costs:
            return GUESS_CORES
        if self._usual_cores is None:
            cores = sum(cost.decode_cores for cost in self._costs.values())
            self._usual_cores = cores / len(self._costs)
        return self._usual_cores

    def forget_all_but(self, cameras: Collection[str]) -> None:
        for gone in [camera for camera in self._costs if camera not in cameras]:
            del self._costs[gone]
            self._usual_cores = None
        for gone in [camera for camera in self._windows if camera not in cameras]:
            del self._windows[gone]

    def _learn(self, camera: str, before: CameraFacts, now: CameraFacts, seconds: float) -> None:
        cores = (now.decode_s - before.decode_s) / seconds
        pictures = (now.pictures - before.pictures) / seconds
        old = self._costs.get(camera)
        if old is not None:
            cores = old.decode_cores + SMOOTHING * (cores - old.decode_cores)
            pictures = old.pictures_per_s + SMOOTHING * (pictures - old.pictures_per_s)
        self._costs[camera] = Cost(cores, pictures)
        self._usual_cores = None
