"""The fleet's matrix before it is filled: each row with a rig of its own.

A row is a function that is given a rig whose cameras are all answered, and a `Case` for figures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fault.case import Case
from tests.fleet.listener import Listener
from tests.fleet.play import Row
from tests.fleet.rig import Rig

ROWS: dict[str, Row] = {}
MANY: dict[str, Any] = {"cameras": 30, "fps": 2.0}  # what two cores bear beside four raylets


def row(fault: str, expected: str, **options: Any) -> Callable[[Any], Any]:
    """`options` are the rig's."""

    def keep(measure: Callable[[Rig, Listener, Case], None]) -> Any:
        ROWS[measure.__name__.replace("_", "-")] = Row(fault, expected, measure, options)
        return measure

    return keep
