"""Times that people write: in a query of the page, as an option of a command."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_ns(text: str) -> int:
    """ISO 8601, UTC where it names no zone, in ns. Raises ValueError, OverflowError."""
    given = datetime.fromisoformat(text)
    zoned = given if given.tzinfo else given.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * 10**9
