"""What happened to objects, before it has a number and a name of a camera. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Box = tuple[float, float, float, float]
Event = Literal["object", "zone", "line"]
Phase = Literal["new", "update", "end", "entered", "left", "loitering", "crossed"]
Reason = Literal["gone", "interrupted"]


@dataclass(frozen=True, slots=True)
class Moment:
    """How an object looked in one picture; pixels, wall clock."""

    captured_ns: int
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class Portrait:
    """What is known of one object."""

    track: int
    label: str
    score: float
    box: Box
    first: Moment
    best: Moment
    zones: tuple[str, ...]
    stationary: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """`place` is the zone's or the line's name; times are wall clock."""

    event: Event
    phase: Phase
    of: Portrait
    at_ns: int
    since_ns: int
    size: tuple[int, int]
    place: str | None = None
    direction: str | None = None
    uncertain: bool = False
    reason: Reason | None = None

    @property
    def duration_s(self) -> float:
        return max(0, self.at_ns - self.since_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are there: by label, by zone and label; who crossed: by line, label, direction."""

    present: dict[str, int]
    zones: dict[str, dict[str, int]]
    lines: dict[str, dict[str, dict[str, int]]]
