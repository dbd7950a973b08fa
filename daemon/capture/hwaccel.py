"""Which hardware decoder a camera gets, if any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

_AUTOMATIC = ("cuda", "vaapi")  # tried in this order


def hardware_decoder(
    wanted: Literal["none", "auto", "cuda", "vaapi"],
    *,
    available: Sequence[str] | None = None,
    works: Callable[[str], bool] | None = None,
) -> HWAccel | None:
    """A device that can really be opened, or None for software.

    The device is tried here, before the camera is opened: a failure inside the open would cost
    the connection, and could not be told from a fault of the camera.
    """
    if wanted == "none":
        return None
    names = _AUTOMATIC if wanted == "auto" else (wanted,)
    built_in = hwdevices_available() if available is None else available
    can_open = _opens if works is None else works
    for name in names:
        if name in built_in and can_open(name):
            return HWAccel(name, allow_software_fallback=True)
    return None


def _opens(name: str) -> bool:
    try:
        av.CodecContext.create("h264", "r", hwaccel=HWAccel(name))
    except (av.FFmpegError, RuntimeError):
        return False
    return True
