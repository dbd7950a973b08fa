"""Many arrays in one variable, so that an optimizer and a running average touch one, not hundreds.

A step of EfficientDet-Lite0 has 370 arrays to update; one by one that is thousands of operations,
each of which costs more than its few numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.networks.ops import Tensor

Arrays = Mapping[str, npt.NDArray[np.float32]]


class Packed:
    """Arrays of the given names and shapes, one behind the other in `variable`."""

    def __init__(self, arrays: Arrays, **options: Any) -> None:
        self._shapes = {name: array.shape for name, array in arrays.items()}
        flat = [array.ravel() for array in arrays.values()]
        self.variable = tf.Variable(np.concatenate(flat or [np.zeros(0, np.float32)]), **options)

    def tensors(self) -> dict[str, Tensor]:
        """Of what is in it now; gradients of them become one of `variable`."""
        return self._split(self.variable)

    def arrays(self, packed: Tensor) -> dict[str, npt.NDArray[np.float32]]:
        """Of a tensor that is laid out as `variable`."""
        return {name: np.asarray(tensor) for name, tensor in self._split(packed).items()}

    def put(self, values: Mapping[str, Tensor]) -> None:
        """New values for all of its names."""
        if self._shapes:
            self.variable.assign(tf.concat([values[name] for name in self._shapes], axis=0))

    def _split(self, packed: Tensor) -> dict[str, Tensor]:
        if not self._shapes:
            return {}
        pieces = tf.split(packed, [math.prod(shape) for shape in self._shapes.values()])
        return {
            name: tf.reshape(piece, shape)
            for (name, shape), piece in zip(self._shapes.items(), pieces, strict=True)
        }
