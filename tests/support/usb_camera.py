"""A USB camera without a USB port: a V4L2 device that a process sees when it starts with
`environment`; see usb_camera.c. Its picture is grey with a white upper left quarter.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from tests.support.clips import picture
from tests.support.require import program

DEVICE = "/dev/video63"
SIZE_WH = (640, 360)


class UsbCamera:
    """Plugged in and unused by others at first."""

    def __init__(self, folder: Path, *, fps: int) -> None:
        self._folder = folder
        library = folder / "usb_camera.so"
        compiler = program("cc", package="gcc")
        source = Path(__file__).with_suffix(".c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        width, height = SIZE_WH
        luma = picture(0, width, height)[..., 0]
        yuyv = np.stack([luma, np.full_like(luma, 128)], axis=-1)
        (folder / "picture").write_bytes(yuyv.tobytes())
        (folder / "format").write_text(f"YUYV {width} {height} {fps}")
        self.become("plugged")
        self.url = f"v4l2://{DEVICE}"
        self.environment = {
            "LD_PRELOAD": str(library),
            "USB_CAMERA": str(folder),
            "USB_CAMERA_DEVICE": DEVICE,
        }

    def become(self, state: str) -> None:
        """`plugged`, `busy` (another program streams from it) or `unplugged`."""
        new = self._folder / "new"
        new.write_text(state)
        new.replace(self._folder / "state")
