"""The fault matrix: every row, in order."""

from __future__ import annotations

from tests.fault import (
    brokers,
    crowds,
    devices,
    floods,
    links,
    neighbours,
    processes,
    soak,
    streams,
    subscribers,
    web,
)
from tests.fault.case import Row


def _place(row: Row) -> tuple[int, str]:
    return int(row.number.rstrip("bcde")), row.number


_PARTS = (
    *(links, streams, neighbours, floods, subscribers, processes, devices, crowds, brokers),
    *(soak, web),
)
ROWS = tuple(sorted((row for part in _PARTS for row in part.ROWS), key=_place))
