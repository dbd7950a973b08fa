"""What an operator may write of one camera; coordinates and areas are fractions of the picture."""

from __future__ import annotations

from fractions import Fraction as Ratio
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.credentials import CredentialReference
from config.errors import FieldsError
from config.gate import GateConfig
from config.looking import Crop, Tiles
from config.objects import Fraction, Label, ObjectFilter, Polygon
from config.paths import FilePath
from config.rtsp_urls import takes_login
from config.section import Hidden, Section
from config.urls import StreamUrl, host_of, is_link_local
from config.zones import Lines, TrackingConfig, Zones

PICTURE_SIZE = r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$"
ASPECT = r"^[1-9][0-9]?(\.[0-9]{1,3})?:[1-9][0-9]?$"


class DetectConfig(Section):
    """What of a camera's stream goes to the detector."""

    fps: Annotated[
        float,
        Field(gt=0, le=120, description="Frames per second offered to the detector, at most."),
    ] = 5.0
    roi: Annotated[
        Polygon | None,
        Field(
            description="Polygon in fractions of the picture: an object counts when the middle of"
            " its lower edge lies inside.",
        ),
    ] = None
    crop: Annotated[
        Crop | None,
        Field(
            description="The part of the picture that the detector is shown, as large as its input"
            " allows: [x1, y1, x2, y2] in fractions of the picture, or roi for the rectangle"
            " around detect.roi."
        ),
    ] = None
    tiles: Annotated[
        Tiles,
        Field(
            description="Also look at the picture, or at its crop, in pieces, for what is small:"
            " auto, or how large they are. Each costs as much as a picture."
        ),
    ] = None
    gate: GateConfig = GateConfig()


class ObjectsConfig(Section):
    """Which of the model's labels a camera reports."""

    labels: Annotated[
        list[Label] | None, Field(min_length=1, description="Labels to report; all when left out.")
    ] = None
    filters: Annotated[
        dict[Label, ObjectFilter], Field(description="Per label: score, size and shape limits.")
    ] = Field(default_factory=dict)


class ClipConfig(Section):
    """What a clip holds, beside the moment it is made for."""

    before_s: Annotated[
        float, Field(ge=0, le=10, description="Seconds before the detection, from memory.")
    ] = 2.0
    after_s: Annotated[
        float,
        Field(gt=0, le=60, description="Seconds after it; the next recording comes no sooner."),
    ] = 5.0
    max_s: Annotated[
        float,
        Field(ge=5, le=600, description="Longest clip of one object's life (per: object)."),
    ] = 60.0


class RecordConfig(Section):
    """What is kept on disk of a camera's detections; nothing unless asked for."""

    snapshots: Annotated[
        bool, Field(description="Keep the picture, with and without boxes, as JPEG.")
    ] = False
    clips: Annotated[
        bool,
        Field(
            description="Keep the seconds around it as H.264, 960 pixels wide and 10 fps at most."
        ),
    ] = False
    per: Annotated[
        Literal["interval", "object"],
        Field(
            description="interval: a recording of what is seen, min_interval_s after the last one"
            " at the soonest. object: one for each object that is followed, with the picture of its"
            " best moment and a clip of its life."
        ),
    ] = "interval"
    on: Annotated[
        list[Label] | None,
        Field(min_length=1, description="Labels to record; all that are reported when left out."),
    ] = None
    min_score: Annotated[
        Fraction, Field(description="Record nothing less certain, though it be reported.")
    ] = 0.0
    min_interval_s: Annotated[
        float, Field(ge=1, le=86_400, description="Least time from one recording to the next.")
    ] = 10.0
    clip: ClipConfig = ClipConfig()
    keep_days: Annotated[
        float, Field(gt=0, le=3650, description="Recordings of this camera that are older go.")
    ] = 7.0
    max_gb: Annotated[
        float,
        Field(gt=0, le=100_000, description="Beyond it the oldest recordings of this camera go."),
    ] = 5.0

    @property
    def wanted(self) -> bool:
        """Whether anything is recorded."""
        return self.snapshots or self.clips

    @property
    def of_lives(self) -> bool:
        """Whether whole lives of objects are."""
        return self.wanted and self.per == "object"


class WatchConfig(Section):
    """Which faults of the view are looked for; one that lasts makes the state `tampered`."""

    frozen: Annotated[
        bool, Field(description="The same picture again and again, although data comes.")
    ] = False
    dark: Annotated[bool, Field(description="Hardly any light.")] = False
    blurred: Annotated[
        bool, Field(description="Covered or out of focus: far less detail than usual.")
    ] = False
    moved: Annotated[bool, Field(description="Another view than usual.")] = False
    after_s: Annotated[
        float, Field(ge=2, le=3600, description="How long it must last before it is told.")
    ] = 30.0


class FileConfig(Section):
    """How a `file:` stream is played."""

    loop: Annotated[bool, Field(description="Start again at the end.")] = True
    realtime: Annotated[
        bool,
        Field(description="Play at the recorded speed; false reads as fast as frames are used."),
    ] = True


