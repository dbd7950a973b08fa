"""What an objective says of a batch."""

from __future__ import annotations

import tensorflow as tf

from detector.networks.ops import Tensor

Losses = dict[str, Tensor]  # scalars by name: parts that add up, and their sum as `total`


def with_total(parts: dict[str, Tensor]) -> Losses:
    return parts | {"total": tf.add_n(list(parts.values()))}
