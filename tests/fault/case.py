"""One row of the fault matrix: what is expected, how it is measured, and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOAD = 3.0  # how much longer than its target a duration may be in a test, on a busy machine
EXCUSED = frozenset(["s", "ms", "fps", "×", "% CPU"])  # units of what such a machine slows down
BEARABLE_MS = 1000.0


# What every row is asked, whatever was done to the daemon.
LAW = frozenset(
    ["books", "threads more", "descriptors more", "RSS more", "restarts", "exit code",
     "unhandled exceptions", "other cameras: losses", "other cameras: gaps in seq"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure beside its target. `met` is the target itself; `bearable` allows for a busy
    machine where the figure is a duration or a rate.
    """

    what: str
    value: str
    target: str
    met: bool
    bearable: bool


class Case:
    """Where a row puts its files and its figures; `long` asks for full lengths instead of the
    short ones of `make test`, `gated` for cameras with a gate, of which only the law is asked.
    """

    def __init__(self, folder: Path, *, long: bool, gated: bool = False) -> None:
        self.folder = folder
        self.long = long
        self.gated = gated
        self.measures: list[Measure] = []

    def at_most(self, what: str, value: float, limit: float, unit: str = "") -> None:
        slack = LOAD if unit in EXCUSED else 1.0
        self._add(what, value, unit, f"≤ {limit:g}", value <= limit, value <= limit * slack)

    def at_least(self, what: str, value: float, limit: float, unit: str = "") -> None:
        slack = LOAD if unit in EXCUSED else 1.0
        self._add(what, value, unit, f"≥ {limit:g}", value >= limit, value >= limit / slack)

    def equal(self, what: str, value: object, wanted: object) -> None:
        met = value == wanted
        self.measures.append(Measure(what, str(value), str(wanted), met, met))

    def slower(self, what: str, now_ms: float, quiet_ms: float, limit: float) -> None:
        """How much longer something takes than where nothing is wrong; on a busy machine anything
        below a second may be chance.
        """
        factor = now_ms / quiet_ms
        shown = f"{factor:.2f} × ({quiet_ms:.1f} → {now_ms:.1f} ms)"
        bearable = factor <= limit * LOAD or now_ms < BEARABLE_MS
        self.measures.append(Measure(what, shown, f"≤ {limit:g} ×", factor <= limit, bearable))

    def note(self, what: str, value: float, unit: str) -> None:
        """A figure without a target."""
        self.measures.append(Measure(what, _shown(value, unit), "–", True, True))

    def _add(
        self, what: str, value: float, unit: str, target: str, met: bool, bearable: bool
    ) -> None:
        target = f"{target} {unit}".strip()
        self.measures.append(Measure(what, _shown(value, unit), target, met, bearable))


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, what is expected of the daemon, and how to find out."""

    number: str
    fault: str
    expected: str
    measure: Callable[[Case], None]


def _shown(value: float, unit: str) -> str:
    digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{digits} {unit}".strip()
