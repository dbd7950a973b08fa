"""The Director as an actor of Ray: one, on the head, that outlives whoever made it.

Ray calls its methods one after the other, for commands; a thread of its own answers the shards, by
the line, and looks at the time. `_lock` keeps the two apart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import ray
from ray.exceptions import RayError

from daemon import log as logs
from daemon.clock import SystemClock
from daemon.fleet.child import PROGRAM
from daemon.fleet.director import Director
from daemon.fleet.line import Line
from daemon.fleet.orders import packed, report_of
from daemon.fleet.picture import picture
from daemon.fleet.ray_names import NAMESPACE, SLIVER, node_resource, shard_actor
from daemon.fleet.ray_shard import ShardActor
from daemon.fleet.sections import FleetSetup, ShardSetup
from daemon.fleet.store import Store

TICK_S = 0.25

log = logging.getLogger(__name__)


class DirectorActor:
    """`setup` is what the configuration says; a start after a crash takes the newest that was
    given to `configure` in place of it.
    """

    def __init__(
        self, folder: str, setup: Mapping[str, Any], program: Sequence[str] = PROGRAM
    ) -> None:
        logs.configure("info", "text")
        self._folder = folder
        self._program = tuple(program)
        self._store = Store(Path(folder))
        kept = self._store.setup
        wanted = msgspec.convert(kept if kept is not None else dict(setup), FleetSetup)
        self._clock = SystemClock()
        self._director = Director(wanted, self._store, self._clock)
        self._lock = threading.Lock()
        self._shards: dict[str, Any] = {}
        self._use_shards(wanted)
        host: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        self._line = Line(host, self._report)
        threading.Thread(target=self._keep_answering, name="director", daemon=True).start()

    def line(self) -> tuple[str, int, bytes]:
        """Where shards report to: host, port, key."""
        at = self._line.address
        return at.host, at.port, at.key

    def configure(self, setup: Mapping[str, Any]) -> None:
        """What the file says now. Raises OSError where it cannot be kept."""
        wanted = msgspec.convert(dict(setup), FleetSetup)
        self._store.keep_setup(dict(setup))
        with self._lock:
            self._director.configure(wanted)
        self._use_shards(wanted)

    def drain(self, node: str, *, undo: bool = False) -> bool:
        with self._lock:
            return self._director.drain(node, undo=undo)

    def rebalance(self) -> int:
        with self._lock:
            return self._director.rebalance()

    def view(self) -> bytes:
        """A `FleetView`, as MessagePack."""
        with self._lock:
            return msgspec.msgpack.encode(picture(self._director, self._clock))

    def outlook_of(self) -> Any:
        """See `Director.outlook_of`."""
        with self._lock:
            return self._director.outlook_of()

    def _use_shards(self, setup: FleetSetup) -> None:
        """An actor for each shard, which waits where its server is not there yet."""
        wanted = {shard.name: shard for shard in setup.shards}
        for name in [name for name in self._shards if name not in wanted]:
            self._end(self._shards.pop(name))
        for name, shard in wanted.items():
            if name not in self._shards:
                self._shards[name] = self._make(shard)

    def _make(self, shard: ShardSetup) -> Any:
        return (
            ray.remote(ShardActor)
            .options(
                name=shard_actor(shard.name),
                namespace=NAMESPACE,
                lifetime="detached",
                get_if_exists=True,
                max_restarts=-1,
                num_cpus=0,
                resources={node_resource(shard.node): SLIVER},
            )
            .remote(shard.name, self._folder, self._program)
        )

    def _end(self, shard: Any) -> None:
        """In order if it answers; its grants end in any case."""
        try:
            ray.get(shard.stop.remote(), timeout=6.0)
        except (RayError, TimeoutError):
            log.warning("shard did not stop in time")
        ray.kill(shard)

    def _report(self, report: bytes) -> bytes:
        """A `Report` for `Orders`, packed. Raises ValueError for what is none."""
        said = report_of(report)
        with self._lock:
            return packed(self._director.report(said))

    def _keep_answering(self) -> None:
        while True:
            try:
                self._line.serve(TICK_S)
                with self._lock:
                    self._director.tick()
            except Exception:
                log.exception("report or tick failed")
