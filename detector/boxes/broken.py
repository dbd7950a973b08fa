"""Pictures whose numbers are not finite, told apart in the graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from detector.boxes.candidates import Candidates
from detector.networks.ops import Tensor


def unless_broken(found: Candidates, witness: Tensor) -> Candidates:
    """As found, except for pictures whose `witness` [B] is not finite: a number that any NaN or
    infinity among the network's outputs spreads to.
    """
    finite = tf.abs(witness) < np.inf  # in operations that LiteRT has as well
    return found._replace(score=tf.where(finite[:, None], found.score, np.inf))
