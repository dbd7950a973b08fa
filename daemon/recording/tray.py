"""What the recorder keeps of one camera from one configuration to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.camera import RecordConfig
from daemon.recording.shelf import Part
from daemon.recording.trigger import Trigger


class Tally:
    """One camera's recordings since the start. The recorder's thread."""

    def __init__(self) -> None:
        self.kept: Counter[Part] = Counter()
        self.failed = 0

    @contextmanager
    def keeping(self, *parts: Part) -> Iterator[None]:
        """Count files as kept, or one recording as failed."""
        try:
            yield
        except Exception:
            self.failed += 1
            raise
        self.kept.update(parts)


@dataclass(slots=True, eq=False)
class Tray:
    """One camera's: `trigger` and `missed` are the results thread's, `tally` the recorder's."""

    name: str
    config: RecordConfig
    trigger: Trigger | None = None  # None: nothing of it is recorded
    missed: int = 0  # pictures that the recorder was too slow for
    tally: Tally = field(default_factory=Tally)

    def use(self, config: RecordConfig) -> None:
        """Record so from now on; the same options leave the trigger as it is."""
        if self.trigger is None or self.trigger.config != config:
            self.trigger = Trigger(config) if config.wanted else None
        self.config = config
