"""EfficientDet against google/automl: variables, anchors, features, raw outputs, suppression."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.anchors import anchor_boxes
from detector.backbone import backbone
from detector.bifpn import pyramid
from detector.decode import decode
from detector.efficientdet import EfficientDet
from detector.folding import FoldedOps
from detector.layers import LayerOps
from detector.network import forward, variables
from detector.nms import suppress
from detector.onednn import OneDnnOps, has_onednn
from detector.sizes import SIZES
from tests.golden import recorded

pytestmark = pytest.mark.golden

CLASSES = 90
MODELS = ["d0", "lite0"]
INTERPRETERS: dict[str, type[LayerOps]] = {
    "plain": LayerOps,
    "folded": FoldedOps,
    "onednn": OneDnnOps,
}


class Run(NamedTuple):
    """What a network makes of the scene, by level; the batch of one left out."""

    taps: list[npt.NDArray[Any]]
    features: list[npt.NDArray[Any]]
    logits: list[npt.NDArray[Any]]
    codes: list[npt.NDArray[Any]]


@functools.cache
def run(short: str, interpreter: str, dtype: str = "float32") -> Run:
    """From the original's own input."""
    spec = SIZES[f"efficientdet-{short}"]
    return network(short, interpreter, recorded.original_input(spec).astype(dtype))


def network(short: str, interpreter: str, x: npt.NDArray[Any]) -> Run:
    if interpreter == "onednn" and not has_onednn():
        pytest.skip("TensorFlow does not use oneDNN on this processor")
    spec = SIZES[f"efficientdet-{short}"]
    ops = INTERPRETERS[interpreter](recorded.weights(short))

    @tf.function(autograph=False)
    def compute(x: Any) -> Any:
        taps = backbone(ops, x, spec.backbone)
        return taps, pyramid(ops, taps, spec), *forward(ops, x, spec, CLASSES)

    return Run(*tf.nest.map_structure(lambda y: y.numpy()[0], compute(x)))


def our_input(short: str) -> npt.NDArray[np.float32]:
    """[1, H, W, 3] of the scene scaled as bytes are, normalised by the family."""
    spec = SIZES[f"efficientdet-{short}"]
    family = EfficientDet(spec, num_classes=CLASSES, input_size=spec.input_size)
    pixels, box = recorded.letterboxed(recorded.scene(), family.input_spec)
    return np.asarray(family.normalise(pixels[None], recorded.content_xyxy([box])))


