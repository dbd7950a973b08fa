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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import zmq

from config.fleet import load_fleet
from daemon.fleet.sections import FleetSetup, setup_of
from daemon.fleet.view import FleetView
from sinks.messages import DetectionMessage, decode
from tests.fleet.apart import INNER, OUTER, ApartServer
from tests.fleet.processes import Process, below, parent
from tests.support.fleet_daemon import PROGRAM

ROOT = Path(__file__).parents[2]
FPS = 5.0
FIRST_PORT = 21000
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
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
}
STORE_BYTES = 80 * 1024**2


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, as it came."""

    camera: str
    node: str
    grant: int
    captured_ns: int
    at_s: float


@dataclass
class Listener:
    """Subscribes to every node."""

    endpoints: list[str]
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Listener:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        context = zmq.Context()
        with context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.RECONNECT_IVL, 50)
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
            socket.setsockopt(zmq.LINGER, 0)
            socket.subscribe(b"det.")
            for endpoint in self.endpoints:
                socket.connect(endpoint)
            while not self._stopping.is_set():
                if socket.poll(100):
                    message = decode(*socket.recv_multipart())
                    assert isinstance(message, DetectionMessage)
                    self.heard.append(
                        Heard(
                            message.camera,
                            message.node,
                            int(message.grant or 0),
                            message.captured_ns,
                            time.monotonic(),
                        )
                    )
        context.term()

    def of(self, camera: str, since_s: float = 0.0) -> list[Heard]:
        return [one for one in list(self.heard) if one.camera == camera and one.at_s >= since_s]

    def gap_s(self, camera: str, since_s: float) -> float:
        """The longest time without an answer, up to now."""
        before = [one.at_s for one in self.of(camera) if one.at_s < since_s][-1:]
        times = [*before, *(one.at_s for one in self.of(camera, since_s)), time.monotonic()]
        return max(b - a for a, b in pairwise(times))

    def doubles(self) -> int:
        """Answers of an older grant whose picture is no older than the first of a newer one."""
        count = 0
        for camera in {one.camera for one in list(self.heard)}:
            first: dict[int, int] = {}
            for one in self.of(camera):
                first[one.grant] = min(one.captured_ns, first.get(one.grant, one.captured_ns))
            for one in self.of(camera):
                newer = [ns for grant, ns in first.items() if grant > one.grant]
                count += any(one.captured_ns >= ns for ns in newer)
        return count


class GatewayProcess:
    """A real `vedette gateway`."""

    def __init__(self, folder: Path) -> None:
        port = FIRST_PORT + 100
        self.publishers, self.subscribers = (f"tcp://127.0.0.1:{port + n}" for n in (0, 1))
        self.http = f"127.0.0.1:{port + 2}"
        self._file = folder / "gateway.yaml"
        self._log = folder / "gateway.log"
        self._file.write_text(
            json.dumps(
                {
                    "version": 1,
                    "publishers": {"bind": self.publishers},
                    "subscribers": {"bind": self.subscribers},
                    "grants": str(folder / "grants.json"),
                    "http": {"listen": self.http},
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "gateway", str(self._file)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def stop(self, number: int = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(10)


class Rig:
    """`start` takes half a minute; `stop` may be called again."""

    def __init__(
        self,
        folder: Path,
        *,
        nodes: tuple[str, ...] = ("north", "south", "east"),
        cameras: int = 9,
        gateway: bool = False,
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
            "defaults": {"detect": {"fps": FPS}, "tracking": {"enabled": False}},
            "cameras": {
                name: {"url": f"synthetic://{name}?size=64x48&fps=10"} for name in self.cameras
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
        self.gateway = GatewayProcess(folder) if gateway else None
        if self.gateway is not None:
            self.sections["sinks"] = {"zeromq": {"connect": {"to": [self.gateway.publishers]}}}
            self.sections["fleet"]["gateways"] = {"one": self.gateway.http}
            for node in self.sections["fleet"]["nodes"].values():
                del node["bind"]
            self.binds = {"gateway": self.gateway.subscribers}
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
        if self.gateway is not None:
            self.gateway.start()
        os.environ["RAY_gcs_storage_path"] = str(self.folder / "gcs")  # noqa: SIM112 - Ray's name
        from ray.cluster_utils import Cluster as RayCluster

        from daemon.fleet.ray_cluster import Cluster

        self.cluster = RayCluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
            }
            | self.place,
        )
        self.sections["fleet"]["address"] = self.cluster.address
        for name in self.nodes:
            if self.apart is not None and name == self.apart.name:
                self.apart.join(self.cluster.address, STORE_BYTES)
            else:
                self.add(name)
        self.reach = Cluster(self.cluster.address)
        self.direct()

    def add(self, name: str) -> None:
        """A server joins, or joins again."""
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
        roots = [
            info.process.pid
            for infos in self.raylets[name].all_processes.values()
            for info in infos
            if info.process.poll() is None
        ]
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

        everything = [process for name in self.raylets for process in self.tree(name)]
        for name in self.nodes:
            with suppress(Exception):
                ray.get(self.shard(name).stop.remote(), timeout=8)
        if self.reach is not None:
            self.reach.close()
        if self.cluster is not None:
            with suppress(Exception):
                self.cluster.shutdown()
        for process in everything:
            process.signal(signal.SIGKILL)
        if self.gateway is not None:
            self.gateway.stop()
        if self.apart is not None:
            self.apart.close()
