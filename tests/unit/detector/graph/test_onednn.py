from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detector.graph.folding import FoldedOps
from detector.graph.layers import LayerOps
from detector.graph.onednn import OneDnnOps, has_onednn

CHANNELS = 16
RNG = np.random.default_rng(0)
ARRAYS = {
    "a/depthwise_kernel": RNG.normal(0, 0.3, (3, 3, CHANNELS, 1)).astype(np.float32),
    "a/kernel": RNG.normal(0, 0.3, (1, 1, CHANNELS, 24)).astype(np.float32),
    **{
        f"{norm}/{part}": RNG.uniform(0.5, 1.5, size).astype(np.float32)
        for norm, size in (("norm", CHANNELS), ("norm24", 24))
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    },
}
X = RNG.normal(0, 1, (3, 12, 10, CHANNELS)).astype(np.float32)
GATE = RNG.uniform(0, 1, (3, 1, 1, CHANNELS)).astype(np.float32)


needs_onednn = pytest.mark.skipif(
    not has_onednn(), reason="TensorFlow does not use oneDNN on this processor"
)


def depthwise(ops: LayerOps, x: Any, stride: int = 1) -> Any:
    return ops.depthwise(x, "a", size=3, stride=stride, norm="norm", act="swish")


def gated(ops: LayerOps, x: Any) -> Any:
    return ops.gated_conv(x, tf.constant(GATE, x.dtype), "a", 24, norm="norm24")


def kernels(compute: Callable[[Any], Any], dtype: tf.DType) -> list[str]:
    """Names of the operations that really run, after TensorFlow has rewritten the graph."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(dtype, [None, *X.shape[1:]])
        y = tf.identity(compute(x))
        seen = tf.compat.v1.RunMetadata()
        options = tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE)
        session.run(y, {x: X.astype(dtype.as_numpy_dtype)}, options, seen)
    nodes = [node for device in seen.step_stats.dev_stats for node in device.node_stats]
    return [node.timeline_label.split(" = ")[1].split("(")[0] for node in nodes]


@needs_onednn
@pytest.mark.parametrize("stride", [1, 2])
def test_a_grouped_convolution_is_a_depthwise_one(stride: int) -> None:
    ours, folded = (depthwise(kind(ARRAYS), X, stride) for kind in (OneDnnOps, FoldedOps))
    np.testing.assert_allclose(ours, folded, atol=1e-5)


@needs_onednn
def test_a_gate_in_the_kernel_is_a_gate_on_the_features() -> None:
    ours, plain = (gated(kind(ARRAYS), tf.constant(X)) for kind in (OneDnnOps, LayerOps))
    np.testing.assert_allclose(ours, plain, atol=1e-4)


@needs_onednn
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_depthwise_convolution_bias_and_swish_run_as_one(dtype: tf.DType) -> None:
    ran = kernels(lambda x: depthwise(OneDnnOps(ARRAYS), x), dtype)
    assert "_MklNativeFusedConv2D" in ran
    assert not {"_MklSwish", "BiasAdd", "Sigmoid", "Mul"} & set(ran)


@needs_onednn
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_gated_convolution_and_bias_run_as_one(dtype: tf.DType) -> None:
    ran = kernels(lambda x: gated(OneDnnOps(ARRAYS), x), dtype)
    assert "_MklFusedBatchMatMulV2" in ran
    assert not {"BiasAdd", "AddV2"} & set(ran)


def test_without_onednn_the_forms_that_run_everywhere_are_taken() -> None:
    program = (
        "from detector.build import build_detector\n"
        "from detector.spec import DetectorSpec\n"
        "detector = build_detector(DetectorSpec(name='efficientdet-lite0', weights='bundled',\n"
        "    max_batch=1, score_threshold=.4, iou_threshold=.5, max_detections=9, input_size=64,\n"
        "    precision='float32'))\n"
        "detector.warm_up()\n"
        "from detector.graph.onednn import has_onednn\n"
        "print(has_onednn())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TF_ENABLE_ONEDNN_OPTS": "0"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"
    assert done.stderr == ""
