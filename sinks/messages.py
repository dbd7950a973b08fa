"""What subscribers read: the three kinds of messages, their topics and their encodings.

`published_ns` and `latency_ms.total` are left out when a message is made: `stamped` sets them when
it is sent. The structs are the wire contract (docs/messages.md); JSON, MessagePack and the
published JSON Schema all come from them. Pure values: any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

VERSION = 1  # of the format; rises when a field changes its meaning or goes away
HEARTBEAT_TOPIC = b"hb."

Encoding = Literal["json", "msgpack"]
State = Literal["connecting", "streaming", "tampered", "stalled", "backoff", "disabled", "failed"]

Version = Annotated[int, Meta(ge=1, description="Version of this format.")]
Epoch = Annotated[str, Meta(description="New at every start of the daemon.")]
CameraName = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,32}$", description="Name of the camera.")]
PublishedNs = Annotated[int, Meta(description="Wall clock when it was sent, ns since 1970.")]


class Kind(StrEnum):
    """The kinds of messages; the `kind` label of `vedette_published_messages_total`."""

    DETECTION = "detection"
    STATUS = "status"
    HEARTBEAT = "heartbeat"


class Detection(Struct, frozen=True):
    """One object in one picture."""

    label: Annotated[str, Meta(description="Name of the class.")]
    class_id: Annotated[int, Meta(ge=0, description="Number of the class in the model.")]
    score: Annotated[float, Meta(ge=0, le=1, description="Confidence, 4 decimals.")]
    box: Annotated[
        tuple[float, float, float, float],
        Meta(description="x1, y1, x2, y2 in pixels of the source picture, 1 decimal."),
    ]

    @classmethod
    def rounded(
        cls, label: str, class_id: int, score: float, xyxy_px: tuple[float, float, float, float]
    ) -> Detection:
        """With as many decimals as are worth sending. Takes Python numbers, not NumPy's."""
        x1, y1, x2, y2 = xyxy_px
        box = (round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1))
        return cls(label, class_id, round(score, 4), box)


class LatencyMs(Struct, frozen=True):
    """Where the time of one frame went, milliseconds."""

    queue: Annotated[float, Meta(description="From arrival to the start of inference.")]
    infer: Annotated[float, Meta(description="Of the batch the frame was in.")]
    total: Annotated[float, Meta(description="From arrival to sending this message.")] = 0.0


class DetectionMessage(Struct, frozen=True, kw_only=True):
    """The answer for one frame, or that there is none."""

    kind: ClassVar[Kind] = Kind.DETECTION

    v: Version = VERSION
    epoch: Epoch
    camera: CameraName
    seq: Annotated[int, Meta(ge=1, description="Rises by one per message of this camera.")]
    status: Annotated[
        Literal["ok", "error"],
        Meta(description="error: the frame got no answer, which is not the same as no objects."),
    ]
    error: Annotated[
        str | UnsetType, Meta(description="Why there is no answer; only where status is error.")
    ] = UNSET
    captured_ns: Annotated[int, Meta(description="Wall clock of the picture, ns since 1970.")]
    time_source: Annotated[
        Literal["wallclock", "rtcp"],
        Meta(
            description="Whether captured_ns is the time of arrival, or the camera's own clock by"
            " its RTCP sender reports."
        ),
    ]
    pts_s: Annotated[float | None, Meta(description="Presentation time in the stream, seconds.")]
    published_ns: PublishedNs = 0
    size: Annotated[tuple[int, int], Meta(description="Width, height of the source picture.")]
    model: Annotated[str, Meta(description="Name of the detector.")]
    latency_ms: LatencyMs
    detections: Annotated[tuple[Detection, ...], Meta(description="Best score first.")]


class Stream(Struct, frozen=True):
    """What an open stream turned out to be."""

    codec: str
    width: int
    height: int
    fps: Annotated[float | None, Meta(description="As the stream announces it.")]
    transport: Annotated[str, Meta(description="tcp, udp, file, v4l2 or synthetic.")]
    decoder: Annotated[str, Meta(description="software, or the name of the hardware device.")]


