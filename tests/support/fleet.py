"""Shards that do what they are told, without a daemon, for Directors in tests and benchmarks."""

from __future__ import annotations

from daemon.clock import Clock
from daemon.fleet.orders import CameraFacts, Orders, Report
from daemon.fleet.sections import CameraSetup, FleetSetup, ShardSetup

PROGRAM = ("-m", "tests.support.fleet_daemon")  # which is not to be imported: it blocks signals


class Memory:
    """The store without a disk."""

    def __init__(self) -> None:
        self.drained: frozenset[str] = frozenset()
        self.longest_lease_s = 0.0
        self._next = 0

    def next_number(self, above: int) -> int:
        self._next = max(self._next, above) + 1
        return self._next

    def keep_longest_lease(self, lease_s: float) -> None:
        self.longest_lease_s = lease_s

    def keep_drained(self, nodes: frozenset[str]) -> None:
        self.drained = nodes


class FakeShard:
    """A server that does what it is told."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.boot = "boot1"
        self.number = 0
        self.term, self.seen = "", 0
        self.held: dict[str, int] = {}
        self.until_s = 0.0
        self.revision = ""
        self.cameras: tuple[str, ...] = ()
        self.ready = True
        self.lacks: dict[str, str] = {}
        self.pictures = 0
        self.decode_s: dict[str, float] = {}
        self.cores = 10.0
        self.orders = Orders("", 0, 2.0, {})

    def live(self) -> dict[str, int]:
        """What it may use at this moment."""
        return self.held if self.clock.now_s() < self.until_s else {}

    def report(self) -> Report:
        self.number += 1
        self.held = self.live()
        self.pictures += 5
        return Report(
            self.name,
            self.boot,
            self.number,
            self.term,
            self.seen,
            dict(self.held),
            self.revision,
            self.ready,
            self.cores,
            100.0,
            self.clock.now_s(),
            {
                camera: CameraFacts("streaming", self.decode_s.get(camera, 0.0), self.pictures)
                for camera in self.held
            },
            lacks=dict(self.lacks),
        )

    def obey(self, orders: Orders) -> None:
        self.orders = orders
        self.term, self.seen = orders.term, orders.reply
        self.until_s = self.clock.now_s() + orders.lease_s
        self.held = {c: n for c, n in orders.grants.items() if c not in orders.leaving}
        if orders.assignment is not None:
            self.revision = orders.assignment.revision
            self.cameras = tuple(orders.assignment.cameras)


def fleet(cameras: int, nodes: tuple[str, ...], *, fps: float = 5.0) -> FleetSetup:
    return FleetSetup(
        {"version": 1},
        tuple(ShardSetup(name, name, f"{name}:9464") for name in nodes),
        tuple(
            CameraSetup(f"cam{n}", {"url": "synthetic://64x48"}, fps, 1, enabled=True)
            for n in range(cameras)
        ),
        2.0,
        1.0,
    )