class V4l2Config(Section):
    """What is asked of a `v4l2:` device; its own default where left out."""

    format: Annotated[
        Literal["mjpeg", "yuyv", "h264"] | None, Field(description="Pixel or stream format.")
    ] = None
    size: Annotated[str | None, Field(pattern=PICTURE_SIZE, description="As in 1280x720.")] = None
    fps: Annotated[float | None, Field(gt=0, le=240, description="Frames per second.")] = None


class ReconnectConfig(Section):
    """How long to wait before a lost camera is tried again (exponential, full jitter)."""

    min_s: Annotated[float, Field(gt=0, le=60, description="Upper bound of the first wait.")] = 0.5
    max_s: Annotated[float, Field(gt=0, le=3600, description="Upper bound of every wait.")] = 30.0
    slow_s: Annotated[
        float,
        Field(
            gt=0, le=86_400, description="Wait after a refused login or an unknown path (401, 404)."
        ),
    ] = 60.0

    @model_validator(mode="after")
    def _waits_in_order(self) -> Self:
        if self.min_s > self.max_s:
            raise FieldsError("min_s must not exceed max_s", "min_s", "max_s")
        return self


class CameraFields(Section):
    """Every field of a camera that `defaults` may give too."""

    enabled: Annotated[bool, Field(description="False keeps the entry but opens nothing.")] = True
    credential: Annotated[
        CredentialReference | None,
        Field(
            description="Where user:password is kept: name of a systemd credential, or file:PATH."
        ),
        Hidden(),
    ] = None
    transport: Annotated[Literal["tcp", "udp"], Field(description="How RTSP media travels.")] = (
        "tcp"
    )
    tls_ca: Annotated[
        FilePath | None,
        Field(
            description="Certificates (PEM) by one of which that of an rtsps: or https: camera must"
            " be signed, for its host; any is taken when left out, as cameras sign their own."
        ),
    ] = None
    allow_link_local: Annotated[
        bool, Field(description="Permit an address in 169.254.0.0/16 or fe80::/10.")
    ] = False
    time_source: Annotated[
        Literal["wallclock", "rtcp"],
        Field(
            description="Where captured_ns comes from: the picture's arrival, or the camera's own"
            " clock where an RTSP stream tells it; needs a camera that keeps time (NTP)."
        ),
    ] = "wallclock"
    aspect: Annotated[
        str | None,
        Field(
            pattern=ASPECT,
            description="Width:height of the picture as it is meant to be seen, as in 16:9, for"
            " recorders that send it squeezed and do not say so. Left out: what the stream says.",
        ),
    ] = None
    hwaccel: Annotated[
        Literal["none", "auto", "cuda", "vaapi"],
        Field(description="Hardware decoder; falls back to software and says so."),
    ] = "none"
    detect: DetectConfig = DetectConfig()
    objects: ObjectsConfig = ObjectsConfig()
    tracking: TrackingConfig = TrackingConfig()
    record: RecordConfig = RecordConfig()
    watch: WatchConfig = WatchConfig()
    priority: Annotated[
        int,
        Field(
            ge=1, le=100, description="Share of the detector under overload, relative to others."
        ),
    ] = 1
    open_timeout_s: Annotated[
        float, Field(ge=0.5, le=120, description="Longest an open may take.")
    ] = 10.0
    read_timeout_s: Annotated[
        float, Field(ge=0.5, le=120, description="Silence that counts as a lost stream.")
    ] = 10.0
    keyframe_timeout_s: Annotated[
        float,
        Field(
            ge=1,
            le=3600,
            description="Longest wait for the first keyframe of a stream that brings pictures.",
        ),
    ] = 300.0
    reconnect: ReconnectConfig = ReconnectConfig()
    file: FileConfig = FileConfig()
    v4l2: V4l2Config = V4l2Config()


class CameraConfig(CameraFields):
    """One camera, with `defaults` merged in."""

    url: Annotated[
        StreamUrl,
        Field(
            description="rtsp:, rtsps:, http:, https:, file:, v4l2: or synthetic: URL. No user or"
            " password in it: see `credential`, and write {user} and {password} where the camera"
            " wants them in the URL."
        ),
    ]

    zones: Zones = Field(default_factory=dict)
    lines: Lines = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.record.per == "object" and not self.tracking.enabled:
            raise FieldsError(
                "per: object needs objects that are followed: tracking.enabled is false", "record"
            )
        if takes_login(self.url) and self.credential is None:
            raise FieldsError("has places for user and password: say which credential", "url")
        if not self.allow_link_local and is_link_local(host_of(self.url)):
            raise FieldsError(
                "names a link-local address: say allow_link_local: true if the camera has no other",
                "url",
            )
        return self


def aspect_ratio(aspect: str | None) -> Ratio | None:
    """Of a validated `aspect`."""
    if aspect is None:
        return None
    width, _, height = aspect.partition(":")
    return Ratio(width) / Ratio(height)
