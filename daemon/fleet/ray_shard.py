"""The shard as an actor of Ray: one for each server or GPU, started again for ever, which is bound
to its server by a resource of that name. Its thread runs `daemon.fleet.shard.Shard`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from daemon import log as logs
from daemon.clock import SystemClock
from daemon.fleet.child import PROGRAM, Child
from daemon.fleet.head import LOOK_S, HeadWatch, end_raylet
from daemon.fleet.island import newest_grants
from daemon.fleet.line import Address, LineEnd
from daemon.fleet.orders import Orders, Report, orders_of, packed
from daemon.fleet.ray_head import answering_cluster, joined_cluster
from daemon.fleet.ray_names import DIRECTOR, NAMESPACE
from daemon.fleet.shard import DirectorAwayError, Shard, missing

LOOK_UP_S = 5.0  # for the Director to say where its line is

log = logging.getLogger(__name__)


class ShardActor:
    """Made by the Director. Its methods are called by Ray, the shard's work has its own thread."""

    def __init__(self, name: str, folder: str, program: Sequence[str] = PROGRAM) -> None:
        logs.configure("info", "text")
        self._stopping = threading.Event()
        self._line = DirectorLine()
        clock = SystemClock()
        child = Child(name, Path(folder), clock, program=program)
        self._child = child
        self._shard = Shard(name, child, clock, ask=self._line.ask, ask_gateways=newest_grants)
        self._thread = threading.Thread(target=self._run, name=f"shard:{name}")
        self._thread.start()
        threading.Thread(target=self._watch_head, name="head:watch", daemon=True).start()

    def stop(self) -> None:
        """End the daemon in order; the actor may be killed then."""
        self._stopping.set()
        self._thread.join()

    def lacks(self, cameras: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """What this server has not that these cameras need; names no secrets."""
        found = {camera: missing(section) for camera, section in cameras.items()}
        return {camera: lack for camera, lack in found.items() if lack is not None}

    def child_pid(self) -> int | None:
        """Of the daemon; for tests and for people who look closely."""
        return self._child.pid

    def _watch_head(self) -> None:
        """Where the Director is away because its cluster is no more, neither is this server's."""
        watch = HeadWatch(joined_cluster(), answering_cluster)
        while not self._stopping.wait(LOOK_S):
            if self._line.away and watch.replaced():
                log.error("the head is a new one, which knows no server of before: this one ends")
                self.stop()
                end_raylet(os.getppid())
                os._exit(1)  # a worker whose raylet cannot be ended still ends itself

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    wait_s = self._shard.step()
                except Exception:  # its leases end by themselves if that goes on
                    log.exception("step failed")
                    wait_s = 0.5
                self._stopping.wait(wait_s)
        finally:
            self._shard.stop()


class DirectorLine:
    """The line to the Director, which is found again where it was made anew. Ray says where it is;
    that waits for Ray's head as long as it is away, so it has a thread of its own.
    """

    def __init__(self) -> None:
        self.away = True  # it did not answer what it was asked last
        self._found: Address | None = None  # None until it was found
        self._end: LineEnd | None = None
        self._finding: threading.Thread | None = None

    def ask(self, report: Report, timeout_s: float) -> Orders:
        """Raises DirectorAwayError after that long."""
        self.away = True
        end = self._current()
        if end is None:
            self._find()
            raise DirectorAwayError("it has not been found yet")
        try:
            orders = orders_of(end.ask(packed(report), timeout_s))
        except TimeoutError:
            self._find()  # it may have moved
            raise DirectorAwayError("it does not answer") from None
        except ValueError:
            raise DirectorAwayError("it speaks another language") from None
        self.away = False
        return orders

    def _current(self) -> LineEnd | None:
        """To where it was found last."""
        found, end = self._found, self._end
        if found is not None and (end is None or end.address != found):
            if end is not None:
                end.close()
            end = self._end = LineEnd(found)
        return end

    def _find(self) -> None:
        if self._finding is not None and self._finding.is_alive():
            return
        self._finding = threading.Thread(target=self._look_up, name="director:find", daemon=True)
        self._finding.start()

    def _look_up(self) -> None:
        try:
            director = ray.get_actor(DIRECTOR, namespace=NAMESPACE)
            self._found = Address(*ray.get(director.line.remote(), timeout=LOOK_UP_S))
        except (ValueError, RayError):
            self._stop_briefly()

    @staticmethod
    def _stop_briefly() -> None:
        threading.Event().wait(0.2)  # so that an actor that is not there is not asked for in a loop
