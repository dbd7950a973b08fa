"""How it stands with a place that a sink sends to, and that may be away."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """What the sink does about it at the moment."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"  # before the next try
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """`reason` is one word why it is away, `detail` a sentence without secrets; both are '' while
    it is there.
    """

    place: str  # host:port
    state: LinkState
    since_ns: int  # wall clock of the last change of state
    reason: str = ""
    detail: str = ""
    retry_s: float | None = None  # the wait that is running
    connects: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a sink that picks and keeps has picked and keeps."""

    held: dict[str, int]  # events that were not sent, by why not
    retained: int = 0  # states that the broker keeps
    refused: int = 0  # states beyond what may be kept
