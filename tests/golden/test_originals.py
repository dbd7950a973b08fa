"""EfficientDet against google/automl: variables, anchors, features, raw outputs, suppression."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.boxes.decode import decode, decode_boxes
from detector.boxes.nms import suppress
from detector.boxes.selection import Nms, Selection
from detector.graph.efficientdet import EfficientDet
from detector.graph.folding import FoldedOps
from detector.graph.layers import LayerOps
from detector.graph.onednn import OneDnnOps, has_onednn
from detector.networks.backbone import backbone
from detector.networks.bifpn import pyramid
from detector.networks.efficientdet import forward, variables
from detector.networks.sizes import SIZES
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
def run(short: str, interpreter: str, dtype: str = "float32", scene: str = "scene") -> Run:
    """From the original's own input."""
    spec = SIZES[f"efficientdet-{short}"]
    return network(short, interpreter, recorded.original_input(spec, scene).astype(dtype))


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
    cells = x.shape[0] * x.shape[1]
    np.testing.assert_allclose(x.sum((0, 1), np.float64), golden["input_sum"], atol=cells * 1e-6)
    assert abs(x).sum(dtype=np.float64) == pytest.approx(golden["input_abs_sum"], abs=cells * 1e-6)


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
        assert same_mean(feature, golden[f"{name}_sum"]), name


def same_mean(tensor: npt.NDArray[Any], total: npt.NDArray[np.float64]) -> bool:
    """All cells count in it; roundings of either sign do not."""
    return abs(tensor.sum(dtype=np.float64) - float(total)) / tensor.size < 1e-5


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
    agree(run(short, interpreter), recorded.outputs(short), bound)


def test_raw_outputs_match_for_another_picture() -> None:
    ours, golden = run("d0", "plain", scene="scene_b"), recorded.outputs("d0_b")
    agree(ours, golden, 2e-4)
    for level, feature in zip(range(3, 8), ours.features, strict=True):
        assert same_mean(feature, golden[f"P{level}_sum"])
    for level, tap in zip(range(3, 6), ours.taps, strict=True):
        assert same_mean(tap, golden[f"C{level}_sum"])


def agree(ours: Run, golden: dict[str, npt.NDArray[Any]], bound: float) -> None:
    for level, logits, codes in zip(range(3, 8), ours.logits, ours.codes, strict=True):
        cells = golden[f"cells_{level}"]
        at = np.ix_(cells, cells)
        assert worst(logits[at], golden[f"logits_{level}"]) < bound
        assert worst(codes[at], golden[f"codes_{level}"]) < bound
        assert same_mean(logits, golden[f"logits_{level}_sum"])
    by_anchor = np.concatenate([x.reshape(-1, CLASSES) for x in ours.logits])[::97]
    assert worst(by_anchor.max(-1), golden["best_logit"]) < bound
    clear = np.diff(np.partition(by_anchor, -2)[:, -2:])[:, 0] > 2 * bound
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(by_anchor.argmax(-1)[clear], golden["best_class"][clear])


def test_float64_gives_what_the_original_gives_in_float64() -> None:
    """To the roundings of the recording, which is float32: there is no other difference."""
    golden, ours = recorded.outputs("d0_float64"), run("d0", "folded", "float64")
    for level, logits, codes in zip(range(3, 8), ours.logits, ours.codes, strict=True):
        for tensor, name in ((logits, "logits"), (codes, "codes")):
            total = golden[f"{name}_{level}_sum"]
            assert abs(tensor.sum() - total) / tensor.size < 1e-8
        if level >= 5:
            assert worst(codes, golden[f"codes_{level}"]) < 1e-6
    assert worst(ours.logits[-1], golden["logits_7"]) < 2e-6


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


@pytest.mark.parametrize(
    ("short", "scene", "outputs"),
    [("d0", "scene", "d0"), ("lite0", "scene", "lite0"), ("d0", "scene_b", "d0_b")],
)
@pytest.mark.parametrize(("way", "nms"), [("global", "soft-agnostic"), ("perclass", "soft")])
def test_soft_suppression_of_pairs_of_anchor_and_class_keeps_the_same(
    short: str, scene: str, outputs: str, way: str, nms: Nms
) -> None:
    """The original can be told to look at its 5000 best pairs instead of every anchor's class."""
    golden, spec = recorded.outputs(outputs), SIZES[f"efficientdet-{short}"]
    ours = run(short, "plain", scene=scene)
    logits = np.concatenate([x.ravel() for x in ours.logits])
    pairs = np.argsort(-logits, kind="stable")[:5000]
    codes = np.concatenate([x.reshape(-1, 4) for x in ours.codes])[pairs // CLASSES]
    anchors = anchor_boxes(spec.input_size, spec.levels, spec.anchor_scale)[pairs // CLASSES]
    found = Candidates(
        decode_boxes(tf.constant(codes), anchors)[None],
        tf.sigmoid(logits[pairs])[None],
        tf.constant(pairs % CLASSES, tf.int32)[None],
    )
    kept = Selection(0.001, 0.5, 100, nms=nms)(found, fixed_shapes=False)
    group = f"{way}_gaussian_top5000"
    np.testing.assert_allclose(kept.score[0], golden[f"{group}/scores"], atol=1e-4)
    np.testing.assert_array_equal(kept.class_id[0] + 1, golden[f"{group}/classes"])
    xyxy = kept.xyxy[0].numpy()
    if way == "global":
        xyxy = xyxy.clip(0, spec.input_size)
    scaled = xyxy[:, [1, 0, 3, 2]] * golden["image_scale"]
    np.testing.assert_allclose(scaled, golden[f"{group}/boxes"], atol=0.5)
