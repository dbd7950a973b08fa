"""Times that people write: in a query of the page, as an option of a command."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_ns(text: str) -> int:
    """ISO 8601, UTC where it names no zone, in ns. Raises ValueError, and OverflowError
    for what 64 bits do not hold: before 1678, after 2262.
    """
    given = datetime.fromisoformat(text)
    zoned = given if given.tzinfo else given.replace(tzinfo=UTC)
    ns = int(zoned.timestamp()) * 10**9
    if abs(ns) >= 2**63:
        raise OverflowError(text)
    return ns
