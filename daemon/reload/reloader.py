"""SIGHUP: the file is read again, and the daemon becomes what it says, or stays what it is.

Everything that can be found wrong beforehand is, beside the daemon that runs on (`prepare`); then
the parts are brought over one by one, and back again if any of them fails (`conclude`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from config.credentials import credentials_directory, resolve
from config.errors import ConfigError, CredentialError, Fault
from config.fleet import MemberFile, load_member
from config.loader import Loaded, load
from daemon.books.reports import ReloadResult
from daemon.clock import Clock
from daemon.errors import ListenError
from daemon.reload.access import token_fault
from daemon.reload.changes import Changes, diff
from daemon.reload.history import ReloadHistory
from daemon.reload.labels import check_labels
from daemon.reload.model import BuildDetector, LoadedModel, load_model
from detector.api import InferenceError, ModelError
from sinks.sink import SinkError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Equipment:
    """All that the daemon runs with."""

    loaded: Loaded
    model: LoadedModel


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that is ready to take over."""

    changes: Changes
    target: Equipment


class Parts(Protocol):
    """The daemon's parts. Each method brings one of them to what is wanted, from whatever it is,
    and touches nothing that is so already. Main thread.
    """

    def given_up(self) -> frozenset[str]:
        """Cameras that are not tried again by themselves. Any thread."""
        ...

    def use_http(self, wanted: Equipment) -> None:
        """Reads the access token again. Raises ListenError."""
        ...

    def use_sinks(self, wanted: Equipment) -> None:
        """Raises SinkError."""
        ...

    def use_log(self, wanted: Equipment) -> None: ...

    def use_model(self, wanted: Equipment) -> None: ...

    def use_cameras(self, wanted: Equipment) -> None: ...


class Reloader:
    """One reload at a time: `prepare`, which may have a thread of its own, then `conclude`."""

    def __init__(
        self, running: Equipment, parts: Parts, history: ReloadHistory, clock: Clock
    ) -> None:
        self._running = running
        self._parts = parts
        self._history = history
        self._clock = clock
        self._is_whole = True  # not so after a way back that failed

    def prepare(self, build: BuildDetector, *, advanced: Callable[[], None]) -> Prepared:
        """Read the file, and have ready whatever it needs. Raises ConfigError with every fault;
        nothing that runs is touched.

        `advanced` is called after every step of building a detector.
        """
        old = self._running.loaded.config
        again = load_member if isinstance(old, MemberFile) else load
        loaded = again(self._running.loaded.path)
        new = loaded.config
        if new.node != old.node:
            raise ConfigError((loaded.fault(("node",), "changes at a restart only"),))
        _check_credentials(loaded, diff(old, new))
        changes = diff(old, new, given_up=self._parts.given_up())
        model = self._running.model
        if not changes.detector:
            check_labels(loaded, model.detector.labels)
            return Prepared(changes, Equipment(loaded, model))
        try:
            model = load_model(loaded, build, self._clock, advanced=advanced)
        except (ModelError, InferenceError) as error:
            raise ConfigError((loaded.fault(("model",), str(error)),)) from error
        return Prepared(changes, Equipment(loaded, model))

    def conclude(self, prepared: Callable[[], Prepared]) -> None:
        """Carry out what `prepared` returns, or note why it raises; raises nothing itself."""
        started_s = self._clock.now_s()
        plan, faults = self._attempt(prepared)
        if plan is None:
            self._end(ReloadResult.REFUSED, faults)
            return
        if faults := self._take_over(plan):
            self._end(ReloadResult.ROLLED_BACK, faults)
            return
        self._running = plan.target
        if plan.changes:
            took_ms = (self._clock.now_s() - started_s) * 1e3
            self._end(ReloadResult.APPLIED, note=f" {plan.changes} took_ms={took_ms:.0f}")
        else:
            self._end(ReloadResult.UNCHANGED)

    def _differs(self, plan: Prepared) -> bool:
        """A file may differ in what has no effect, and is shown nevertheless."""
        same_file = plan.target.loaded.config == self._running.loaded.config
        return bool(plan.changes) or not same_file or not self._is_whole

    def _attempt(self, prepared: Callable[[], Prepared]) -> tuple[Prepared | None, list[str]]:
        try:
            return prepared(), []
        except ConfigError as error:
            return None, [str(fault) for fault in error.faults]
        except Exception as error:
            log.exception("reload failed")
            return None, [f"internal error: {type(error).__name__}"]

    def _take_over(self, plan: Prepared) -> list[str]:
        """Bring every part over, or back in the opposite order; what went wrong."""
        parts, before, target = self._parts, self._running, plan.target
        steps = [parts.use_http]  # in any case: the file of the token may hold another one
        if self._differs(plan):
            steps += [parts.use_sinks, parts.use_log, parts.use_model, parts.use_cameras]
        try:
            with ExitStack() as way_back:
                for use in steps:
                    way_back.callback(self._bring_back, use, before)
                    use(target)
                way_back.pop_all()
        except ListenError as error:
            return [str(target.loaded.fault(("http",), str(error)))]
        except SinkError as error:
            return [str(target.loaded.fault(("sinks",), str(error)))]
        except Exception as error:
            log.exception("reload failed")
            return [f"internal error: {type(error).__name__}"]
        self._is_whole = True
        return []

    def _bring_back(self, use: Callable[[Equipment], None], before: Equipment) -> None:
        try:
            use(before)
        except Exception:
            self._is_whole = False
            log.exception("could not be brought back step=%s", use.__name__)

    def _end(self, result: ReloadResult, faults: Sequence[str] = (), *, note: str = "") -> None:
        self._history.note(result, self._running.loaded.config, faults)
        for fault in faults:
            log.error("%s", fault)
        level = logging.INFO if result.is_success else logging.ERROR
        log.log(level, "reload %s%s", result.replace("_", " "), note)


def _check_credentials(loaded: Loaded, changes: Changes) -> None:
    """Of the cameras that are new or changed; one that has failed for long refuses no reload.
    And the access token. Raises ConfigError.
    """
    faults = tuple(_credential_faults(loaded, [*changes.cameras.added, *changes.cameras.restarted]))
    if faults:
        raise ConfigError(faults)


def _credential_faults(loaded: Loaded, names: Sequence[str]) -> Iterator[Fault]:
    directory = credentials_directory()
    if fault := token_fault(loaded, directory):
        yield fault
    for name in names:
        camera = loaded.config.cameras[name]
        if camera.credential is None or not camera.enabled:
            continue
        try:
            resolve(camera.credential, directory=directory)
        except CredentialError as error:
            yield loaded.fault(("cameras", name, "credential"), str(error))
