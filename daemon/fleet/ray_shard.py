"""The shard as an actor of Ray: one for each server or GPU, started again for ever, which is bound
to its server by a resource of that name. Its thread runs `daemon.fleet.shard.Shard`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from daemon import log as logs
from daemon.clock import SystemClock
from daemon.fleet.child import PROGRAM, Child
from daemon.fleet.island import newest_grants
from daemon.fleet.orders import Orders, Report, orders_of, packed
from daemon.fleet.ray_names import DIRECTOR, NAMESPACE
from daemon.fleet.shard import DirectorAwayError, Shard, missing

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
    """Calls the Director, and finds it again where it was made anew. A look-up waits for Ray's head
    as long as that is away, so it has a thread of its own.
    """

    def __init__(self) -> None:
        self._director: Any = None  # ray's handle; None until it was found
        self._finding: threading.Thread | None = None

    def ask(self, report: Report, timeout_s: float) -> Orders:
        """Raises DirectorAwayError after that long."""
        director: Any = self._director
        if director is None:
            self._find()
            raise DirectorAwayError("it has not been found yet")
        try:
            return orders_of(ray.get(director.report.remote(packed(report)), timeout=timeout_s))
        except ray.exceptions.GetTimeoutError:
            raise DirectorAwayError("it does not answer") from None
        except ray.exceptions.ActorDiedError:
            self._director = None
            raise DirectorAwayError("it has died") from None
        except RayError as error:
            raise DirectorAwayError(type(error).__name__) from None
        except ValueError:
            raise DirectorAwayError("it speaks another language") from None

    def _find(self) -> None:
        if self._finding is not None and self._finding.is_alive():
            return
        self._finding = threading.Thread(target=self._look_up, name="director:find", daemon=True)
        self._finding.start()

    def _look_up(self) -> None:
        try:
            self._director = ray.get_actor(DIRECTOR, namespace=NAMESPACE)
        except (ValueError, RayError):
            self._stop_briefly()

    @staticmethod
    def _stop_briefly() -> None:
        threading.Event().wait(0.2)  # so that an actor that is not there is not asked for in a loop
