"""What a fleet's Director costs: `python -m tests.bench.fleet`, in a network namespace of its own.

A Director on a real Ray, 30 simulated shards with ten cameras each that report twice a second, as
theirs would. The reference is an actor of Ray whose method does nothing, called as often in the
same run: what reports would take at least if they were calls of Ray.
Then ten thousand cameras are placed on a hundred servers, by the placement alone; the reference is
the plainest placement that there is, each camera to the first server with room.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from daemon.clock import SystemClock
from daemon.fleet.line import Address, LineEnd
from daemon.fleet.orders import orders_of, packed
from daemon.fleet.placement import Demand, Room, place
from tests.fleet.inside import APART, ROOT
from tests.support.fleet import FakeShard, fleet

SHARDS, CAMERAS = 30, 300
EACH_S, MEASURED_S = 0.5, 20.0
SERVERS, MANY = 100, 10_000
TICKS = os.sysconf("SC_CLK_TCK")
Ask = Callable[[str, bytes], bytes]  # (shard, report)


class Idle:
    """Does nothing, as often as it is asked to."""

    def pid(self) -> int:
        return os.getpid()

    def report(self, report: object) -> object:
        return report


def main() -> int:
    if os.environ.get(APART) != "1":
        command = ["unshare", "--net", sys.executable, "-m", "tests.bench.fleet"]
        with TemporaryDirectory(prefix="vedette-bench-") as folder:
            # Ray keeps a token in the home of whoever starts it, and its logs in the other.
            own = {APART: "1", "PYTHONPATH": str(ROOT), "HOME": folder, "RAY_TMPDIR": folder}
            return subprocess.call(command, cwd=ROOT, env=os.environ | own)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    directing()
    placing()
    return 0


def directing() -> None:
    """Percent of a core, of the Director's process and of an idle one's."""
    import ray

    from daemon.fleet.ray_cluster import QUIET
    from daemon.fleet.ray_director import DirectorActor

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80 * 1024**2,
        log_to_driver=False,
    )
    names = tuple(f"node{n:02d}" for n in range(SHARDS))
    with TemporaryDirectory() as folder:
        import msgspec

        setup = msgspec.to_builtins(fleet(CAMERAS, names))
        director: Any = ray.remote(Counted(DirectorActor)).options(**QUIET).remote(folder, setup)
        idle: Any = ray.remote(Idle).options(**QUIET).remote()
        shards = [FakeShard(name, SystemClock()) for name in names]
        address = Address(*ray.get(director.line.remote()))
        ends = {name: LineEnd(address) for name in names}
        asked: dict[str, Ask] = {
            "Director": lambda shard, said: ends[shard].ask(said, 5.0),
            "idle actor": lambda _, said: ray.get(idle.report.remote(said)),
        }
        for _ in range(12):
            rounds(asked["Director"], shards)
        granted = sum(len(shard.held) for shard in shards)
        spent = {}
        for what, actor in (("Director", director), ("idle actor", idle)):
            pid = ray.get(actor.pid.remote())
            before_s, began_s = cpu_s(pid), time.monotonic()
            while time.monotonic() - began_s < MEASURED_S:
                rounds(asked[what], shards, obey=actor is director)
            spent[what] = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
    ray.shutdown()
    ratio = spent["Director"] / spent["idle actor"]
    print(f"{granted} cameras granted on {SHARDS} shards, {SHARDS / EACH_S:.0f} reports/s")
    for what, share in spent.items():
        print(f"{what:<12} {share:.1%} of a core")
    print(f"ratio        {ratio:.2f}")


def Counted(kind: type) -> type:  # noqa: N802 - makes a class
    """The same actor, which tells its process."""
    return type("CountedDirector", (kind,), {"pid": lambda _self: os.getpid()})


def rounds(ask: Ask, shards: list[FakeShard], *, obey: bool = True) -> None:
    """Every shard reports once, spread over half a second."""
    for shard in shards:
        due_s = time.monotonic() + EACH_S / len(shards)
        answer = ask(shard.name, packed(shard.report()))
        if obey:
            shard.obey(orders_of(answer))
        time.sleep(max(0.0, due_s - time.monotonic()))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def placing() -> None:
    rooms = [Room(f"node{n}", 16.0, 400.0) for n in range(SERVERS)]
    demands = [Demand(f"cam{n}", 1 + n % 3, 0.1 + n % 7 / 100, 3.0, 0.3) for n in range(MANY)]
    began_s = time.process_time()
    placing = place(demands, rooms, {})
    took_s = time.process_time() - began_s
    began_s = time.process_time()
    plain = first_fit(demands, rooms)
    plain_s = time.process_time() - began_s
    print(f"{MANY} cameras on {SERVERS} servers: {took_s:.2f} s, {len(placing.parked)} parked")
    print(f"first fit: {plain_s:.2f} s, {MANY - plain} not placed; ratio {took_s / plain_s:.1f}")


def first_fit(demands: list[Demand], rooms: list[Room]) -> int:
    """How many are placed."""
    free = [[room.decode_cores, room.pictures_per_s] for room in rooms]
    placed = 0
    for demand in demands:
        for left in free:
            if left[0] >= demand.decode_cores and left[1] >= demand.pictures_per_s:
                left[0] -= demand.decode_cores
                left[1] -= demand.pictures_per_s
                placed += 1
                break
    return placed


if __name__ == "__main__":
    raise SystemExit(main())
