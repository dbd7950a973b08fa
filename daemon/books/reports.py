"""What the daemon says of itself at one moment: read by metrics at scrape time and by the HTTP API.

`Reporter` is implemented by the running daemon; the readers know nothing else of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Protocol

from config.camera import CameraConfig
from daemon.books.accounting import Page
from daemon.books.states import CameraStatus
from sinks.crowd import Attendance
from sinks.links import LinkReport, Told
from sinks.sink import SinkCounts


@dataclass(frozen=True, slots=True)
class CameraReport:
    """One camera: how its link is, what became of its frames, what it is asked for."""

    status: CameraStatus
    page: Page
    config: CameraConfig
    decode_s: float = 0.0  # processor time that reading and decoding took
    paused: bool = False  # somebody wants no pictures of it for now
    most_rows: int | None = None  # of a picture; None for a camera without tiles

    @property
    def detects(self) -> bool:
        """Whether its pictures are wanted."""
        return self.config.enabled and not self.paused

    @property
    def target_fps(self) -> float:
        return self.config.detect.fps


@dataclass(frozen=True, slots=True)
class QueueReport:
    """One bounded queue; `capacity` is where it begins to drop."""

    name: str  # slots, or sink:<name>
    depth: int
    capacity: int


@dataclass(frozen=True, slots=True)
class SinkReport:
    """What one sink did since the start."""

    name: str
    counts: SinkCounts
    subscribers: int | None = None  # None where the sink cannot know
    failing: str = ""  # why nothing is sent, '' while it is
    link: LinkReport | None = None  # of one that connects to somebody
    told: Told | None = None  # of one that picks and keeps


class Deletion(StrEnum):
    """Why recordings were deleted; the `reason` of `vedette_recordings_deleted_total`."""

    AGE = "age"  # keep_days
    SIZE = "size"  # max_gb


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """One camera's recordings: made and lost since the start, and what is on disk."""

    snapshots: int = 0
    clips: int = 0
    failed: int = 0  # could not be written
    missed: int = 0  # pictures that the recorder was too slow for
    stored: int = 0
    stored_bytes: int = 0
    deleted: Mapping[Deletion, int] = field(default_factory=lambda: dict.fromkeys(Deletion, 0))


@dataclass(frozen=True, slots=True)
class RecorderReport:
    """The recorder; `failing` says why nothing can be written, '' while it can. `cameras` are
    those that record, or have recordings.
    """

    failing: str
    queue: QueueReport
    cameras: Mapping[str, RecordingReport]


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The detector that runs. `max_batch` is less than was asked for once memory has run out;
    `retraces` counts graphs traced after the warm-up: it stays 0.
    """

    name: str
    precision: str
    labels: tuple[str, ...]
    weights_sha256: str
    loaded_ns: int
    warmup_s: float
    max_batch: int
    retraces: int = 0
    pace: float | None = None  # pictures a second at best, as far as was seen


class ReloadResult(StrEnum):
    """What became of a reload; the `result` label of `vedette_config_reloads_total`."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # the file says what holds already
    REFUSED = "refused"  # the file has faults, or needs what cannot be had: nothing was touched
    ROLLED_BACK = "rolled_back"  # failed half-way, and everything is as it was

    @property
    def is_success(self) -> bool:
        return self in (ReloadResult.APPLIED, ReloadResult.UNCHANGED)


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """The last reload; `faults` are lines for the operator, without secrets."""

    at_ns: int
    result: ReloadResult
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """The configuration that holds, and how its reloads went."""

    hash: str
    loaded_ns: int
    succeeded_ns: int  # the last time that the file was found good, if only at the start
    reloads: Mapping[ReloadResult, int]
    last_reload: ReloadReport | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the daemon does its work; every field must hold for it."""

    model_warm: bool
    sinks_bound: bool
    capture_started: bool
    not_draining: bool

    @property
    def missing(self) -> list[str]:
        """Names of the fields that do not hold."""
        return [one.name for one in fields(self) if not getattr(self, one.name)]

    @property
    def ready(self) -> bool:
        return not self.missing


class Reporter(Protocol):
    """Every method may be called from any thread at any time, is cheap and never blocks."""

    def cameras(self) -> Sequence[CameraReport]:
        """Every configured camera, in the order of the file."""
        ...

    def queues(self) -> Sequence[QueueReport]: ...

    def sinks(self) -> Sequence[SinkReport]: ...

    def attendances(self) -> Sequence[Attendance]:
        """The connections of each listener."""
        ...

    def recorder(self) -> RecorderReport: ...

    def model(self) -> ModelReport | None:
        """None until the detector is built."""
        ...

    def config(self) -> ConfigReport: ...

    def readiness(self) -> Readiness: ...

    def stuck(self) -> str | None:
        """Why the process makes no progress, in a few words; None while it does."""
        ...
