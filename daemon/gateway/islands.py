"""Nodes that go on without a Director: only those ask a gateway whether they still may. Pure."""

from __future__ import annotations

SILENT_S = 10.0  # after the last question, when it is no island any more
MOST = 1000


class Islands:
    """`note` belongs to one thread; any may ask."""

    def __init__(self) -> None:
        self._asked_s: dict[str, float] = {}

    def note(self, node: str, now_s: float) -> None:
        """It asked. Beyond `MOST` the one that asked longest ago is forgotten."""
        self._asked_s.pop(node, None)
        self._asked_s[node] = now_s
        if len(self._asked_s) > MOST:
            del self._asked_s[next(iter(self._asked_s))]

    def names(self, now_s: float) -> frozenset[str]:
        """Those that asked lately."""
        asked = self._asked_s.copy().items()
        return frozenset(node for node, at_s in asked if now_s - at_s <= SILENT_S)
