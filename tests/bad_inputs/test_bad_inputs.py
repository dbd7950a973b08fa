"""Every bad input ends as docs/bad-inputs.md says: in words of ours, in time, without secrets."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.bad_inputs.case import CANARY, Case
from tests.bad_inputs.page import GROUPS, PAGE, cell, inputs_on

pytestmark = pytest.mark.integration

LEAST = {
    "configuration": 60,
    "command line": 20,
    "model": 15,
    "stream": 25,
    "camera over HTTP": 25,
    "peer": 20,
    "surrounding": 10,
}
LONGEST_S = 60.0  # the slowest wait for a timeout of 2 s; the rest is for a busy machine


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{group}-{case.given[:60]}")
        for group, cases in GROUPS.items()
        for case in cases
    ],
)
def test_it_ends_well(case: Case, tmp_path: Path) -> None:
    started_s = time.monotonic()
    ended = case.attempt(tmp_path)
    assert time.monotonic() - started_s < LONGEST_S
    assert ended.how == case.how, ended.said
    assert case.saying in ended.said
    assert "Traceback" not in ended.said
    assert CANARY not in ended.said


def test_the_page_has_every_input() -> None:
    inputs = {cell(case.given) for cases in GROUPS.values() for case in cases}
    assert inputs_on(PAGE) - {"input", "---"} == inputs, "run: make bad-inputs"


def test_there_are_enough_of_each_kind() -> None:
    for group, least in LEAST.items():
        assert len(GROUPS[group]) >= least
        assert max(Counter(case.given for case in GROUPS[group]).values()) == 1
