"""Which configuration holds since when, and what became of every attempt to replace it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from config.schema import Config
from daemon.books.reports import ConfigReport, ReloadReport, ReloadResult
from daemon.clock import Clock

HASH_DIGITS = 12


class ReloadHistory:
    """The main thread writes, any thread reads."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        now_ns = clock.wall_ns()
        self._report = ConfigReport(
            config_hash(config), now_ns, now_ns, dict.fromkeys(ReloadResult, 0)
        )

    def note(self, result: ReloadResult, config: Config, faults: Sequence[str] = ()) -> None:
        """A reload ended; `config` is what holds now."""
        before, now_ns = self._report, self._clock.wall_ns()
        self._report = replace(
            before,
            hash=config_hash(config),
            loaded_ns=now_ns if result is ReloadResult.APPLIED else before.loaded_ns,
            succeeded_ns=now_ns if result.is_success else before.succeeded_ns,
            reloads={**before.reloads, result: before.reloads[result] + 1},
            last_reload=ReloadReport(now_ns, result, tuple(faults)),
        )

    def report(self) -> ConfigReport:
        return self._report


def config_hash(config: Config) -> str:
    """The same for files that mean the same, whatever their comments, order and defaults."""
    text = config.model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
