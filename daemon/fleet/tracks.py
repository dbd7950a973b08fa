"""The cameras as the Director knows them: where each should be, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.fleet.costs import Costs
from daemon.fleet.placement import Demand
from daemon.fleet.sections import CameraSetup
from daemon.fleet.view import Cause, Placement

RAISE_S = 60.0  # a camera that got fewer frames keeps them so long: each change reopens its stream
STEPS = 8  # of a share of the pictures


@dataclass(slots=True)
class Track:
    """One camera. `target` is the shard that has its grant or gets the next one."""

    setup: CameraSetup
    since_ns: int
    target: str | None = None
    share: float = 1.0
    placement: Placement = Placement.MOVING
    reason: str = ""
    cause: Cause = Cause.START  # of the next movement
    source: str | None = None  # the shard that spoke for it last
    silent_s: float | None = None  # since when nobody speaks for it
    leaving_s: float | None = None  # since when its shard is asked to let go
    shared_s: float = 0.0  # when its share changed

    def become(self, placement: Placement, wall_ns: int, reason: str = "") -> None:
        if placement is not self.placement:
            self.placement, self.since_ns = placement, wall_ns
        self.reason = reason

    def demand(self, costs: Costs, least_fps: float, reach: frozenset[str] | None) -> Demand:
        """What it needs, on one of the shards in `reach`."""
        cost = costs.measured(self.setup.name)
        fps = self.setup.fps
        pictures, cores = fps, costs.usual_cores()
        if cost is not None:
            # What it would need at its full rate, whatever it gets now.
            pictures = min(fps, cost.pictures_per_s / max(self.share, 1 / STEPS))
            cores = cost.decode_cores
        return Demand(
            self.setup.name,
            self.setup.priority,
            cores,
            pictures,
            least_share=min(1.0, least_fps / fps),
            nodes=reach,
        )

    def take_share(self, share: float, now_s: float) -> bool:
        """In steps, and upwards not too often; whether it changed."""
        share = max(1, int(share * STEPS + 1e-6)) / STEPS if share < 1.0 else 1.0
        if share < self.share or (share > self.share and now_s - self.shared_s >= RAISE_S):
            self.share, self.shared_s = share, now_s
            return True
        return False
