"""The one place that knows which source belongs to which URL."""

from __future__ import annotations

from config.camera import CameraConfig
from config.credentials import credentials_directory
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
    address = address_of(camera, credential_directory=credentials_directory())
    letterboxer = Letterboxer(input_spec)
    if address.medium == "file":
        return FileSource(address, camera, letterboxer, clock=clock, pause=pause)
    return AvSource(Demuxer(address, camera, clock), letterboxer, clock=clock)
