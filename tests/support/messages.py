"""Messages as the daemon would make them, and a sink that tests steer by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sinks.envelope import Envelope
from sinks.messages import (
    CameraBeat,
    CountMessage,
    Detection,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    Kind,
    LatencyMs,
    Moment,
    StatusMessage,
    Stream,
)

EPOCH = "9f3c0a7be1d24c55"
NODE = "lodge"


def detection(
    camera: str = "gate", seq: int = 1, *, epoch: str = EPOCH, node: str = NODE, objects: int = 1
) -> Envelope:
    """An answer with that many persons in it; its frame arrived at monotonic 90 s."""
    message = DetectionMessage(
        epoch=epoch,
        node=node,
        camera=camera,
        seq=seq,
        status="ok",
        captured_ns=1_795_000_000_000_000_000,
        time_source="wallclock",
        pts_s=157.06,
        size=(1920, 1080),
        model="efficientdet-lite0",
        latency_ms=LatencyMs(queue=3.123456, infer=18.456789),
        detections=tuple(
            Detection.rounded("person", 0, 0.91234567, (812.44, 301.0, 905.66, 588.21))
            for _ in range(objects)
        ),
    )
    return Envelope(message, captured_s=90.0)


def status(
    camera: str = "gate", state: str = "streaming", *, epoch: str = EPOCH, node: str = NODE
) -> Envelope:
    stream = Stream("h264", 1920, 1080, 25.0, "tcp", "software") if state == "streaming" else None
    return Envelope(
        StatusMessage(
            epoch=epoch,
            node=node,
            camera=camera,
            state=state,
            reason="" if stream else "timeout",
            since_ns=1_795_000_000_000_000_000,
            stream=stream,
            retry_s=3.0 if state == "backoff" else None,
        )
    )


def heartbeat(
    seqs: dict[str, int],
    *,
    events: Mapping[str, int] = MappingProxyType({}),
    epoch: str = EPOCH,
    node: str = NODE,
) -> Envelope:
    """Every camera is streaming; `seqs` are their last ones, `events` those of their events."""
    beats = {
        name: CameraBeat("streaming", seq, 0.04, events.get(name, 0)) for name, seq in seqs.items()
    }
    return Envelope(HeartbeatMessage(epoch=epoch, node=node, ready=True, cameras=beats))


def event(
    camera: str = "gate",
    seq: int = 1,
    *,
    about: str = "object",
    phase: str = "new",
    epoch: str = EPOCH,
    node: str = NODE,
    **fields: object,
) -> Envelope:
    """Person 42 did something."""
    seen = Moment(1_795_000_000_000_000_000, 0.9123, (812.4, 301.0, 905.7, 588.2))
    return Envelope(
        EventMessage(
            epoch=epoch,
            node=node,
            camera=camera,
            event_seq=seq,
            event=about,
            phase=phase,
            **{
                "id": f"{epoch}-{camera}-42",
                "track": 42,
                "label": "person",
                "at_ns": 1_795_000_003_200_000_000,
                "since_ns": 1_795_000_000_000_000_000,
                "duration_s": 3.2,
                "size": (1920, 1080),
                "score": seen.score,
                "box": seen.box,
                "first": seen,
                "best": seen,
                "zones": (),
                "stationary": False,
                "uncertain": False,
                **fields,
            },
        )
    )


def count(camera: str = "gate", persons: int = 1, *, node: str = NODE) -> Envelope:
    return Envelope(
        CountMessage(
            epoch=EPOCH,
            node=node,
            camera=camera,
            present={"person": persons},
            zones={"driveway": {"person": 1}},
            lines={"door": {"person": {"in": 12, "out": 9}}},
            since_ns=1_795_000_000_000_000_000,
        )
    )


class FakeSink:
    """Keeps what it is given; `hook` runs in every write and may raise or wait."""

    name = "fake"

    def __init__(
        self,
        hook: Callable[[Envelope], None] = lambda _: None,
        kinds: frozenset[Kind] = frozenset(Kind),
    ) -> None:
        self.hook = hook
        self.kinds = kinds
        self.written: list[Envelope] = []
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def write(self, envelope: Envelope) -> int:
        self.hook(envelope)
        self.written.append(envelope)
        return 10

    def idle(self) -> None:
        if self.calls[-1:] != ["idle"]:
            self.calls.append("idle")

    def close(self) -> None:
        self.calls.append("close")
