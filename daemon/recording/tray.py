"""What the recorder keeps of one camera from one configuration to the next."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.camera import RecordConfig
from daemon.books.reports import Deletion
from daemon.recording.selector import LifeSelector, Selector
from daemon.recording.shelf import Part
from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage

log = logging.getLogger(__name__)


class RecordingCounts:
    """One camera's recordings since the start. The recorder's thread."""

    def __init__(self) -> None:
        self.kept: Counter[Part] = Counter()
        self.failed = 0
        self.deletions: dict[Deletion, int] = dict.fromkeys(Deletion, 0)
        self._untold: list[str] = []

    @contextmanager
    def keeping(self, *parts: Part) -> Iterator[None]:
        """Count files as kept, or one recording as failed."""
        try:
            yield
        except Exception:
            self.failed += 1
            raise
        self.kept.update(parts)

    def deleted(self, reason: Deletion, names: Sequence[str]) -> None:
        self.deletions[reason] += len(names)
        self._untold += [f"{name}:{reason}" for name in names]

    def tell_deleted(self, camera: str) -> None:
        """One line of the log for all since the last."""
        if self._untold:
            first, last = min(self._untold), max(self._untold)
            log.info(
                "recordings deleted camera=%s count=%d from=%s to=%s",
                camera,
                len(self._untold),
                first,
                last,
            )
            self._untold = []


@dataclass(slots=True, eq=False)
class Tray:
    """One camera's: `selector`, `newest` and `missed` are whose who holds the seat, `counts` the
    recorder's.
    """

    name: str
    config: RecordConfig
    selector: Selector | LifeSelector | None = None  # None: nothing of it is recorded
    newest: tuple[Sight, DetectionMessage] | None = None  # where lives are recorded
    missed: int = 0  # pictures that the recorder was too slow for
    counts: RecordingCounts = field(default_factory=RecordingCounts)

    def use(self, config: RecordConfig) -> None:
        """Record so from now on; the same options leave the selector as it is."""
        if self.selector is None or self.selector.config != config:
            kind: type[Selector | LifeSelector]
            kind = LifeSelector if config.of_lives else Selector
            self.selector = kind(config) if config.wanted else None
            self.newest = None
        self.config = config
