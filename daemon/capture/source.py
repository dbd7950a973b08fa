"""The one place that knows which source belongs to which URL."""

from __future__ import annotations

import os
from pathlib import Path

from config.camera import CameraConfig
from config.synthetic import parse_synthetic
from daemon.capture.address import address_of
from daemon.capture.av_source import AvSource
from daemon.capture.demuxer import Demuxer
from daemon.capture.file_source import FileSource
from daemon.capture.picture import Letterboxer
from daemon.capture.sample import Pause, Source
from daemon.capture.synthetic import SyntheticSource
from daemon.clock import Clock
from detector.letterbox import InputSpec


def open_source(
    camera: CameraConfig, *, input_spec: InputSpec, clock: Clock, pause: Pause
) -> Source:
    """Open a camera's stream, within `open_timeout_s`. Raises CaptureError; see OpenSource."""
    if camera.url.startswith("synthetic:"):
        return SyntheticSource(
            parse_synthetic(camera.url), input_spec=input_spec, clock=clock, pause=pause
        )
    directory = os.environ.get("CREDENTIALS_DIRECTORY")  # systemd's LoadCredential=
    address = address_of(camera, credential_directory=Path(directory) if directory else None)
    letterboxer = Letterboxer(input_spec)
    if address.medium == "file":
        return FileSource(address, camera, letterboxer, clock=clock, pause=pause)
    return AvSource(Demuxer(address, camera, clock), letterboxer, clock=clock)
