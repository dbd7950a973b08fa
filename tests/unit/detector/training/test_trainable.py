"""The training interpreter computes what the detector computes, and its gradients are right."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detector.graph.layers import LayerOps
from detector.models import find_model
from detector.networks.efficientdet import forward
from detector.training.initial import fresh
from detector.training.trainable import TrainableOps, _pointwise

MODEL = find_model("efficientdet-lite0", "automl")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    values = fresh(MODEL.spec, MODEL.variables(3), seed=0)
    for name, array in values.items():
        if name.endswith(("/gamma", "/moving_variance")):
            values[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
        elif name.endswith(("/beta", "/moving_mean", "/bias")):
            values[name] = rng.normal(0, 0.1, array.shape).astype(np.float32)
    return values


def test_frozen_statistics_give_what_the_detector_gives(arrays: dict[str, np.ndarray]) -> None:
    x = tf.random.stateless_normal([2, 64, 64, 3], [1, 2])
    ours = forward(TrainableOps(arrays, frozen_norm=lambda _: True), x, MODEL.spec, 3)
    theirs = forward(LayerOps(arrays), x, MODEL.spec, 3)
    for a, b in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_batch_statistics_are_followed() -> None:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    ops = TrainableOps({f"n/{part}": tf.ones(4) for part in names}, frozen_norm=lambda _: False)
    x = tf.random.stateless_normal([8, 5, 5, 4], [1, 2], mean=3.0)
    y = ops._normalise(x, "n")
    np.testing.assert_allclose(tf.reduce_mean(y, [0, 1, 2]), np.ones(4), atol=1e-5)
    followed = ops.statistics["n/moving_mean"]
    np.testing.assert_allclose(followed, 0.99 + 0.01 * np.mean(x, (0, 1, 2)), rtol=1e-5)
    assert set(ops.statistics) == {"n/moving_mean", "n/moving_variance"}


def test_pointwise_gradients_are_those_of_the_convolution() -> None:
    x = tf.random.stateless_normal([2, 5, 7, 3], [1, 2])
    kernel = tf.random.stateless_normal([1, 1, 3, 4], [3, 4])
    found = []
    for convolve in (_pointwise, lambda x, k: tf.nn.conv2d(x, k, 1, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.reduce_sum(tf.sin(convolve(x, kernel)))
        found.append(tape.gradient(y, [x, kernel]))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
