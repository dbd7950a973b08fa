"""What subscribers read: the five kinds of messages, their topics and their encodings.

`published_ns` and `latency_ms.total` are left out when a message is made: `sinks.envelope` sets
them when it is sent. The structs are the wire contract (docs/messages.md); JSON, MessagePack and
the published JSON Schema all come from them. Pure values: any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Protocol

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

VERSION = 1  # of the format; rises when a field changes its meaning or goes away
HEARTBEAT_TOPICS = b"hb."  # what the topics of every node's heartbeat begin with

Encoding = Literal["json", "msgpack"]
State = Literal[
    "connecting", "streaming", "tampered", "stalled", "backoff", "disabled", "failed", "finished"
]

Version = Annotated[int, Meta(ge=1, description="Version of this format.")]
Epoch = Annotated[str, Meta(description="New at every start of the daemon.")]
Node = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_-]{1,63}$",
        description="Which server this comes from: its host name, or `node` of the configuration.",
    ),
]
CameraName = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,32}$", description="Name of the camera.")]
PublishedNs = Annotated[int, Meta(description="Wall clock when it was sent, ns since 1970.")]
Score = Annotated[float, Meta(ge=0, le=1, description="Confidence, 4 decimals.")]
Box = Annotated[
    tuple[float, float, float, float],
    Meta(description="x1, y1, x2, y2 in pixels of the source picture, 1 decimal."),
]
Track = Annotated[int, Meta(ge=1, description="Number of the object, unique in camera and epoch.")]
Grant = Annotated[
    int,
    Meta(
        ge=1,
        description="Only in a fleet: under which grant its server speaks for the camera. Rises"
        " whenever the camera goes to another server: what has a lower one is out of date.",
    ),
]
Zones = Annotated[tuple[str, ...], Meta(description="Zones the object is in, by name.")]
Stationary = Annotated[bool, Meta(description="It has not moved for a while, like a parked car.")]


class Kind(StrEnum):
    """The kinds of messages; the `kind` label of `vedette_published_messages_total`."""

    DETECTION = "detection"
    STATUS = "status"
    HEARTBEAT = "heartbeat"
    EVENT = "event"
    COUNT = "count"


class Lasting(Protocol):
    """What is known of a box's object."""

    @property
    def track(self) -> int: ...

    @property
    def age_s(self) -> float: ...

    @property
    def zones(self) -> tuple[str, ...]: ...

    @property
    def stationary(self) -> bool: ...


class Detection(Struct, frozen=True, gc=False):
    """One object in one picture. The last four fields are there once it is known to last."""

    label: Annotated[str, Meta(description="Name of the class.")]
    class_id: Annotated[int, Meta(ge=0, description="Number of the class in the model.")]
    score: Score
    box: Box
    track: Track | UnsetType = UNSET
    age_s: Annotated[
        float | UnsetType, Meta(description="Seconds since the object was first seen.")
    ] = UNSET
    zones: Zones | UnsetType = UNSET
    stationary: Stationary | UnsetType = UNSET

    @classmethod
    def rounded(
        cls,
        label: str,
        class_id: int,
        score: float,
        xyxy_px: Sequence[float],
        lasting: Lasting | None = None,
    ) -> Detection:
        """With as many decimals as are worth sending. Takes Python numbers, not NumPy's."""
        score, box = round(score, 4), rounded_box(xyxy_px)
        if lasting is None:
            return cls(label, class_id, score, box)
        age_s = round(lasting.age_s, 2)
        known = lasting.track, age_s, lasting.zones, lasting.stationary
        return cls(label, class_id, score, box, *known)


class LatencyMs(Struct, frozen=True, gc=False):
    """Where the time of one frame went, milliseconds."""

    queue: Annotated[float, Meta(description="From arrival to the start of inference.")]
    infer: Annotated[float, Meta(description="Of the batch the frame was in.")]
    total: Annotated[float, Meta(description="From arrival to sending this message.")] = 0.0


class DetectionMessage(Struct, frozen=True, kw_only=True, gc=False):
    """The answer for one frame, or that there is none."""

    kind: ClassVar[Kind] = Kind.DETECTION

    v: Version = VERSION
    epoch: Epoch
    node: Node
    camera: CameraName
    grant: Grant | UnsetType = UNSET
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
    transport: Annotated[
        str, Meta(description="tcp, udp, http, http_still, hls, file, v4l2 or synthetic.")
    ]
    decoder: Annotated[str, Meta(description="software, or the name of the hardware device.")]


class StatusMessage(Struct, frozen=True, kw_only=True):
    """A camera's state changed; the newest one is sent again to every new subscriber."""

    kind: ClassVar[Kind] = Kind.STATUS

    v: Version = VERSION
    epoch: Epoch
    node: Node
    camera: CameraName
    grant: Grant | UnsetType = UNSET
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
    event_seq: Annotated[int, Meta(ge=0, description="Last one given to an event.")] = 0


