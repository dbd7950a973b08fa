"""A fleet on one machine: Ray's head and several nodes as processes of their own, each with its
shard and its daemon, and somebody who hears all that they say.

Runs in a network namespace of its own (see `tests.fleet.inside`), so that it meets no other Ray.
Every process is ended by its number: `ray stop` would end every Ray of the machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from config.fleet import load_fleet
from daemon.fleet.sections import FleetSetup, setup_of
from daemon.fleet.view import FleetView
from tests.fleet.apart import INNER, OUTER, ApartServer
from tests.fleet.gateways import GatewayProcess
from tests.fleet.processes import Process, below, parent
from tests.fleet.units import STORE_BYTES, NodeUnit
from tests.support.fleet import PROGRAM

ROOT = Path(__file__).parents[2]
FPS = 5.0
FIRST_PORT = 21000
CLOCKS = ROOT / "tests" / "fleet" / "clocks"
ROOM = {"decode_cores": 2.0, "pictures_per_s": 100.0}  # said, not measured: machines differ
TUNED = {
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3600",
    "RAY_gcs_storage": "rocksdb",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "PYTHONPATH": f"{ROOT}:{CLOCKS}",
    "PYTHONUNBUFFERED": "1",
}
HEAD = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}


class Rig:
    """`start` takes half a minute; `stop` may be called again."""

    def __init__(
        self,
        folder: Path,
        *,
        nodes: tuple[str, ...] = ("north", "south", "east"),
        cameras: int = 9,
        fps: float = FPS,
        own_gateways: int = 0,
        clocks: bool = False,
        units: bool = False,
        apart: str | None = None,
        **fleet: Any,
    ) -> None:
        self.folder = folder
        self.nodes = nodes
        self.cameras = [f"cam{n}" for n in range(cameras)]
        self.http = {name: f"127.0.0.1:{FIRST_PORT + 2 * n}" for n, name in enumerate(nodes)}
        self.binds = {
            name: f"tcp://127.0.0.1:{FIRST_PORT + 2 * n + 1}" for n, name in enumerate(nodes)
        }
        self.file = folder / "fleet.yaml"
        self.sections: dict[str, Any] = {
            "version": 1,
            "http": {"live": False},
            "batching": {"max_delay_ms": 0},
            "defaults": {"detect": {"fps": fps}, "tracking": {"enabled": False}},
            "cameras": {
                name: {"url": f"synthetic://{name}?size=64x48&fps={2 * fps:g}"}
                for name in self.cameras
            },
            "fleet": {
                "folder": str(folder / "fleet"),
                "nodes": {
                    name: {"http": self.http[name], "bind": self.binds[name]} | ROOM
                    for name in nodes
                },
            }
            | fleet,
        }
        self.gateways = [
            GatewayProcess(folder, name, FIRST_PORT + 100 + 10 * n)
            for n, name in enumerate(("one", "two")[:own_gateways])
        ]
        if self.gateways:
            self._put_gateways()
        self.units: dict[str, NodeUnit] = {}
        self._by_units = units  # whether servers are started as systemd does it
        self.clocks = clocks  # whether `set_clock` can be used
        self.apart = ApartServer(apart) if apart else None
        if apart:
            self._put_apart(apart)
        self.raylets: dict[str, Any] = {}
        self.cluster: Any = None
        self.reach: Any = None

    def start(self) -> None:
        os.environ.update(TUNED)
        if self.apart is not None:
            self.apart.open()
        for gateway in self.gateways:
            gateway.start()
        os.environ["RAY_gcs_storage_path"] = str(self.folder / "gcs")  # noqa: SIM112 - Ray's name
        from ray.cluster_utils import Cluster as RayCluster

        from daemon.fleet.ray_cluster import Cluster

        self._use_clock("head")
        self.cluster = RayCluster(initialize_head=True, head_node_args=HEAD | self.place)
        self.sections["fleet"]["address"] = self.cluster.address
        for name in self.nodes:
            if self.apart is not None and name == self.apart.name:
                self.apart.join(self.cluster.address)
            else:
                self.add(name)
        self.reach = Cluster(self.cluster.address)
        self.direct()

    def add(self, name: str) -> None:
        """A server joins, or joins again."""
        self._use_clock(name)
        if self._by_units:
            address = self.sections["fleet"]["address"]
            self.units[name] = NodeUnit(name, address, number=len(self.units))
            self.units[name].start()
            return
        self.raylets[name] = self.cluster.add_node(
            num_cpus=1,
            object_store_memory=STORE_BYTES,
            resources={f"vedette:{name}": 1},
            wait=False,
            **self.place,
        )

    @property
    def place(self) -> dict[str, str]:
        """Where Ray's processes of this side listen."""
        return {"node_ip_address": OUTER} if self.apart is not None else {}

    def _put_gateways(self) -> None:
        """Servers publish there, and nowhere else."""
        to = [gateway.publishers for gateway in self.gateways]
        self.sections["sinks"] = {"zeromq": {"connect": {"to": to}}}
        self.sections["fleet"]["gateways"] = {one.name: one.http for one in self.gateways}
        for node in self.sections["fleet"]["nodes"].values():
            del node["bind"]
        self.binds = {one.name: one.subscribers for one in self.gateways}

    def _put_apart(self, name: str) -> None:
        """That server is reached over a network, which has to be said to be private."""
        node = self.sections["fleet"]["nodes"][name]
        node["http"] = node["http"].replace("127.0.0.1", INNER)
        node["bind"] = self.binds[name] = self.binds[name].replace("127.0.0.1", INNER)
        self.sections["http"]["allow_anonymous"] = True
        self.sections["sinks"] = {"zeromq": {"allow_plaintext": True}}

    def setup(self) -> FleetSetup:
        self.file.write_text(json.dumps(self.sections))
        return setup_of(load_fleet(self.file).config)

    def direct(self) -> None:
        """What `vedette fleet run` does."""
        program = (sys.executable, *PROGRAM)
        self.reach.direct(self.setup(), str(self.folder / "fleet"), program)

    def command(self, *words: str) -> tuple[int, str]:
        """`vedette fleet …`: exit code, and what it said to whichever stream."""
        done = subprocess.run(
            [sys.executable, "-m", "daemon.cli", "fleet", *words, str(self.file)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def view(self) -> FleetView:
        view: FleetView = self.reach.view()
        return view

    def placed(self) -> dict[str, str | None]:
        return {camera.name: camera.node for camera in self.view().cameras}

    def of_node(self, name: str) -> list[str]:
        return [camera for camera, node in self.placed().items() if node == name]

    def shard(self, name: str) -> Any:
        import ray

        from daemon.fleet.ray_names import NAMESPACE, shard_actor

        return ray.get_actor(shard_actor(name), namespace=NAMESPACE)

    def shard_pid(self, name: str) -> int:
        return parent(self.child_pid(name))

    def child_pid(self, name: str) -> int:
        import ray

        pid: int | None = ray.get(self.shard(name).child_pid.remote(), timeout=10)
        assert pid is not None
        return pid

    def tree(self, name: str) -> list[Process]:
        """Every process of a server that lives: its raylet and all below it."""
        if name in self.units:
            return self._below(self.units[name].roots)
        return self._below(self._roots_of(self.raylets[name]))

    @staticmethod
    def _roots_of(node: Any) -> list[int]:
        return [
            info.process.pid
            for infos in node.all_processes.values()
            for info in infos
            if info.process.poll() is None
        ]

    @staticmethod
    def _below(roots: list[int]) -> list[Process]:
        pids = [*roots, *(pid for root in roots for pid in below(root))]
        return [process for pid in pids if (process := Process.of(pid)) is not None]

    def signal_node(self, name: str, number: int) -> None:
        for process in self.tree(name):
            process.signal(number)

    def director_pid(self) -> int:
        """Of the Director's process, by its title."""
        for pid in below(os.getpid()):
            with suppress(OSError):
                if b"ray::DirectorActor" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        raise AssertionError("no process of a Director")

    def kill_head(self, director: int) -> None:
        """What Ray's head knows, and the Director, at once."""
        self.cluster.head_node.kill_gcs_server()
        os.kill(director, signal.SIGKILL)

    def start_head(self) -> None:
        self.cluster.head_node.start_gcs_server()

    def lose_head(self) -> None:
        """The head's machine is gone, and its disk: Ray's store, the Director's."""
        self.reach.close()  # this process was connected by way of it
        head = self.cluster.head_node
        for process in self._below(self._roots_of(head)):
            process.signal(signal.SIGKILL)
        self.cluster.remove_node(head, allow_graceful=False)
        (self.folder / "fleet" / "director.json").unlink()

    def replace_head(self) -> float:
        """Another machine takes its address, with nothing on its disk; when it was up."""
        from daemon.fleet.ray_cluster import Cluster

        address = self.sections["fleet"]["address"]
        os.environ["RAY_gcs_storage_path"] = str(self.folder / "gcs2")  # noqa: SIM112
        port = int(address.rpartition(":")[2])
        self.cluster.add_node(gcs_server_port=port, **HEAD, **self.place)
        up_s = time.monotonic()
        self.reach = Cluster(address)
        self.direct()
        return up_s

    def set_clock(self, name: str, ahead_s: float) -> None:
        """The wall clock that the Python processes of that server see, or those of the head."""
        assert self.clocks
        self._clock_of(name).write_text(str(ahead_s))

    def _use_clock(self, name: str) -> None:
        """Processes that are started from now on are those of that server."""
        if self.clocks:
            os.environ["VEDETTE_TEST_CLOCK"] = str(self._clock_of(name))

    def _clock_of(self, name: str) -> Path:
        return self.folder / f"{name}.clock"

    def wait(self, condition: Callable[[], object], timeout_s: float, what: str) -> float:
        """Seconds that it took to come true."""
        began_s = time.monotonic()
        while True:
            with suppress(Exception):
                if condition():
                    return time.monotonic() - began_s
            assert time.monotonic() - began_s < timeout_s, (
                f"not within {timeout_s} s: {what}\n{self.told()}"
            )
            time.sleep(0.05)

    def told(self) -> str:
        """What went on, for a failed wait."""
        from daemon.fleet.words import status_lines

        with suppress(Exception):
            return "\n".join(status_lines(self.view()))
        return "no Director"

    def logs(self) -> Iterator[tuple[str, str]]:
        for path in sorted((self.folder / "fleet").glob("*.log")):
            yield path.name, path.read_text(errors="replace")

    def stop(self) -> None:
        """Children end in order as far as they can; then every process by its number."""
        import ray

        everything = [
            process for name in [*self.raylets, *self.units] for process in self.tree(name)
        ]
        for name in self.nodes:
            with suppress(Exception):
                ray.get(self.shard(name).stop.remote(), timeout=8)
        if self.reach is not None:
            self.reach.close()
        for unit in self.units.values():
            unit.stop()
        if self.cluster is not None:
            with suppress(Exception):
                self.cluster.shutdown()
        for process in everything:
            process.signal(signal.SIGKILL)
        for gateway in self.gateways:
            gateway.stop()
        if self.apart is not None:
            self.apart.close()
