"""From the command line to the exit code: signals, the second's tick, and what a failure means.

The first SIGTERM or SIGINT drains; from then on they have their default effect, so a second one
ends the process at once. SIGHUP reads the configuration file again, once the daemon is ready and
the reload before it is over.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from config.errors import ConfigError
from config.loader import Loaded
from config.schema import HttpConfig
from config.urls import split_host_port
from daemon import signals
from daemon.app import App
from daemon.background import Background
from daemon.clock import Clock
from daemon.doors import Doors
from daemon.errors import ListenError
from daemon.exits import EXIT_BAD_CONFIG, EXIT_FAILED, EXIT_NO_MODEL, EXIT_OK
from daemon.fleet.tether import Tether
from daemon.log import on_terminal
from daemon.notify import Notices
from daemon.reload.model import BuildDetector, LoadedModel, load_model
from daemon.reload.reloader import Equipment
from daemon.seats.fence import NoFence
from daemon.summary import Summary
from detector.api import InferenceError, ModelError
from sinks.sink import SinkError

log = logging.getLogger(__name__)

TICK_S = 1.0
EXIT_S = 0.5  # for the interpreter's own end, which waits for workers: one may hang at a disk
LOOK_S = 0.1  # between two looks at what runs beside the main thread


def serve(
    loaded: Loaded,
    build: BuildDetector,
    clock: Clock,
    *,
    summary_s: float | None,
    tether: Tether | None = None,
) -> int:
    """Run the daemon until a signal; returns the exit code. Main thread only.

    The signals are blocked already, see `daemon.signals`. `summary_s` is the interval of a summary
    line in the log, None for none. A daemon of a fleet hangs on its shard by `tether`.
    """
    faulthandler.enable()  # systemd's watchdog aborts: the journal then has every thread's stack
    doors = Doors(loaded, clock, fence=tether.fence if tether else None)
    notices = Notices(doors.reporter, clock)
    columns = _columns if on_terminal() else None
    service = _Service(
        doors,
        clock,
        notices,
        Summary(doors.reporter, doors.roster, clock, every_s=summary_s, columns=columns),
    )
    if tether is not None:
        tether.start(doors.reporter)
    try:
        code = service.run(loaded, build)
    finally:
        signals.let_stop_through()
        notices.stopping()
        clean = service.stop()
        if tether is not None:
            tether.stop()
    if not clean or service.busy:
        _exit_now(code)
    _exit_within(EXIT_S, code)
    return code


class _Service:
    """The main thread's work while the daemon runs."""

    def __init__(self, doors: Doors, clock: Clock, notices: Notices, summary: Summary) -> None:
        self._doors = doors
        self._clock = clock
        self._notices = notices
        self._ticks = [doors.tick, notices.tick, summary.tick]  # each once a second
        self._stops = [doors.close]  # in this order; each says whether it came to an end
        self._next_tick_s = clock.now_s()
        self._errands: list[Callable[[], None]] = []  # for whoever wakes the main thread
        self._look_s = TICK_S if isinstance(doors.fence, NoFence) else LOOK_S
        self._reload_wanted = False  # however often it was asked for while it could not be done
        self._beside: Background[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being loaded, which nothing can interrupt."""
        return self._beside is not None and not self._beside.done

    def run(self, loaded: Loaded, build: BuildDetector) -> int:
        try:
            self._doors.open()
            model = self._loaded_model(loaded, build)
            if model is not None:
                self._work(Equipment(loaded, model), build)
        except (SinkError, ListenError, InferenceError) as error:
            log.error("%s", error)  # noqa: TRY400 - expected: the line says it all
            return EXIT_FAILED
        except ModelError as error:
            log.error("%s", error)  # noqa: TRY400
            return EXIT_NO_MODEL
        except ConfigError as error:
            for fault in error.faults:
                log.error("%s", fault)  # noqa: TRY400
            return EXIT_BAD_CONFIG
        return EXIT_OK

    def stop(self) -> bool:
        """Drain and close what was opened; False if a thread is still blocked."""
        self._doors.reporter.draining = True
        ended = [stop() for stop in self._stops]
        return all(ended)

    def _loaded_model(self, loaded: Loaded, build: BuildDetector) -> LoadedModel | None:
        """Built and warm; None if a stop signal came first."""
        advanced = self._notices.loading_advanced
        load = partial(load_model, loaded, build, self._clock, advanced=advanced)
        loading: Background[LoadedModel] = Background("model", load)
        self._beside = loading
        if self._stopped_before(lambda: loading.done, LOOK_S):
            return None
        return loading.result()

    def _work(self, running: Equipment, build: BuildDetector) -> None:
        """Start everything, and keep at it until a stop signal comes."""
        app = App(self._doors, running, self._clock)
        self._stops.insert(0, app.stop)
        self._ticks.insert(0, app.check)
        self._errands.append(app.obey)
        app.start()
        log.info("ready")
        log.info("Live page: %s", live_page(running.loaded.config.http))
        self._next_tick_s = self._clock.now_s()  # whoever waits for it is told at once
        while not self._stopped_before(
            lambda: self._reload_wanted or app.grants_changed(), self._look_s
        ):
            if app.grants_changed():
                app.obey_grants()
            if self._reload_wanted and self._stopped_while_reloading(app, build):
                return

    def _stopped_while_reloading(self, app: App, build: BuildDetector) -> bool:
        """Read the file and load what it needs beside the main thread, which then applies it."""
        self._reload_wanted = False
        self._notices.reloading()
        prepare = partial(app.prepare_reload, build, advanced=self._notices.loading_advanced)
        preparing = self._beside = Background("reload", prepare)
        if self._stopped_before(lambda: preparing.done, LOOK_S):
            return True
        app.conclude_reload(preparing.result)
        self._notices.reloaded()
        return False

    def _stopped_before(self, done: Callable[[], bool], look_s: float) -> bool:
        """Tick once a second until `done`; True if a stop signal came first."""
        while not done():
            now_s = self._clock.now_s()
            if now_s >= self._next_tick_s:
                for tick in self._ticks:
                    tick()
                self._next_tick_s = max(self._next_tick_s + TICK_S, now_s)
            taken = signals.take(min(look_s, max(0.0, self._next_tick_s - now_s)))
            if taken == signals.RELOAD:
                self._reload_wanted = True
            elif taken == signals.WAKE:
                for errand in self._errands:
                    errand()
            elif taken is not None:
                log.info("stopping signal=%s", taken.name)
                return True
        return False


def live_page(http: HttpConfig) -> str:
    """The address to open on this machine: a listener on every address is on loopback too."""
    host, port = split_host_port(http.listen)
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - read, not bound
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _exit_within(seconds: float, code: int) -> None:
    """Let the interpreter end by itself, but no later than that."""

    def end() -> None:
        threading.Event().wait(seconds)
        _exit_now(code)

    threading.Thread(target=end, name="exit", daemon=True).start()


def _exit_now(code: int) -> NoReturn:
    """End although a thread is blocked: the interpreter's own exit would wait for it."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
