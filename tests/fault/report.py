"""`make faults`: every row of the matrix in its long form, as docs/faults.md.

python -m tests.fault.report [ROW …]           writes the page; with rows named, prints these alone
python -m tests.fault.report --gated [ROW …]   prints what became of the books with a gate at every
                                               camera; pictures that are left out make waits longer,
                                               so that nothing else is asked
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fault.case import LAW, Case, Measure, Row
from tests.fault.matrix import ROWS

UNFINISHED = "measured"
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """\
# Faults

What was done to a running daemon, what was expected, what was measured. Written by `make faults`;
do not edit. {when}, on {machine}.

Four H.264 cameras of 640×360 at 10 fps over RTSP, unless the row says otherwise; `read_timeout_s`
and `open_timeout_s` 2, longest wait between two tries 4 s, `max_delay_ms` 0 (else a latency tells
how cameras' moments happen to lie). Every picture is looked at whole and in two tiles. The detector
is a stand-in that finds a white block and fails on request; everything else is the daemon as it is
shipped, in a process of its own.

Every row ends with the same questions: do the books balance (captured = inferred + dropped by
reason + in flight), did threads, descriptors or memory (20 MB) grow, did the daemon restart, did a
camera that had no fault lose a message, is there an unhandled exception in the log. Their answers
are shown where one of them is no.

The USB camera is a stand-in at the C library, which answers as the kernel's driver does; what a
driver that hangs would do is not measured. The wall clock is stepped as the daemon sees it, not
that of the machine; FFmpeg and PyAV count their deadlines on the monotonic clock.

{misses}
"""
Results = list[tuple[Row, list[Measure]]]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gated", action="store_true")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    asked = parser.parse_args(words)
    where = machine()
    rows = [row for row in ROWS if not asked.rows or row.number in asked.rows]
    if asked.gated:
        return told_gated([(row, measured(row, gated=True)) for row in rows])
    return told([(row, measured(row)) for row in rows], where, whole=not asked.rows)


def told(results: Results, where: str, *, whole: bool) -> int:
    missed = [
        f"- {row.number}, {measure.what}: {measure.value}, expected {measure.target}"
        for row, measures in results
        for measure in measures
        if not measure.met
    ]
    misses = "**Missed:**\n\n" + "\n".join(missed) if missed else "Every target was met."
    head = HEAD.format(when=f"{datetime.now(UTC):%Y-%m-%d}", machine=where, misses=misses)
    page = f"{head}\n{table(results)}"
    print(page)
    if whole:
        PAGE.write_text(page)
    return 1 if missed else 0


def told_gated(results: Results) -> int:
    missed = 0
    for row, measures in results:
        gated = [measure.value for measure in measures if measure.what == "gated"]
        wrong = [m for m in measures if m.what in LAW | {UNFINISHED} and not m.met]
        missed += len(wrong)
        books = sum(measure.what == "books" for measure in measures)
        verdict = "; ".join(f"{m.what}: {m.value} ({m.target})" for m in wrong) or "holds"
        print(f"{row.number:>3}  books: {books}  gated: {' '.join(gated) or '-'}  {verdict}")
    return 1 if missed else 0


def measured(row: Row, *, gated: bool = False) -> list[Measure]:
    started_s = time.monotonic()
    with TemporaryDirectory() as folder:
        case = Case(Path(folder), long=not gated, gated=gated)
        try:
            row.measure(case)
        except Exception as error:  # the other rows are wanted all the same
            traceback.print_exc()
            case.equal(UNFINISHED, f"{type(error).__name__}", "to the end")
    seconds = time.monotonic() - started_s
    print(f"row {row.number}: {seconds:.0f} s", file=sys.stderr, flush=True)
    return case.measures


def table(results: Results) -> str:
    lines = ["| # | fault | expected | measured (target) |", "|---|---|---|---|"]
    for row, measures in results:
        shown = [m for m in measures if m.what not in LAW or not m.met]
        figures = "<br>".join(
            f"{'' if m.met else '**missed** '}{m.what}: {m.value}"
            + ("" if m.target in ("–", m.value) else f" ({m.target})")
            for m in shown
        )
        lines.append(f"| {row.number} | {row.fault} | {row.expected} | {figures} |")
    return "\n".join([*lines, ""])


def machine() -> str:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, no GPU; load average before: {load:.1f}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