class StatusMessage(Struct, frozen=True, kw_only=True):
    """A camera's state changed; the newest one is sent again to every new subscriber."""

    kind: ClassVar[Kind] = Kind.STATUS

    v: Version = VERSION
    epoch: Epoch
    camera: CameraName
    state: State
    reason: Annotated[str, Meta(description="One word, as in timeout or auth; may be empty.")]
    since_ns: Annotated[int, Meta(description="Wall clock of the change, ns since 1970.")]
    published_ns: PublishedNs = 0
    stream: Stream | None = None
    retry_s: Annotated[float | None, Meta(description="Wait before the next try, seconds.")] = None


class CameraBeat(Struct, frozen=True):
    """One camera in a heartbeat."""

    state: State
    seq: Annotated[int, Meta(ge=0, description="Last one given to a message; 0 before the first.")]
    last_frame_age_s: Annotated[
        float | None, Meta(description="Seconds since a frame arrived; null before the first.")
    ]


class HeartbeatMessage(Struct, frozen=True, kw_only=True):
    """Goes out every second: who is alive, and which `seq` a subscriber should have seen."""

    kind: ClassVar[Kind] = Kind.HEARTBEAT

    v: Version = VERSION
    epoch: Epoch
    published_ns: PublishedNs = 0
    ready: Annotated[bool, Meta(description="The model is warm and every sink is open.")]
    cameras: Annotated[dict[str, CameraBeat], Meta(description="By name.")]


Message = DetectionMessage | StatusMessage | HeartbeatMessage


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way to the sinks, not stamped yet: each sink stamps it when it sends it.

    `captured_s` is the monotonic arrival of a detection message's frame.
    """

    message: Message
    captured_s: float | None = None

    @property
    def kind(self) -> Kind:
        return self.message.kind


def stamped(envelope: Envelope, *, wall_ns: int, now_s: float) -> Message:
    """The message as it is sent now."""
    message = envelope.message
    if not isinstance(message, DetectionMessage):
        return msgspec.structs.replace(message, published_ns=wall_ns)
    latency = message.latency_ms
    total_s = 0.0 if envelope.captured_s is None else now_s - envelope.captured_s
    latency = LatencyMs(
        round(latency.queue, 2), round(latency.infer, 2), round(total_s * 1000.0, 2)
    )
    return msgspec.structs.replace(message, published_ns=wall_ns, latency_ms=latency)


def detection_topic(camera: str) -> bytes:
    """The closing dot keeps `cam1` from matching `cam10`: topics are matched by prefix."""
    return b"det.%b." % camera.encode()


def status_topic(camera: str) -> bytes:
    return b"status.%b." % camera.encode()


def topic_of(message: Message) -> bytes:
    if isinstance(message, DetectionMessage):
        return detection_topic(message.camera)
    if isinstance(message, StatusMessage):
        return status_topic(message.camera)
    return HEARTBEAT_TOPIC


_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()


def encoder(encoding: Encoding) -> Callable[[Message], bytes]:
    """Bytes of a message in that encoding."""
    return _json.encode if encoding == "json" else _msgpack.encode


def json_line(message: Message) -> bytes:
    """The message as on the wire, with its kind in front, for a file has no topic to tell it."""
    return b'{"kind":"%b",%b\n' % (message.kind.encode(), _json.encode(message)[1:])


def decode(topic: bytes, payload: bytes) -> Message:
    """The message of a received `[topic, payload]`, whichever encoding it has.

    Raises ValueError for a topic that is not ours and for a payload that does not fit it.
    """
    kind = topic.partition(b".")[0]
    message_type = _TYPES.get(kind)
    if message_type is None:
        msg = f"unknown topic {topic[:80]!r}"
        raise ValueError(msg)
    # A JSON object begins with a brace, which never begins a MessagePack map.
    decode_as = msgspec.json.decode if payload[:1] == b"{" else msgspec.msgpack.decode
    return decode_as(payload, type=message_type)  # msgspec's errors are ValueErrors


_TYPES: dict[bytes, type[Message]] = {
    b"det": DetectionMessage,
    b"status": StatusMessage,
    b"hb": HeartbeatMessage,
}
