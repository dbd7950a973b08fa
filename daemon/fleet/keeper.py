"""`vedette fleet run`: hands the configuration to the Director and tells what happens. The Director
and its shards go on without it; systemd starts it again when it ends.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from config.errors import ConfigError
from config.fleet import LoadedFleet, load_fleet
from daemon import log as logs
from daemon import signals
from daemon.exits import EXIT_FAILED, EXIT_OK
from daemon.fleet.sections import FleetSetup, setup_of
from daemon.fleet.shard import DirectorAwayError
from daemon.fleet.view import FleetView

LOOK_S = 1.0
PATIENCE_S = 60.0  # without the Director, then this process ends and is started again

log = logging.getLogger(__name__)


class Fleet(Protocol):
    """What is used of `daemon.fleet.ray_cluster.Cluster`."""

    def direct(self, setup: FleetSetup, folder: str) -> None: ...

    def view(self) -> FleetView: ...


class Keeper:
    """Main thread only: it takes the signals."""

    def __init__(self, fleet: Fleet, loaded: LoadedFleet, *, reread: Path) -> None:
        self._fleet = fleet
        self._loaded = loaded
        self._path = reread
        self._alarms: frozenset[str] = frozenset()
        self._away_s = 0.0

    def run(self) -> int:
        """Until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the exit code."""
        logs.configure(self._loaded.config.log.level, self._loaded.config.log.format)
        signals.block()
        self._hand_over()
        log.info("fleet runs servers=%d", len(self._loaded.config.fleet.nodes))
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
        except ConfigError as error:
            for fault in error.faults:
                log.error("%s", fault)  # noqa: TRY400
            log.error("reload refused")  # noqa: TRY400
            return
        except DirectorAwayError as error:
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
            return self._away_s < PATIENCE_S
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
