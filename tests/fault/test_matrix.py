"""Every row of the fault matrix in its short form; `make faults` has the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault.case import LAW, Case, Row
from tests.fault.matrix import ROWS

pytestmark = pytest.mark.fault


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.measure.__name__}")
def test_the_daemon_bears(row: Row, tmp_path: Path) -> None:
    case = Case(tmp_path, long=False)
    row.measure(case)
    for measure in case.measures:
        print(f"{measure.what}: {measure.value} ({measure.target})")
    assert case.measures
    assert [measure for measure in case.measures if not measure.bearable] == []


@pytest.mark.parametrize("number", ["1", "14"])
def test_books_balance_with_tiles_and_gates_too(number: str, tmp_path: Path) -> None:
    """`python -m tests.fault.report --gated` has the other rows."""
    case = Case(tmp_path, long=False, gated=True)
    next(row for row in ROWS if row.number == number).measure(case)
    (gated,) = [measure for measure in case.measures if measure.what == "gated"]
    assert float(gated.value) > 0
    assert [measure for measure in case.measures if measure.what in LAW and not measure.met] == []