def worst(actual: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    assert actual.shape == expected.shape
    return float(np.abs(actual.astype(np.float64) - expected).max())


@pytest.mark.parametrize("name", SIZES)
def test_every_size_has_the_variables_of_the_original(name: str) -> None:
    original = recorded.original_variables()[name]
    ours = variables(SIZES[name], CLASSES)
    assert ours == {key: tuple(shape) for key, shape in original["variables"]}
    trained = sum(math.prod(shape) for key, shape in ours.items() if "/moving_" not in key)
    assert trained == original["trainable_params"]


@pytest.mark.parametrize("short", MODELS)
def test_anchors_are_bit_for_bit_the_original_ones(short: str) -> None:
    spec = SIZES[f"efficientdet-{short}"]
    ours = anchor_boxes(spec.input_size, spec.levels, spec.anchor_scale)
    np.testing.assert_array_equal(ours, recorded.outputs(short)["anchors_yxyx"])


@pytest.mark.parametrize("short", MODELS)
def test_network_input_is_what_the_original_computes_from_the_picture(short: str) -> None:
    golden, x = recorded.outputs(short), our_input(short)[0]
    grid = golden["input_grid"]
    assert worst(x[np.ix_(grid, grid)], golden["input"]) < 2e-6


@pytest.mark.parametrize("short", MODELS)
def test_outputs_match_from_the_picture_on(short: str) -> None:
    """A little further apart than from one input: normalising after scaling rounds otherwise."""
    golden, ours = recorded.outputs(short), network(short, "plain", our_input(short))
    by_anchor = np.concatenate([x.reshape(-1, CLASSES) for x in ours.logits])
    assert worst(by_anchor.max(-1)[::97], golden["best_logit"]) < 3e-4


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("short", MODELS)
def test_features_of_backbone_and_pyramid_match(short: str, interpreter: str) -> None:
    golden, ours = recorded.outputs(short), run(short, interpreter)
    named = {f"C{3 + i}": tap for i, tap in enumerate(ours.taps)}
    named |= {f"P{3 + i}": feature for i, feature in enumerate(ours.features)}
    for name, feature in named.items():
        step = int(golden[f"{name}_stride"])
        assert worst(feature[::step, ::step], golden[name]) < 5e-4, name


# Folding rounds other numbers than the original does: on lite0 each is up to 2e-4 away from what
# float64 gives (see the test after this one), and so they are a little more apart from each other.
@pytest.mark.parametrize(
    ("short", "interpreter", "bound"),
    [
        ("d0", "plain", 2e-4),
        ("d0", "folded", 2e-4),
        ("d0", "onednn", 2e-4),
        ("lite0", "plain", 2e-4),
        ("lite0", "folded", 3e-4),
        ("lite0", "onednn", 3e-4),
    ],
)
def test_raw_outputs_match(short: str, interpreter: str, bound: float) -> None:
    golden, ours = recorded.outputs(short), run(short, interpreter)
    for level, logits, codes in zip(range(3, 8), ours.logits, ours.codes, strict=True):
        cells = golden[f"cells_{level}"]
        at = np.ix_(cells, cells)
        assert worst(logits[at], golden[f"logits_{level}"]) < bound
        assert worst(codes[at], golden[f"codes_{level}"]) < bound
    by_anchor = np.concatenate([x.reshape(-1, CLASSES) for x in ours.logits])
    best = by_anchor.max(-1)[::97]
    assert worst(best, golden["best_logit"]) < bound


def test_folding_is_as_close_to_exact_arithmetic_as_the_original() -> None:
    """The original's lite0 logits differ by 1.8e-4 from float64; the folded ones may not by more
    than 2e-4.
    """
    exact, folded = run("lite0", "folded", "float64"), run("lite0", "folded")
    for ours, truth in zip(folded.logits + folded.codes, exact.logits + exact.codes, strict=True):
        assert worst(ours, truth) < 2e-4


@pytest.mark.parametrize("short", MODELS)
def test_suppression_keeps_what_the_original_keeps_per_class(short: str) -> None:
    """From the original's own raw outputs, so that only decoding and suppression are compared."""
    golden = recorded.outputs(short)
    anchors = golden["anchors_yxyx"]
    logits = np.full((1, len(anchors), CLASSES), -100, np.float32)
    logits[0, golden["strong"], golden["strong_class"]] = golden["strong_logit"]
    codes = np.zeros((1, len(anchors), 4), np.float32)
    codes[0, golden["strong"]] = golden["strong_code"]
    as_level = lambda x: [tf.constant(x.reshape(1, -1, 1, x.shape[-1]))]  # noqa: E731
    found = decode(
        as_level(logits), as_level(codes), anchors, num_classes=CLASSES, limit=len(golden["strong"])
    )
    kept = suppress(found, score_threshold=0.3, iou_threshold=0.5, max_detections=100)
    count = int(kept.count[0])
    assert count == len(golden["kept_score"])
    np.testing.assert_allclose(kept.score[0, :count], golden["kept_score"], atol=1e-5)
    np.testing.assert_array_equal(kept.class_id[0, :count], golden["kept_class"])
    xyxy = golden["kept_yxyx"][:, [1, 0, 3, 2]]
    ours = kept.xyxy[0, :count].numpy() * golden["image_scale"]
    np.testing.assert_allclose(ours, xyxy, atol=1e-2)
