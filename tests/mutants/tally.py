"""Run mutants in processes that may die, and count how each one ended."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

WORKER = ("-m", "tests.mutants.worker")


@dataclass(slots=True)
class Tally:
    """What became of the mutants: outcomes by kind of recording; and, by seed, what must not be:
    deaths and hangs of the process, exceptions that are not CaptureError.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    deaths: dict[int, str] = field(default_factory=dict)
    foreign: dict[int, str] = field(default_factory=dict)
    peak_mb: int = 0

    @property
    def total(self) -> int:
        return self.outcomes.total() + len(self.deaths) + len(self.foreign)


def run(first: int, last: int, *, worker: Sequence[str] = WORKER) -> Tally:
    """Every seed from `first` up to `last`, exclusive; a process that dies is replaced."""
    tally = Tally()
    while first < last:
        first = _one_process(worker, first, last, tally)
    return tally


def _one_process(worker: Sequence[str], first: int, last: int, tally: Tally) -> int:
    """The first seed that is left to do."""
    process = subprocess.run(
        [sys.executable, *worker, str(first), str(last)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    seed = first
    for line in process.stdout.splitlines():
        match line.split():
            case ["begin", number]:
                seed = int(number)
            case ["end", number, _, "raised", *what]:
                tally.foreign[int(number)] = " ".join(what)
            case ["end", _, kind, *ended]:
                tally.outcomes[kind, " ".join(ended)] += 1
            case ["done", peak_mb]:
                tally.peak_mb = max(tally.peak_mb, int(peak_mb))
                return last
    tally.deaths[seed] = f"exit code {process.returncode}: {process.stderr[-2000:]}"
    return seed + 1
