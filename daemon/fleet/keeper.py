"""`vedette fleet run`: hands the configuration to the Director, shows the fleet over HTTP and tells
what happens. The Director and its shards go on without it; systemd starts it again when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from config.credentials import credentials_directory, resolve_token
from config.errors import ConfigError, CredentialError
from config.fleet import LoadedFleet, load_fleet
from daemon import log as logs
from daemon import signals
from daemon.errors import ListenError
from daemon.exits import EXIT_FAILED, EXIT_OK
from daemon.fleet.island import answers
from daemon.fleet.sections import FleetSetup, setup_of
from daemon.fleet.shard import DirectorAwayError
from daemon.fleet.view import FleetView, GatewayView

LOOK_S = 1.0
PATIENCE_S = 60.0  # without the Director, then this process ends and is started again
GATEWAY_S = 0.5  # for a gateway to say that it works
GATEWAYS_EVERY = 5  # looks

log = logging.getLogger(__name__)


class Fleet(Protocol):
    """What is used of `daemon.fleet.ray_cluster.Cluster`."""

    def direct(self, setup: FleetSetup, folder: str) -> None: ...

    def view(self) -> FleetView: ...


class Site(Protocol):
    """What is used of `daemon.http.server.HttpServer`."""

    def bind(self) -> None: ...

    def start(self) -> None: ...

    def read_token(self) -> None: ...

    def stop(self) -> bool: ...


OpenSite = Callable[[Callable[[], FleetView], LoadedFleet, Callable[[], str | None]], Site]


class Keeper:
    """Main thread only: it takes the signals. The site asks for `_view` from its own thread."""

    def __init__(
        self, fleet: Fleet, loaded: LoadedFleet, open_site: OpenSite, *, reread: Path
    ) -> None:
        self._fleet = fleet
        self._loaded = loaded
        self._path = reread
        self._view = FleetView(0, None)
        self._site = open_site(lambda: self._view, loaded, self._node_token)
        self._gateways: tuple[GatewayView, ...] = ()
        self._alarms: frozenset[str] = frozenset()
        self._looks = 0
        self._away_s = 0.0

    def run(self) -> int:
        """Until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the exit code. Raises
        DirectorAwayError where there is no Director to be had.
        """
        logs.configure(self._loaded.config.log.level, self._loaded.config.log.format)
        signals.block()
        try:
            self._site.bind()
        except ListenError as error:
            log.error("%s", error)  # noqa: TRY400 - expected: the line says it all
            return EXIT_FAILED
        self._site.start()
        try:
            self._hand_over()
            fleet = self._loaded.config.fleet
            log.info("fleet runs servers=%d http=%s", len(fleet.nodes), fleet.http.listen)
            return self._keep()
        finally:
            self._site.stop()

    def _keep(self) -> int:
        while True:
            taken = signals.take(LOOK_S)
            if taken == signals.RELOAD:
                self._reload()
            elif taken is not None:
                log.info("stopping signal=%s, Director and servers go on", taken.name)
                return EXIT_OK
            if not self._look():
                return EXIT_FAILED

    def _hand_over(self) -> None:
        config = self._loaded.config
        self._fleet.direct(setup_of(config), str(config.fleet.folder))

    def _reload(self) -> None:
        try:
            self._loaded = load_fleet(self._path)
            self._hand_over()
            self._site.read_token()
        except ConfigError as error:
            for fault in error.faults:
                log.error("%s", fault)  # noqa: TRY400
            log.error("reload refused")  # noqa: TRY400
            return
        except (DirectorAwayError, ListenError) as error:
            log.error("reload failed, try again reason=%s", error)  # noqa: TRY400
            return
        log.info("reload applied")

    def _look(self) -> bool:
        """Tell new alarms, and those that are over. False after a long time without a Director."""
        try:
            view = self._fleet.view()
        except DirectorAwayError as error:
            if not self._away_s:
                log.warning("director is away reason=%s", error)
            self._away_s += LOOK_S
            self._view = replace(self._view, director_since_ns=None)
            return self._away_s < PATIENCE_S
        if self._looks % GATEWAYS_EVERY == 0:
            self._gateways = tuple(
                GatewayView(name, http, answers(http, GATEWAY_S))
                for name, http in self._loaded.config.fleet.gateways.items()
            )
        self._looks += 1
        self._view = replace(view, gateways=self._gateways)
        if self._away_s:
            log.info("director is back")
            self._away_s = 0.0
        alarms = frozenset(alarm.text for alarm in view.alarms)
        for text in sorted(alarms - self._alarms):
            log.warning("alarm %s", text)
        for text in sorted(self._alarms - alarms):
            log.info("over %s", text)
        self._alarms = alarms
        return True

    def _node_token(self) -> str | None:
        """What the servers' daemons ask for. Any thread."""
        token = self._loaded.config.http.token
        if token is None:
            return None
        try:
            return resolve_token(token, directory=credentials_directory()).get_secret_value()
        except CredentialError as error:
            log.warning("token of the servers cannot be read error=%s", error)
            return None
