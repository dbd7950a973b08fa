"""The one reader of RTSP: speaks to a camera, and hands FFmpeg its media over a relay."""

from daemon.capture.rtsp.budget import check_picture
from daemon.capture.rtsp.relay import Relay
from daemon.capture.rtsp.visit import Wanted

__all__ = ["Relay", "Wanted", "check_picture"]
