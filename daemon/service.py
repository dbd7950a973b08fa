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
from daemon.http.server import ListenError
from daemon.log import on_terminal
from daemon.notify import Notices
from daemon.reload.model import BuildDetector
from daemon.summary import Summary
from detector.api import InferenceError, ModelError
from sinks.sink import SinkError

log = logging.getLogger(__name__)

OK, FAILED, NO_MODEL, BAD_CONFIG = 0, 1, 69, 78
TICK_S = 1.0
LOOK_S = 0.1  # between two looks at what runs beside the main thread


def serve(loaded: Loaded, build: BuildDetector, clock: Clock, *, summary_s: float | None) -> int:
    """Run the daemon until a signal; returns the exit code. Main thread only.

    The signals are blocked already, see `daemon.signals`. `summary_s` is the interval of a summary
    line in the log, None for none.
    """
    faulthandler.enable()  # systemd's watchdog aborts: the journal then has every thread's stack
    app = App(loaded, clock)
    notices = Notices(app.reporter, clock)
    columns = _columns if on_terminal() else None
    service = _Service(
        app,
        clock,
        notices,
        Summary(app.reporter, app.roster, clock, every_s=summary_s, columns=columns),
        page=live_page(loaded.config.http),
    )
    try:
        code = service.run(build)
    finally:
        signals.let_stop_through()
        notices.stopping()
        clean = app.stop()
    if not clean or service.busy:
        _exit_now(code)
    return code


class _Service:
    """The main thread's work while the daemon runs."""

    def __init__(
        self, app: App, clock: Clock, notices: Notices, summary: Summary, *, page: str
    ) -> None:
        self._app = app
        self._page = page
        self._clock = clock
        self._notices = notices
        self._summary = summary
        self._next_tick_s = clock.now_s()
        self._reload_wanted = False  # however often it was asked for while it could not be done
        self._beside: Background[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being loaded, which nothing can interrupt."""
        return self._beside is not None and not self._beside.done

    def run(self, build: BuildDetector) -> int:
        try:
            if self._started(build):
                log.info("ready")
                log.info("Live page: %s", self._page)
                self._next_tick_s = self._clock.now_s()  # whoever waits for it hears of it at once
                while not self._stopped_before(lambda: self._reload_wanted, TICK_S):
                    if self._stopped_while_reloading(build):
                        break
        except (SinkError, ListenError, InferenceError) as error:
            log.error("%s", error)  # noqa: TRY400 - expected: the line says it all
            return FAILED
        except ModelError as error:
            log.error("%s", error)  # noqa: TRY400
            return NO_MODEL
        except ConfigError as error:
            for fault in error.faults:
                log.error("%s", fault)  # noqa: TRY400
            return BAD_CONFIG
        return OK

    def _started(self, build: BuildDetector) -> bool:
        """False if a stop signal came first."""
        self._app.open()
        load = partial(self._app.load_model, build, advanced=self._notices.loading_advanced)
        loading = self._beside = Background("model", load)
        if self._stopped_before(lambda: loading.done, LOOK_S):
            return False
        loading.result()
        self._app.start_cameras()
        return True

    def _stopped_while_reloading(self, build: BuildDetector) -> bool:
        """Read the file and load what it needs beside the main thread, which then applies it."""
        self._reload_wanted = False
        self._notices.reloading()
        prepare = partial(self._app.prepare_reload, build, advanced=self._notices.loading_advanced)
        preparing = self._beside = Background("reload", prepare)
        if self._stopped_before(lambda: preparing.done, LOOK_S):
            return True
        self._app.conclude_reload(preparing.result)
        self._notices.reloaded()
        return False

    def _stopped_before(self, done: Callable[[], bool], look_s: float) -> bool:
        """Tick once a second until `done`; True if a stop signal came first."""
        while not done():
            now_s = self._clock.now_s()
            if now_s >= self._next_tick_s:
                self._app.tick()
                self._notices.tick()
                self._summary.tick()
                self._next_tick_s = max(self._next_tick_s + TICK_S, now_s)
            taken = signals.take(min(look_s, max(0.0, self._next_tick_s - now_s)))
            if taken == signals.RELOAD:
                self._reload_wanted = True
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


def _exit_now(code: int) -> NoReturn:
    """End although a thread is blocked: the interpreter's own exit would wait for it."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
