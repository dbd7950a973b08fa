"""A message on its way to the sinks, and what is known of it beside its words. Any thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from sinks.messages import DetectionMessage, Kind, LatencyMs, Message


class Permit(Protocol):
    """Under which a camera may be spoken for."""

    def holds(self, now_s: float) -> bool:
        """Whether it still may, by the monotonic clock."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way to the sinks, not stamped yet: each sink stamps it when it sends it.

    `captured_s` is the monotonic arrival of a detection message's frame; `on_sent` is given its age
    once the first sink has sent the message. A message whose `permit` has ended is not sent.
    """

    message: Message
    captured_s: float | None = None
    on_sent: Callable[[float], None] | None = field(default=None, compare=False, repr=False)
    permit: Permit | None = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> Kind:
        return self.message.kind

    def may_be_sent(self, now_s: float) -> bool:
        """False once the permit that it was made under has ended."""
        return self.permit is None or self.permit.holds(now_s)


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
