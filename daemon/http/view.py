"""All that the HTTP application may see of the daemon; handed in by whoever wires it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from config.schema import HttpConfig
from daemon.books.reports import CameraReport, Reporter
from daemon.cameras.detecting import DetectSwitch
from daemon.clock import Clock
from daemon.diary.store import Life, Wish
from daemon.http.events import EventFeed
from daemon.recording.shelf import Shelf
from daemon.reload.editor import Editor
from daemon.seats.sight import Sights


class Lives(Protocol):
    """What is kept of the lives of objects; raises StoreBusyError."""

    def lives(self, wish: Wish) -> list[Life]:
        """The newest that are wished for."""
        ...

    def spans(self, since_ns: int, until_ns: int) -> list[tuple[str, str, int, int]]:
        """Camera, label, first and last moment of every life that touches this time."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """`config` gives the running configuration, redacted and ready for JSON; `http` is the part of
    it that the listener obeys; `events` is told of every message by who publishes them; `shelf`
    has the recordings of a camera, None where there can be none; `diary`
    the lives of objects; `editor` writes zones and `switch` pauses cameras, None where
    nobody may.
    """

    reporter: Reporter
    sights: Sights
    events: EventFeed
    registry: CollectorRegistry
    clock: Clock
    config: Callable[[], Mapping[str, object]]
    http: HttpConfig
    shelf: Callable[[str], Shelf | None]
    diary: Lives
    editor: Editor | None = None
    switch: DetectSwitch | None = None

    def camera(self, name: str) -> CameraReport | None:
        """None for a camera that is not configured."""
        reports = self.reporter.cameras()
        return next((report for report in reports if report.status.camera == name), None)
