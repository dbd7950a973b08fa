"""What the recorder keeps of one camera from one configuration to the next."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.camera import RecordConfig
from daemon.books.reports import Deletion
from daemon.recording.selector import Selector
from daemon.recording.shelf import Part

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
    """One camera's: `selector` and `missed` are the results thread's, `counts` the recorder's."""

    name: str
    config: RecordConfig
    selector: Selector | None = None  # None: nothing of it is recorded
    missed: int = 0  # pictures that the recorder was too slow for
    counts: RecordingCounts = field(default_factory=RecordingCounts)

    def use(self, config: RecordConfig) -> None:
        """Record so from now on; the same options leave the selector as it is."""
        if self.selector is None or self.selector.config != config:
            self.selector = Selector(config) if config.wanted else None
        self.config = config
