"""From cameras to slots: open a stream, decode it, keep its newest picture ready."""

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.intake import FrameSink
from daemon.capture.sample import Lost, OpenSource, Sample, Source
from daemon.capture.source import open_source
from daemon.capture.stall import StallLog, stalled
from daemon.capture.worker import CameraWorker

__all__ = [
    "CameraWorker",
    "CaptureError",
    "Cause",
    "FrameSink",
    "Lost",
    "OpenSource",
    "Sample",
    "Source",
    "StallLog",
    "open_source",
    "stalled",
]
