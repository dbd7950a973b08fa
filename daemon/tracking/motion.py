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
    faded = np.maximum(gap_s - tuning.steady_s, 0.0)
    effect: FloatArray = np.minimum(gap_s, tuning.steady_s) - tuning.fading_s * np.expm1(
        -faded / tuning.fading_s
    )
    return effect


def predicted(
    spread: FloatArray, gap_s: FloatArray, tuning: Tuning
) -> tuple[FloatArray, FloatArray]:
    """Effective seconds [N] of travel, and the covariance [N, 3] after the gap.

    `spread` [N, 3] is variance of position, covariance, variance of speed.
    """
    effect = travelled(gap_s, tuning)
    q = tuning.unrest
    later = np.empty_like(spread)
    position, both, speed = spread.T
    later[:, 0] = position + effect * (2 * both + effect * speed) + q * gap_s**3 / 3
    later[:, 1] = both + effect * speed + q * gap_s**2 / 2
    later[:, 2] = speed + q * gap_s
    return effect, later


def corrected(spread: FloatArray, noise: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gains [N] for position and speed, and the covariance [N, 3] after a sighting whose variance
    is `noise` [N].
    """
    position, both, speed = spread.T
    total = position + noise
    gain, speed_gain = position / total, both / total
    after = np.empty_like(spread)
    after[:, 0] = position * (1 - gain)
    after[:, 1] = both * (1 - gain)
    after[:, 2] = np.maximum(speed - speed_gain * both, 0.0)
    return gain, speed_gain, after
