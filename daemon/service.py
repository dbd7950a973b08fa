"""From the command line to the exit code: signals, the second's tick, and what a failure means.

The main thread blocks SIGTERM and SIGINT for itself and every thread after it, and takes them when
it looks: no handler ever runs in the middle of something. The first one drains; from then on they
have their default effect, so a second one ends the process at once.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from config.errors import ConfigError
from config.loader import Loaded
from daemon.app import App, BuildDetector
from daemon.clock import Clock
from daemon.http.server import ListenError
from daemon.notify import Notices
from daemon.summary import Summary
from detector.api import ModelError
from sinks.sink import SinkError

log = logging.getLogger(__name__)

OK, FAILED, NO_MODEL, BAD_CONFIG = 0, 1, 69, 78
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
TICK_S = 1.0
LOOK_S = 0.1  # between two looks at whether the model is loaded


def serve(loaded: Loaded, build: BuildDetector, clock: Clock, *, summary_s: float | None) -> int:
    """Run the daemon until a signal; returns the exit code. Main thread only.

    `summary_s` is the interval of a summary line in the log, None for none.
    """
    faulthandler.enable()  # systemd's watchdog aborts: the journal then has every thread's stack
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    app = App(loaded, clock)
    notices = Notices(app.reporter, clock)
    service = _Service(
        app, clock, notices, Summary(app.reporter, app.live, clock, every_s=summary_s)
    )
    try:
        code = service.run(build)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        notices.stopping()
        clean = app.stop()
    if not clean or service.loading:
        _exit_now(code)
    return code


class _Service:
    """The main thread's work while the daemon runs."""

    def __init__(self, app: App, clock: Clock, notices: Notices, summary: Summary) -> None:
        self._app = app
        self._clock = clock
        self._notices = notices
        self._summary = summary
        self._loader: threading.Thread | None = None

    @property
    def loading(self) -> bool:
        """Whether the model is still being loaded, which nothing can interrupt."""
        return self._loader is not None and self._loader.is_alive()

    def run(self, build: BuildDetector) -> int:
        try:
            self._app.open()
            if self._stopped_while_loading(build):
                return OK
            self._app.start_cameras()
        except (SinkError, ListenError) as error:
            log.error("%s", error)  # noqa: TRY400 - expected: the line says it all
            return FAILED
        except ModelError as error:
            log.error("%s", error)  # noqa: TRY400
            return NO_MODEL
        except ConfigError as error:
            for fault in error.faults:
                log.error("%s", fault)  # noqa: TRY400
            return BAD_CONFIG
        log.info("ready")
        self._tick_until(lambda: False, TICK_S)
        return OK

    def _stopped_while_loading(self, build: BuildDetector) -> bool:
        """Load the model beside the main thread; raises what loading raised."""
        errors: list[Exception] = []

        def load() -> None:
            try:
                self._app.load_model(build, advanced=self._notices.start_advanced)
            except Exception as error:  # raised again below, in the main thread
                errors.append(error)

        loader = self._loader = threading.Thread(target=load, name="model")
        loader.start()
        if self._tick_until(lambda: not loader.is_alive(), LOOK_S):
            return True
        if errors:
            raise errors[0]
        return False

    def _tick_until(self, done: Callable[[], bool], look_s: float) -> bool:
        """Tick once a second until `done`; True if a stop signal came first."""
        next_s = self._clock.now_s()
        while not done():
            now_s = self._clock.now_s()
            if now_s >= next_s:
                self._app.tick()
                self._notices.tick()
                self._summary.tick()
                next_s = max(next_s + TICK_S, now_s)
            taken = signal.sigtimedwait(STOP_SIGNALS, min(look_s, max(0.0, next_s - now_s)))
            if taken is not None:
                log.info("stopping signal=%s", signal.Signals(taken.si_signo).name)
                return True
        return False


def _exit_now(code: int) -> NoReturn:
    """End although a thread is blocked: the interpreter's own exit would wait for it."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
