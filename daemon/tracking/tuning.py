"""How objects are followed: all times in seconds, all lengths in sizes of the object.

The size of an object is the square root of its box's area, so that one set of numbers serves people
far away and lorries near by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Tuning:
    """Numbers that were chosen on invented streets (`vedette bench tracking`)."""

    confirm_after_s: float = 0.2
    forget_after_s: float = 2.0

    # Motion: constant velocity that fades once the object is unseen for longer than `steady_s`.
    steady_s: float = 0.5
    fading_s: float = 0.8
    first_speed: float = 2.0  # sizes per second, spread of what a new object may do
    unrest: float = 0.1  # sizes² per second³, how fast speeds change
    shake: float = 0.05  # sizes, spread of a good box around the truth
    weak_shake: float = 0.15
    size_gain: float = 0.35  # how much of a box's width and height is believed

    # Association, in the order of its passes.
    buffers: tuple[float, float] = (0.1, 0.4)  # of width and height, around both boxes
    reach: float = 0.5  # of the spread of the prediction, on top, around the predicted box
    reach_limit: float = 1.0  # sizes, at most
    least: tuple[float, float] = (0.4, 0.35)  # overlap of buffered boxes
    weak_least: float = 0.4
    weak_within_s: float = 1.0  # unseen for longer takes no weak box
    new_least: float = 0.2
    side_shake: float = 0.12  # spread of the logarithm of a box's width and height
    farthest: float = 20.0  # minus twice the log likelihood at which being likely counts nothing
    other_label: float = 0.9  # what an overlap is worth to another label of one family

    double: float = 0.7  # of a new box inside another: perhaps a second box of one object
    double_after_s: float = 1.0  # it is confirmed no sooner
    sure: float = 0.5  # one that never had a box of this score is confirmed no sooner
    unsure_after_s: float = 1.0  # than after this long

    leaving_s: float = 0.5  # one that was last seen on its way out of the picture
    new_patience_s: float = 0.25  # a new object may be missing for so long

    still_after_s: float = 5.0
    still_within: float = 0.2  # sizes from where it stood
    moved_beyond: float = 0.4
    still_patience: float = 10.0  # times forget_after_s at most, once it stood as long

    vote_s: float = 10.0
    outvoted: float = 1.3

    def scaled(self, times: float) -> Self:
        """For a world in which everything takes so many times as long."""
        seconds = {
            name: getattr(self, name) * times for name in type(self).__slots__ if name[-2:] == "_s"
        }
        return replace(
            self,
            **seconds,
            first_speed=self.first_speed / times,
            unrest=self.unrest / times**3,
        )
