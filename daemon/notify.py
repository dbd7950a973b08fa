"""What the daemon tells systemd: sd_notify(3) with the standard library, silent elsewhere."""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
from collections.abc import Mapping

from daemon.books.reports import Reporter
from daemon.clock import Clock

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 1.0  # a service manager that does not read must not hold up the tick
LOAD_STEP_S = 180  # longest that one step of loading may take, see TimeoutStartSec=
PINGS_PER_LIMIT = 3  # pings within WatchdogSec=; two may be late before systemd acts


class ServiceManager:
    """The other end of `$NOTIFY_SOCKET`. Called from any thread; never raises."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")

    def tell(self, *assignments: str) -> None:
        """Send `NAME=value` assignments as one datagram; nothing where nobody listens."""
        if not self._address.startswith(("/", "@")):
            return
        address = self._address
        if address.startswith("@"):  # Linux' abstract namespace
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.settimeout(SEND_TIMEOUT_S)
                end.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            log.warning("service manager not reached error=%s", error)


class Notices:
    """Ready, reloads, status, watchdog and stop, told when they come about.

    `tick` it once a second. All of it runs in the main thread, but `loading_advanced`, which any
    thread may call.
    """

    def __init__(
        self, reporter: Reporter, clock: Clock, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._reporter = reporter
        self._clock = clock
        self._manager = ServiceManager(environ)
        self._ping_every_s = ping_interval_s(environ, os.getpid())
        self._pinged_s: float | None = None  # None until ready: systemd counts from there
        self._status = ""
        self._stuck = False

    def loading_advanced(self) -> None:
        """Loading the model made a step; the next may take as long again."""
        self._manager.tell(
            f"EXTEND_TIMEOUT_USEC={LOAD_STEP_S * 1_000_000}", "STATUS=loading the model"
        )

    def reloading(self) -> None:
        """A reload begins; systemd then waits for `reloaded`."""
        now_us = int(self._clock.now_s() * 1e6)
        self._manager.tell("RELOADING=1", f"MONOTONIC_USEC={now_us}", "STATUS=reloading")

    def reloaded(self) -> None:
        """It is over, whatever became of it."""
        self._status = ""
        self._manager.tell("READY=1", *self._new_status())

    def tick(self) -> None:
        """Tell what has changed since the last tick; nothing before the daemon is ready."""
        if not self._reporter.readiness().ready:
            return
        news = [*self._ready_or_ping(), *self._new_status()]
        if news:
            self._manager.tell(*news)

    def stopping(self) -> None:
        """The daemon begins to end."""
        self._manager.tell("STOPPING=1", "STATUS=stopping")

    def _ready_or_ping(self) -> list[str]:
        now_s = self._clock.now_s()
        if self._pinged_s is None:
            self._pinged_s = now_s
            return ["READY=1"]
        if self._makes_no_progress() or self._ping_every_s is None:
            return []
        if now_s - self._pinged_s < self._ping_every_s:
            return []
        self._pinged_s = now_s
        return ["WATCHDOG=1"]

    def _makes_no_progress(self) -> bool:
        """Whether the pipeline is stuck; cameras that are down are no reason to start afresh."""
        reason = self._reporter.stuck()
        if reason and not self._stuck:
            log.error("no progress reason=%r, every thread's stack follows", reason)
            faulthandler.dump_traceback()
        elif self._stuck and not reason:
            log.info("progress again")
        self._stuck = reason is not None
        return self._stuck

    def _new_status(self) -> list[str]:
        states = [camera.status.state for camera in self._reporter.cameras()]
        wanted = sum(state.is_wanted for state in states)
        status = f"{sum(state.is_up for state in states)}/{wanted} cameras up"
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={status}"]


def ping_interval_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two pings; None where no watchdog watches this process."""
    limit_us = environ.get("WATCHDOG_USEC", "")
    if not limit_us.isdecimal() or int(limit_us) == 0:
        return None
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    return int(limit_us) / 1e6 / PINGS_PER_LIMIT
