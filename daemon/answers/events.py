"""What a camera's watch tells, as messages: events, counts, and objects in answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from daemon.tracking.happenings import Counts, Happening, Moment
from sinks.messages import CountMessage, EventMessage, rounded_box
from sinks.messages import Moment as SentMoment


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose messages these are."""

    epoch: str
    node: str


def event_message(
    happening: Happening, sender: Sender, camera: str, event_seq: int, grant: int | None = None
) -> EventMessage:
    """The event that tells of it."""
    of = happening.of
    return EventMessage(
        epoch=sender.epoch,
        node=sender.node,
        camera=camera,
        grant=grant or UNSET,
        event_seq=event_seq,
        event=happening.event,
        phase=happening.phase,
        id=f"{sender.epoch}-{camera}-{of.track}",
        track=of.track,
        label=of.label,
        zone=(happening.place or UNSET) if happening.event == "zone" else UNSET,
        line=(happening.place or UNSET) if happening.event == "line" else UNSET,
        direction=happening.direction or UNSET,
        at_ns=happening.at_ns,
        since_ns=happening.since_ns,
        duration_s=round(happening.duration_s, 2),
        size=happening.size,
        score=round(of.score, 4),
        box=rounded_box(of.box),
        first=_sent(of.first),
        best=_sent(of.best),
        zones=of.zones,
        stationary=of.stationary,
        uncertain=happening.uncertain,
        reason=happening.reason or UNSET,
    )


def count_message(
    counts: Counts, sender: Sender, camera: str, since_ns: int, grant: int | None = None
) -> CountMessage:
    """How many there are and were."""
    return CountMessage(
        epoch=sender.epoch,
        node=sender.node,
        camera=camera,
        grant=grant or UNSET,
        present=counts.present,
        zones=counts.zones,
        lines=counts.lines,
        since_ns=since_ns,
    )


def _sent(moment: Moment) -> SentMoment:
    return SentMoment(moment.captured_ns, round(moment.score, 4), rounded_box(moment.box))
