"""Which cameras went where, newest first, and how long each was without an answer. One thread."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace

from daemon.fleet.view import Cause, MovementView

MOST = 300  # that are remembered

log = logging.getLogger(__name__)


class Movements:
    """`counts` are of all since the start."""

    def __init__(self) -> None:
        self.counts: Counter[Cause] = Counter()
        self._newest: deque[MovementView] = deque(maxlen=MOST)

    def __iter__(self) -> Iterator[MovementView]:
        return iter(self._newest)

    def add(self, movement: MovementView) -> None:
        self._newest.appendleft(movement)
        self.counts[movement.cause] += 1
        log.info(
            "camera moves camera=%s from=%s to=%s grant=%s cause=%s",
            movement.camera,
            movement.source,
            movement.target,
            movement.grant,
            movement.cause,
        )

    def answered(self, camera: str, gap_s: float) -> None:
        """The newest movement of it is over: so long nobody answered for it."""
        for n, movement in enumerate(self._newest):
            if movement.camera == camera:
                self._newest[n] = replace(movement, gap_s=round(gap_s, 2))
                return
