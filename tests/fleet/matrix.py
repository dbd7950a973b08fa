"""What is done to a fleet, and what is measured: all rows, in the order of the page."""

from __future__ import annotations

from tests.fleet import heads, passing, rows, servers

ROWS = {
    name: row
    for module in (servers, heads, passing)
    for name, row in rows.ROWS.items()
    if row.measure.__module__ == module.__name__
}
