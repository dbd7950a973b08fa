"""A server's part in the fleet: asks the Director, obeys, and keeps its daemon as it shall be.

One step each quarter of a lease, in one thread. Nothing in here knows Ray: how the Director is
asked is given, and raises `DirectorAwayError` where it does not answer in time.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from config.credentials import credentials_directory, resolve
from config.errors import CredentialError
from config.urls import local_path, scheme_of
from daemon.clock import Clock
from daemon.fleet.leases import Lease, Leases
from daemon.fleet.orders import Assignment, CameraFacts, Orders, Report
from daemon.fleet.sections import member_file
from daemon.fleet.times import Times
from daemon.fleet.wire import ToShard

HURRY_S = 0.05  # between two steps while a camera changes its server
FORGET_S = 30.0  # an error that is the same is logged again after so long

log = logging.getLogger(__name__)


class DirectorAwayError(Exception):
    """It did not answer in time, or cannot be found."""


class Daemon(Protocol):
    """The child process; `daemon.fleet.child.Child` in life."""

    said: ToShard
    facts: dict[str, CameraFacts]
    facts_s: float

    @property
    def running(self) -> bool: ...

    def write_config(self, text: str) -> None: ...

    def ensure(self, environment: Mapping[str, str]) -> bool: ...

    def reload(self) -> None: ...

    def send(self, leases: Mapping[str, Lease], leaving: tuple[str, ...]) -> int: ...

    def listen(self) -> None: ...

    def stop(self) -> None: ...


Ask = Callable[[Report, float], Orders]  # (report, timeout_s)
AskGateways = Callable[[str, tuple[str, ...], str | None, float], Mapping[str, int] | None]


class Shard:
    """`step` again and again, waiting what it returns; `stop` at the end."""

    def __init__(
        self,
        name: str,
        daemon: Daemon,
        clock: Clock,
        *,
        ask: Ask,
        ask_gateways: AskGateways = lambda *_: None,
        times: Times | None = None,
    ) -> None:
        self._name = name
        self._daemon = daemon
        self._clock = clock
        self._ask = ask
        self._ask_gateways = ask_gateways
        self._times = times or Times()
        self._leases = Leases(self._times)
        self._given: Assignment | None = None  # the newest
        self._taken = ""  # revision that the daemon runs with
        self._reloading: tuple[str, int] | None = None  # revision asked for, reloads before
        self._retry_s: float | None = None  # when a refused one is tried again
        self._lacks: dict[str, str] = {}
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._term, self._seen = "", 0
        self._leaving: tuple[str, ...] = ()
        self._believed: dict[str, tuple[Lease, int]] = {}  # by the daemon, as far as may be
        self._away_s: float | None = None  # since when the Director does not answer

    def step(self) -> float:
        """One round; seconds until the next."""
        began_s = self._clock.now_s()
        self._daemon.listen()
        self._let_go()
        hurry = self._consult(began_s)
        self._look_after()
        self._tell()
        if hurry:
            return HURRY_S
        return max(HURRY_S, self._times.renew_s - (self._clock.now_s() - began_s))

    def stop(self) -> None:
        """Let every camera go, and end the daemon in order."""
        self._daemon.send({}, ())
        self._daemon.stop()

    def _consult(self, asked_s: float) -> bool:
        """Ask the Director, or where it is away the gateways; whether to ask again soon."""
        # One that is away is not waited for again and again: the gateways have to be asked too.
        patience = 2 if self._away_s is None else 1
        report = self._report(asked_s)
        try:
            orders = self._ask(report, self._times.renew_s * patience)
        except DirectorAwayError as error:
            self._be_alone(asked_s, error)
            return False
        now_s = self._clock.now_s()
        if self._away_s is not None:
            log.info("director is back after_s=%.1f", asked_s - self._away_s)
        self._away_s = None
        self._term, self._seen = orders.term, orders.reply
        self._use_lease(orders.lease_s)
        self._leases.take(orders.grants, asked_s, now_s)
        self._leaving = orders.leaving
        if orders.assignment is not None:
            self._given = orders.assignment
            self._retry_s = None
        return orders.hurry

    def _be_alone(self, asked_s: float, error: DirectorAwayError) -> None:
        if self._away_s is None:
            self._away_s = asked_s
            log.warning("director is away reason=%s", error)
        gateways = self._given.gateways if self._given else ()
        if not gateways or not self._leases.live(self._clock.now_s()):
            return
        asked_s = self._clock.now_s()
        token = self._given.gateway_token if self._given else None
        newest = self._ask_gateways(self._name, gateways, token, self._times.renew_s / 2)
        if newest is not None:
            self._leases.extend(newest, asked_s, self._clock.now_s())

    def _report(self, now_s: float) -> Report:
        said = self._daemon.said
        self._number += 1
        island_s = 0.0 if self._away_s is None else now_s - self._away_s
        held = {camera: lease.number for camera, (lease, _) in self._believed.items()}
        held |= {camera: lease.number for camera, lease in self._leases.live(now_s).items()}
        return Report(
            self._name,
            self._boot,
            self._number,
            self._term,
            self._seen,
            held,
            self._taken,
            said.ready,
            float(os.cpu_count() or 1),
            said.pace,
            self._daemon.facts_s,
            dict(self._daemon.facts),
            island_s,
            dict(self._lacks),
        )

    def _let_go(self) -> None:
        """Cameras that have left in order; those of a daemon that is no more have. The Director
        is told once the daemon has heard that they are gone, or their time is over.
        """
        running, now_s = self._daemon.running, self._clock.now_s()
        left = frozenset(self._leaving)
        if running:
            left &= frozenset(self._daemon.said.left)
        if left & self._leases.live(now_s).keys():
            self._leases.drop(left)
            self._tell()
            self._daemon.listen()
        heard = self._daemon.said.heard
        self._believed = {
            camera: (lease, number)
            for camera, (lease, number) in self._believed.items()
            if running and now_s < lease.until_s and heard <= number
        }

    def _tell(self) -> None:
        """Say to the daemon what is granted now."""
        leases = self._leases.live(self._clock.now_s())
        number = self._daemon.send(leases, tuple(c for c in self._leaving if c in leases))
        self._believed |= {camera: (lease, number) for camera, lease in leases.items()}

    def _look_after(self) -> None:
        """The daemon runs, with the newest configuration that it can have."""
        given = self._given
        if given is None:
            return
        said = self._daemon.said
        if self._reloading is not None and said.reloads > self._reloading[1]:
            revision, self._reloading = self._reloading[0], None
            if not said.refused:
                self._taken = revision
            else:
                self._retry_s = self._clock.now_s() + FORGET_S
                log.error("daemon refused its cameras shard=%s, see its log", self._name)
        gpu = {} if given.gpu is None else {"CUDA_VISIBLE_DEVICES": str(given.gpu)}
        if not self._daemon.running:
            self._reloading = None
            self._write(given)
            if self._daemon.ensure(gpu):
                self._taken = given.revision
            return
        due = self._retry_s is None or self._clock.now_s() >= self._retry_s
        if given.revision != self._taken and self._reloading is None and said.ready and due:
            self._write(given)
            self._reloading = (given.revision, said.reloads)
            self._daemon.reload()

    def _write(self, given: Assignment) -> None:
        """Its file, without the cameras for which this server lacks something."""
        self._lacks = {
            camera: lack
            for camera, section in given.cameras.items()
            if (lack := missing(section)) is not None
        }
        able = {c: section for c, section in given.cameras.items() if c not in self._lacks}
        fit = replace(given, cameras=able)
        try:
            self._daemon.write_config(member_file(self._name, fit))
        except OSError as error:
            log.error("configuration cannot be written error=%s", error)  # noqa: TRY400

    def _use_lease(self, lease_s: float) -> None:
        if lease_s != self._times.lease_s:
            self._times = Times(lease_s)
            self._leases.times = self._times


def missing(section: Mapping[str, Any]) -> str | None:
    """What a camera needs of this server and does not find there; None for nothing. No secrets."""
    url, credential = str(section.get("url", "")), section.get("credential")
    if credential is not None:
        try:
            resolve(str(credential), directory=credentials_directory())
        except CredentialError as error:
            return str(error)
    if scheme_of(url) in ("file", "v4l2") and not os.access(local_path(url), os.R_OK):
        return f"{local_path(url)} is not there or cannot be read"
    authority = section.get("tls_ca")
    if authority is not None and not os.access(str(authority), os.R_OK):
        return f"{authority} is not there or cannot be read"
    return None
