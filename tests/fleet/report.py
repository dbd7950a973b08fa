"""`make fleet-faults`: every row of the fleet's matrix, as docs/fleet-faults.md.

python -m tests.fleet.report [ROW …]   writes the page; with rows named, these anew alone
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fault.report import machine
from tests.fleet.matrix import ROWS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "fleet-faults.md"
LIMIT_S = 240.0  # of one row
HEAD = """\
# Fleet faults

What was done to a running fleet, what was expected, what was measured. Written by
`make fleet-faults`; do not edit. {when}, on {machine}.

Three servers and a head of Ray {ray} on one machine, in a network namespace of their own, each with
its raylet, its shard and its daemon; nine synthetic cameras at 5 fps (unless the row says 30: those
at 2 fps) with a detector that only takes time, `lease_s` 2, no gateway unless the row says so. A
subscriber hears every server. Times are what it saw: the longest a camera was without an answer, up
to its next one. Of each row it is asked whether two grants of a camera have answers of one moment
(by `captured_ns`), and whether the books of every daemon that could end in order balance. Rows may
be of different runs of one day, on a machine that had other work too: the load average of each is
from just before it. A wall clock is set as Python sees it, in daemons, shards and Director; not for
Ray itself.

{misses}
"""


def main(wanted: list[str]) -> int:
    missed = False
    for name in wanted or ROWS:
        missed = written(known() | {name: line(measured(name))})
    return 1 if missed else 0


def written(rows: dict[str, str]) -> bool:
    """The page with these rows; whether a target of them was missed."""
    where = machine().partition("; load average")[0]  # each row has its own
    rows = {name: rows[name] for name in ROWS if name in rows}
    missed = [f"- {ROWS[name].fault}" for name, row in rows.items() if "**missed**" in row]
    misses = "Every target was met."
    if missed:
        misses = "**Missed**, see the rows:\n\n" + "\n".join(missed)
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    head = HEAD.format(when=when, machine=where, ray=_ray(), misses=misses)
    table = ["| fault | expected | measured (target) |", "|---|---|---|", *rows.values(), ""]
    PAGE.write_text(f"{head}\n" + "\n".join(table))
    return bool(missed)


def known() -> dict[str, str]:
    """The rows of the page as it is, by their faults: those that are not measured now stay."""
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    names = {row.fault: name for name, row in ROWS.items()}
    found = {}
    for row in lines:
        fault, _, rest = row.removeprefix("| ").partition(" | ")
        if fault in names:
            name = names[fault]
            found[name] = f"| {fault} | {ROWS[name].expected} | {rest.partition(' | ')[2]}"
    return found


def measured(name: str) -> dict[str, Any]:
    """One row, in a process of its own: what it leaves behind ends with it."""
    load = os.getloadavg()[0]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fleet.inside", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"row"')]
        result: dict[str, Any] = json.loads(lines[-1])
        if not all(measure["met"] for measure in result["measures"]):
            print(done.stderr[-3000:], file=sys.stderr)
    except (subprocess.TimeoutExpired, IndexError) as error:
        measure = {"what": "measured", "value": type(error).__name__, "target": "to the end"}
        result = {"row": name, "took_s": LIMIT_S, "measures": [measure | {"met": False}]}
    result["measures"].append(
        {"what": "load average before", "value": f"{load:.1f}", "target": "–", "met": True}
    )
    print(f"row {name}: {result['took_s']:.0f} s", file=sys.stderr, flush=True)
    return result


def line(result: dict[str, Any]) -> str:
    row = ROWS[result["row"]]
    figures = "<br>".join(
        f"{'' if m['met'] else '**missed** '}{m['what']}: {m['value']}"
        + ("" if m["target"] in ("–", m["value"]) else f" ({m['target']})")
        for m in result["measures"]
    )
    return f"| {row.fault} | {row.expected} | {figures} |"


def _ray() -> str:
    import ray

    return str(ray.__version__)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
