"""One object of a camera, as it was when it was seen last and as it should be now."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from daemon.tracking.happenings import Box


@dataclass(slots=True, eq=False)
class Track:
    """Pixels, pixels per second, seconds. It is itself, whatever equals it.

    Plain numbers, not arrays: a picture has a few objects, and one operation on a small array costs
    as much as some twenty on numbers.
    """

    order: int  # as they began
    label: int
    x: float  # of the centre, smoothed, as all of the box
    y: float
    width: float
    height: float
    variance: float  # of the position, in units of the size; see `motion`
    speed_variance: float
    first_s: float
    seen_s: float
    seen_box: Box  # as last seen
    seen_score: float
    best_score: float
    rest_x: float  # where it stands since `rest_s`
    rest_y: float
    rest_s: float
    votes: dict[int, float] = field(default_factory=dict)  # by label
    vx: float = 0.0
    vy: float = 0.0
    covariance: float = 0.0  # of position and speed
    unseen_s: float = 0.0  # how long it was out of sight before it was last seen
    number: int = 0  # as long as it is not confirmed
    sightings: int = 1
    still: bool = False

    # As it should be in the picture that is looked at; written by `motion.expect`.
    gap_s: float = 0.0
    due_x: float = 0.0
    due_y: float = 0.0
    due_variance: float = 0.0
    due_covariance: float = 0.0
    due_speed_variance: float = 0.0
    reach_px: float = 0.0  # so much farther it may well be

    @property
    def size(self) -> float:
        """Square root of the area, no less than one pixel."""
        return math.sqrt(max(self.width * self.height, 1.0))


def by_label(tracks: Iterable[Track]) -> list[tuple[int, int]]:
    """(label, number) of each label that is there, in order."""
    return sorted(Counter([track.label for track in tracks]).items())
