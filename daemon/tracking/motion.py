"""Where objects should be now: a Kalman filter over real time, for all of them at once. Pure.

Position and speed of an object share one 2 × 2 covariance for both axes, in units of its size, as
both axes are measured at the same times and equally well; so three numbers per object are all.
Unseen for longer than `steady_s`, it is expected to slow down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.tuning import Tuning

FloatArray = npt.NDArray[np.floating[Any]]


def travelled(gap_s: FloatArray, tuning: Tuning) -> FloatArray:
    """For how long [N] an object keeps its speed, in effect, that is unseen for `gap_s` [N]."""
    faded = gap_s - tuning.steady_s
    if faded.max() <= 0:
        return gap_s
    np.maximum(faded, 0.0, out=faded)
    effect: FloatArray = np.minimum(gap_s, tuning.steady_s) - tuning.fading_s * np.expm1(
        -faded / tuning.fading_s
    )
    return effect


def kept(gap_s: FloatArray, tuning: Tuning) -> FloatArray | float:
    """Which share [N] of its speed an object still has."""
    faded = gap_s - tuning.steady_s
    if faded.max() <= 0:
        return 1.0
    share: FloatArray = np.exp(-np.maximum(faded, 0.0) / tuning.fading_s)
    return share


def spread_after(
    spread: FloatArray, effect_s: FloatArray, gap_s: FloatArray, tuning: Tuning
) -> None:
    """Let the covariance `spread` [3, N] (variance of position, covariance, variance of speed) grow
    over the gap, in which speed works for `effect_s` [N]; in place.
    """
    position, both, speed = spread
    unrest = tuning.unrest * gap_s
    work = effect_s * speed
    position += effect_s * (2 * both + work)
    both += work
    speed += unrest
    unrest *= gap_s
    both += unrest / 2
    unrest *= gap_s
    position += unrest / 3


def corrected(spread: FloatArray, noise: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Gains [N] for position and speed of a sighting whose variance is `noise`; `spread` [3, N] is
    as after it, in place.
    """
    position, both, speed = spread
    total = position + noise
    gains = spread[:2] / total
    gain: FloatArray
    speed_gain: FloatArray
    gain, speed_gain = gains
    speed -= speed_gain * both
    np.maximum(speed, 0.0, out=speed)
    spread[:2] *= 1 - gain
    return gain, speed_gain
