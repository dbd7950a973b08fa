"""What metrics want to know of capturing."""

from __future__ import annotations

from typing import Literal, Protocol

Damage = Literal["corrupt", "other"]


class CaptureObserver(Protocol):
    """Called from camera threads; must be quick and must not raise."""

    def observe_connect(self, seconds: float) -> None:
        """A camera was opened and gave its first picture after `seconds`."""
        ...

    def observe_frame_interval(self, seconds: float) -> None:
        """Time between two frames of one camera."""
        ...

    def observe_camera_clock(self, camera: str, behind_s: float) -> None:
        """A picture arrived this long after the camera's own clock says that it was taken."""
        ...

    def count_decode_error(self, camera: str, damage: Damage) -> None:
        """A picture was damaged (`corrupt`), or could not be decoded or scaled (`other`)."""
        ...


class Unobserved:
    """Nobody listens."""

    def observe_connect(self, seconds: float) -> None:
        pass

    def observe_frame_interval(self, seconds: float) -> None:
        pass

    def observe_camera_clock(self, camera: str, behind_s: float) -> None:
        pass

    def count_decode_error(self, camera: str, damage: Damage) -> None:
        pass
