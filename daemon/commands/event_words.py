"""An event in a few words, for people who read it on a terminal."""

from __future__ import annotations

from sinks.messages import EventMessage


def in_words(event: EventMessage) -> str:
    """As in `person 42 entered driveway after 3.2 s`."""
    words = [event.label, str(event.track)]
    if event.event == "zone":
        words += [event.phase, "in" if event.phase == "loitering" else "", event.zone or ""]
    elif event.event == "line":
        words += ["crossed", event.line or "", event.direction or ""]
    else:
        words += [{"new": "came", "update": "is there", "end": "is gone"}[event.phase]]
        words += [f"in {', '.join(event.zones)}" if event.zones else ""]
    if event.phase not in ("new", "entered"):
        words.append(f"after {event.duration_s:.1f} s")
    marks = [
        mark
        for mark, holds in (
            ("stationary", event.stationary),
            ("uncertain", event.uncertain),
            ("interrupted", event.reason == "interrupted"),
        )
        if holds
    ]
    return " ".join(word for word in words if word) + (f" ({', '.join(marks)})" if marks else "")
