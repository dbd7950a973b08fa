"""What large kernels cost, by name of variable; a part of the originals' losses."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from detector.networks.ops import Tensor

_AUTOML, _YOLO = 4e-5, 5e-4


def automl(variables: Mapping[str, Tensor]) -> Tensor:
    """google/automl's, of every kernel."""
    kernels = [value for name, value in variables.items() if name.endswith("kernel")]
    return _AUTOML * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])  # Σw² / 2


def yolo(variables: Mapping[str, Tensor]) -> Tensor:
    """EfficientNet-YOLOv3's, of the kernels after the backbone. The article's EfficientDet has no
    such part.
    """
    kernels = [v for k, v in variables.items() if k.startswith("yolo/") and k.endswith("kernel")]
    return 2 * _YOLO * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
