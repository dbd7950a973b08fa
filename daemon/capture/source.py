"""The one place that knows which source belongs to which URL."""

from __future__ import annotations

from config.camera import CameraConfig
from config.credentials import credentials_directory
from config.synthetic import parse_synthetic
from config.urls import HTTP_SCHEMES, scheme_of
from daemon.capture.address import Address, address_of
from daemon.capture.av_source import AvSource
from daemon.capture.demuxer import Demuxer
from daemon.capture.file_source import FileSource, Player
from daemon.capture.http import Kind
from daemon.capture.http_source import HttpSource, Visit
from daemon.capture.picture import Letterboxer
from daemon.capture.sample import Pause, Source
from daemon.capture.synthetic import SyntheticSource
from daemon.clock import Clock
from detector.letterbox import InputSpec


def open_source(
    camera: CameraConfig, *, input_spec: InputSpec, clock: Clock, pause: Pause
) -> Source:
    """Open a camera's stream, within `open_timeout_s`. Raises CaptureError; see OpenSource."""
    if scheme_of(camera.url) == "synthetic":
        return SyntheticSource(
            parse_synthetic(camera.url), input_spec=input_spec, clock=clock, pause=pause
        )
    address = address_of(camera, credential_directory=credentials_directory())
    letterboxer = Letterboxer(input_spec)
    if scheme_of(camera.url) in HTTP_SCHEMES:
        return _open_web(Visit(address, camera, clock, pause), address, letterboxer)
    if address.medium == "file":
        return FileSource(address, camera, letterboxer, clock=clock, pause=pause)
    return AvSource(Demuxer(address, camera, clock), letterboxer, clock=clock)


def _open_web(visit: Visit, address: Address, letterboxer: Letterboxer) -> Source:
    if visit.kind is not Kind.PLAYLIST:
        return HttpSource(visit, address, letterboxer)
    demuxer = Demuxer(address.as_hls(), visit.camera, visit.clock, visit.fetcher)
    # Seconds of it come at once: played at its own speed, or all but the last would be overtaken.
    player = Player(visit.clock, visit.pause)
    return AvSource(demuxer, letterboxer, clock=visit.clock, before_packet=player.wait)
