"""Where objects should be now: a Kalman filter over real time. Pure.

Position and speed of an object share one 2 × 2 covariance for both axes, in units of its size, as
both axes are measured at the same times and equally well; so three numbers per object are all.
Unseen for longer than `steady_s`, it is expected to slow down.
"""

from __future__ import annotations

import math

from daemon.tracking.sighting import Sighting
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning


def expect(track: Track, at_s: float, interval_s: float, tuning: Tuning) -> None:
    """Say where it should be at `at_s` and how sure that is; pictures come every `interval_s`."""
    gap_s = moving_s = at_s - track.seen_s
    if track.still and gap_s > interval_s:
        moving_s = interval_s  # what stands stays where it is, however long it is hidden
    effect_s = moving_s if moving_s <= tuning.steady_s else travelled(moving_s, tuning)
    both, speed = track.covariance, track.speed_variance
    work = effect_s * speed
    unrest = tuning.unrest * moving_s
    of_both = unrest * moving_s
    variance = track.variance + effect_s * (2 * both + work) + of_both * moving_s / 3
    track.gap_s = gap_s
    track.due_x = track.x + track.vx * effect_s
    track.due_y = track.y + track.vy * effect_s
    track.due_variance = variance
    track.due_covariance = both + work + of_both / 2
    track.due_speed_variance = speed + unrest
    reach = tuning.reach * math.sqrt(variance)
    if reach > tuning.reach_limit:
        reach = tuning.reach_limit
    track.reach_px = reach * track.size


def travelled(gap_s: float, tuning: Tuning) -> float:
    """For how long an object keeps its speed, in effect, that is unseen for `gap_s`: longer than
    `steady_s`.
    """
    faded = gap_s - tuning.steady_s
    return tuning.steady_s - tuning.fading_s * math.expm1(-faded / tuning.fading_s)


def correct(track: Track, sighting: Sighting, tuning: Tuning) -> None:
    """It was seen: it is where its box says, as far as that is believed."""
    shake, believed = tuning.shake, tuning.size_gain
    if not sighting.strong:
        shake, believed = tuning.weak_shake, believed / 2
    total = track.due_variance + shake * shake
    both = track.due_covariance
    gain, speed_gain = track.due_variance / total, both / total
    track.speed_variance = max(track.due_speed_variance - speed_gain * both, 0.0)
    track.variance = track.due_variance * (1 - gain)
    track.covariance = both * (1 - gain)
    vx, vy = track.vx, track.vy
    if track.gap_s > tuning.steady_s:  # it has slowed down since
        kept = math.exp(-(track.gap_s - tuning.steady_s) / tuning.fading_s)
        vx, vy = vx * kept, vy * kept
    off_x, off_y = sighting.x - track.due_x, sighting.y - track.due_y
    track.vx = vx + speed_gain * off_x
    track.vy = vy + speed_gain * off_y
    track.x = track.due_x + gain * off_x
    track.y = track.due_y + gain * off_y
    track.width += believed * (sighting.width - track.width)
    track.height += believed * (sighting.height - track.height)
