"""What metrics want to know of one camera, from its stream to the sinks."""

from __future__ import annotations

from typing import Literal, Protocol

from daemon.books.states import CameraStatus
from daemon.tracking.happenings import Counts, Happening

Damage = Literal["corrupt", "other"]


class Counting(Protocol):
    """Called from the threads that a frame passes; must be quick and must not raise."""

    def observe_connect(self, seconds: float) -> None:
        """The camera was opened and gave its first picture after `seconds`."""
        ...

    def observe_frame_interval(self, seconds: float) -> None:
        """Time between two frames of it."""
        ...

    def observe_camera_clock(self, behind_s: float) -> None:
        """A picture arrived this long after the camera's own clock says that it was taken."""
        ...

    def count_decode_error(self, damage: Damage) -> None:
        """A picture was damaged (`corrupt`), or could not be decoded or scaled (`other`)."""
        ...

    def gate_looked(self, *, missed: bool) -> None:
        """A picture was answered although nothing had changed; whether an object was in it."""
        ...

    def observe_frame(self, *, age_at_dispatch_s: float, queue_wait_s: float) -> None:
        """A frame left its slot for the detector: its age since capture, its wait in the slot."""
        ...

    def count_rows(self, rows: int) -> None:
        """A frame took so many rows of a batch: one, and one for each of its tiles."""
        ...

    def observe_published(self, latency_s: float) -> None:
        """The answer for a frame was sent, `latency_s` after its capture."""
        ...

    def count_detections(self, label: str, n: int) -> None:
        """`label` must be one of the model's: it becomes a series."""
        ...

    def happened(self, happening: Happening) -> None:
        """Something happened to an object."""
        ...

    def counted(self, counts: Counts) -> None:
        """So many are there now."""
        ...

    def status_changed(self, status: CameraStatus) -> None:
        """Its state is another one."""
        ...

    def close(self) -> None:
        """The camera is gone: its series go, and what still comes is not counted."""
        ...


class Uncounted:
    """Nobody wants to know."""

    def observe_connect(self, seconds: float) -> None:
        pass

    def observe_frame_interval(self, seconds: float) -> None:
        pass

    def observe_camera_clock(self, behind_s: float) -> None:
        pass

    def count_decode_error(self, damage: Damage) -> None:
        pass

    def gate_looked(self, *, missed: bool) -> None:
        pass

    def observe_frame(self, *, age_at_dispatch_s: float, queue_wait_s: float) -> None:
        pass

    def count_rows(self, rows: int) -> None:
        pass

    def observe_published(self, latency_s: float) -> None:
        pass

    def count_detections(self, label: str, n: int) -> None:
        pass

    def happened(self, happening: Happening) -> None:
        pass

    def counted(self, counts: Counts) -> None:
        pass

    def status_changed(self, status: CameraStatus) -> None:
        pass

    def close(self) -> None:
        pass