class HeartbeatMessage(Struct, frozen=True, kw_only=True):
    """Goes out every second: who is alive, and which `seq` a subscriber should have seen."""

    kind: ClassVar[Kind] = Kind.HEARTBEAT

    v: Version = VERSION
    epoch: Epoch
    node: Node
    published_ns: PublishedNs = 0
    ready: Annotated[bool, Meta(description="The model is warm and every sink is open.")]
    cameras: Annotated[dict[str, CameraBeat], Meta(description="By name.")]


class Moment(Struct, frozen=True):
    """How an object looked in one picture."""

    captured_ns: Annotated[int, Meta(description="Wall clock of the picture, ns since 1970.")]
    score: Score
    box: Box


class EventMessage(Struct, frozen=True, kw_only=True):
    """Something happened to one object: it came, changed or left, entered or left a zone, or
    crossed a line.
    """

    kind: ClassVar[Kind] = Kind.EVENT

    v: Version = VERSION
    epoch: Epoch
    node: Node
    camera: CameraName
    grant: Grant | UnsetType = UNSET
    event_seq: Annotated[int, Meta(ge=1, description="Rises by one per event of this camera.")]
    event: Annotated[Literal["object", "zone", "line"], Meta(description="What it is about.")]
    phase: Annotated[
        Literal["new", "update", "end", "entered", "left", "loitering", "crossed"],
        Meta(
            description="object: new, update, end; zone: entered, left, loitering; line: crossed."
        ),
    ]
    id: Annotated[
        str, Meta(description="Of the object, the same in all its events: epoch-camera-track.")
    ]
    track: Track
    label: Annotated[str, Meta(description="What it was seen as most, so far.")]
    zone: Annotated[str | UnsetType, Meta(description="Only where event is zone.")] = UNSET
    line: Annotated[str | UnsetType, Meta(description="Only where event is line.")] = UNSET
    direction: Annotated[
        str | UnsetType,
        Meta(description="Only where event is line: the name of the side it went to."),
    ] = UNSET
    at_ns: Annotated[int, Meta(description="Wall clock of what happened, ns since 1970.")]
    since_ns: Annotated[
        int,
        Meta(description="Wall clock when the object came, or for a zone when it entered."),
    ]
    duration_s: Annotated[float, Meta(ge=0, description="From since_ns to at_ns, seconds.")]
    size: Annotated[tuple[int, int], Meta(description="Width, height of the source picture.")]
    score: Score
    box: Box
    first: Annotated[Moment, Meta(description="When the object was first seen.")]
    best: Annotated[Moment, Meta(description="Its most certain picture so far, to 0.02.")]
    zones: Zones
    stationary: Stationary
    uncertain: Annotated[
        bool,
        Meta(description="It was not seen at the moment itself: hidden, lost, or a gap in time."),
    ]
    reason: Annotated[
        Literal["gone", "interrupted"] | UnsetType,
        Meta(
            description="Only where the phase is end or left: whether the object went, or vedette"
            " stopped watching it (restart, reload, another stream)."
        ),
    ] = UNSET
    published_ns: PublishedNs = 0


class CountMessage(Struct, frozen=True, kw_only=True):
    """How many there are and were; the newest one is sent again to every new subscriber."""

    kind: ClassVar[Kind] = Kind.COUNT

    v: Version = VERSION
    epoch: Epoch
    node: Node
    camera: CameraName
    grant: Grant | UnsetType = UNSET
    present: Annotated[dict[str, int], Meta(description="Objects in the picture, by label.")]
    zones: Annotated[
        dict[str, dict[str, int]], Meta(description="Objects in each zone, by zone and label.")
    ]
    lines: Annotated[
        dict[str, dict[str, dict[str, int]]],
        Meta(description="Crossings since since_ns, by line, label and direction."),
    ]
    since_ns: Annotated[int, Meta(description="Wall clock from which crossings are counted.")]
    published_ns: PublishedNs = 0


Message = DetectionMessage | StatusMessage | HeartbeatMessage | EventMessage | CountMessage


def detection_topic(camera: str) -> bytes:
    """The closing dot keeps `cam1` from matching `cam10`: topics are matched by prefix."""
    return b"det.%b." % camera.encode()


def status_topic(camera: str) -> bytes:
    return b"status.%b." % camera.encode()


def event_topic(camera: str) -> bytes:
    return b"event.%b." % camera.encode()


def count_topic(camera: str) -> bytes:
    return b"count.%b." % camera.encode()


def heartbeat_topic(node: str) -> bytes:
    return b"hb.%b." % node.encode()


def topic_of(message: Message) -> bytes:
    if isinstance(message, HeartbeatMessage):
        return heartbeat_topic(message.node)
    return _TOPICS[message.kind](message.camera)


def rounded_box(xyxy_px: Sequence[float]) -> tuple[float, float, float, float]:
    """With as many decimals as are worth sending."""
    x1, y1, x2, y2 = xyxy_px
    return round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)


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
    b"event": EventMessage,
    b"count": CountMessage,
}
_TOPICS: dict[Kind, Callable[[str], bytes]] = {
    Kind.DETECTION: detection_topic,
    Kind.STATUS: status_topic,
    Kind.EVENT: event_topic,
    Kind.COUNT: count_topic,
}
