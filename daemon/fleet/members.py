"""The shards as the Director knows them: who reported when, and what room each has. One thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.fleet.orders import Assignment, CameraFacts, Report
from daemon.fleet.placement import Room
from daemon.fleet.sections import ShardSetup
from daemon.fleet.view import NodeState

CORE_SHARE = 0.8  # of a server's cores may decode; the rest is the detector's, and Ray's
UNREADY_S = 10.0  # a daemon that needs longer to start again loses its cameras to others
BARRED_S = 60.0  # before a server that lacked something for a camera is tried again
UNKNOWN_PACE = 60.0  # pictures a second, until the detector was measured


@dataclass(slots=True)
class Member:
    """One shard. `since_ns` is the wall clock of the change to `state`."""

    setup: ShardSetup
    since_ns: int
    state: NodeState = NodeState.LOST
    reason: str = "has not reported yet"
    reported_s: float | None = None
    boot: str = ""  # of the shard that reported last, with the number of that report
    number: int = 0
    ready: bool = False
    revision: str = ""  # of the assignment that its daemon has taken up
    assignment: Assignment | None = None
    made_of: object = None  # what `assignment` was made of
    aimed: dict[str, float] = field(default_factory=dict)  # cameras it shall have, and their shares
    leaving: frozenset[str] = frozenset()  # cameras it shall let go
    as_of: object = None  # the Director's changes that these know of
    cores: float = 0.0
    pace: float | None = None
    unready_s: float | None = None  # since when its daemon is not ready
    barred: dict[str, float] = field(default_factory=dict)  # cameras it lacks something for, until
    lacks: dict[str, str] = field(default_factory=dict)  # the reasons
    facts: dict[str, CameraFacts] = field(default_factory=dict)
    overloaded_s: float | None = None  # since when

    @property
    def usable(self) -> bool:
        """Whether cameras may come to it."""
        return self.state is NodeState.UP and self.ready

    def keeps(self, now_s: float) -> bool:
        """Whether cameras that it has stay: also for a while where its daemon starts again."""
        if self.state is not NodeState.UP:
            return False
        return self.ready or self.unready_s is None or now_s - self.unready_s < UNREADY_S

    @property
    def serving(self) -> bool:
        """Whether cameras that it has may stay for the moment."""
        return self.state in (NodeState.UP, NodeState.DRAINING, NodeState.DRAINED)

    def room(self) -> Room:
        """By the configuration, or else as the server itself says."""
        setup = self.setup
        cores = setup.decode_cores or CORE_SHARE * (self.cores or 1.0)
        return Room(setup.name, cores, setup.pictures_per_s or self.pace or UNKNOWN_PACE)

    def is_late(self, report: Report) -> bool:
        """Whether a newer one of the same shard has come already."""
        return report.boot == self.boot and report.number <= self.number

    def note(self, report: Report, now_s: float) -> bool:
        """Take in a report; True where placement has to be looked at again."""
        before = (self.ready, self.revision, set(self.barred))
        self.reported_s = now_s
        self.boot, self.number = report.boot, report.number
        self.ready, self.revision = report.ready, report.revision
        if report.ready:
            self.unready_s = None
        elif self.unready_s is None:
            self.unready_s = now_s
        self.cores, self.pace = report.cores or self.cores, report.pace or self.pace
        still = {camera: until_s for camera, until_s in self.barred.items() if now_s < until_s}
        self.barred = still | dict.fromkeys(report.lacks, now_s + BARRED_S)
        self.lacks = {c: why for c, why in self.lacks.items() if c in still} | dict(report.lacks)
        self.facts = dict(report.cameras)
        return before != (self.ready, self.revision, set(self.barred))

    def change(self, state: NodeState, wall_ns: int, reason: str = "") -> None:
        if state is not self.state:
            self.state, self.since_ns = state, wall_ns
        self.reason = reason

    def has_taken_up(self, camera: str) -> bool:
        """Its daemon knows the camera and only waits for the grant."""
        given = self.assignment
        return given is not None and camera in given.cameras and self.revision == given.revision
