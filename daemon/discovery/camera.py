"""What is known of one camera once it was asked. Plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """One profile of a camera: a stream with its settings, as the camera says them."""

    name: str
    url: str | None  # without user and password; None where it has none that may be shown
    codec: str = ""  # H264, H265, JPEG …
    width: int = 0
    height: int = 0
    fps: float | None = None
    kbit_per_s: int | None = None
    fault: str = ""  # why there is no URL

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Camera:
    """A device that was asked; `answered` if it did so in any way. `trouble` says what it did not
    tell, and `advice` what to do then.
    """

    address: str
    name: str = ""  # what it calls itself
    model: str = ""
    firmware: str = ""
    service: str = ""  # host and port of its ONVIF service
    clock_ahead_s: float | None = None  # its clock, before ours
    streams: tuple[Stream, ...] = ()
    trouble: str = ""
    advice: str = ""
    answered: bool = True
