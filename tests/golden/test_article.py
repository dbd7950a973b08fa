"""Both of the article's projects: outputs from their weights files, and what they keep of them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates, Kept
from detector.boxes.decode import decode, decode_boxes
from detector.boxes.nms import suppress
from detector.boxes.preprocess import normalise
from detector.boxes.yolo_decode import decode as decode_yolo
from detector.boxes.yolo_decode import decode_boxes as decode_yolo_boxes
from detector.boxes.yolo_decode import prior_boxes
from detector.graph.folding import FoldedOps
from detector.graph.layers import LayerOps
from detector.graph.onednn import OneDnnOps, has_onednn
from detector.networks import efficientdet as network
from detector.networks import yolov3 as yolo_network
from detector.networks.backbone import backbone
from detector.networks.bifpn import pyramid
from detector.networks.sizes import ARTICLE_SIZES, YOLO_SIZES
from tests.golden import article

pytestmark = pytest.mark.golden

CLASSES = 20
INTERPRETERS: dict[str, type[LayerOps]] = {
    "plain": LayerOps,
    "folded": FoldedOps,
    "onednn": OneDnnOps,
}
EFFICIENTDET = ARTICLE_SIZES["efficientdet-d0"]
YOLO = YOLO_SIZES["efficientnet-yolov3-b0"]
KINDS = ["letterbox", "resize"]
RUNS = [*((interpreter, "letterbox") for interpreter in INTERPRETERS), ("plain", "resize")]


def interpreted(short: str, interpreter: str) -> LayerOps:
    if interpreter == "onednn" and not has_onednn():
        pytest.skip("TensorFlow does not use oneDNN on this processor")
    return INTERPRETERS[interpreter](article.weights(short).arrays)


def in_their_order(by_anchor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[A, n], from the three shapes of each size to the three sizes of each shape."""
    cells = by_anchor.reshape(-1, 3, 3, by_anchor.shape[-1])
    return cells.swapaxes(1, 2)[:, [1, 0, 2]].reshape(by_anchor.shape)


@functools.cache
def efficientdet(interpreter: str, kind: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scores [A, 20] and codes [A, 4] of the scene, in their order."""
    ops = interpreted("d0", interpreter)

    @tf.function(autograph=False)
    def compute(pixels: Any) -> Any:
        x = normalise(pixels, tf.zeros([1, 4], tf.int32), EFFICIENTDET.pixels)
        return network.forward(ops, x, EFFICIENTDET, CLASSES)

    logits, codes = compute(tf.constant(article.prepared(512, kind)))
    scores = np.concatenate([tf.sigmoid(x).numpy().reshape(-1, CLASSES) for x in logits])
    by_anchor = np.concatenate([x.numpy().reshape(-1, 4) for x in codes])
    return in_their_order(scores), in_their_order(by_anchor)[:, [1, 0, 3, 2]]


@functools.cache
def yolo(interpreter: str, kind: str) -> list[Any]:
    """Raw outputs for the scene, a batch of one, by level."""
    ops = interpreted("yolo_b0", interpreter)

    @tf.function(autograph=False)
    def compute(pixels: Any) -> Any:
        x = normalise(pixels, tf.zeros([1, 4], tf.int32), YOLO.pixels)
        return yolo_network.forward(ops, x, YOLO, CLASSES)

    raw: list[Any] = compute(tf.constant(article.prepared(416, kind)))
    return raw


def test_anchors_are_the_same_set_in_another_order() -> None:
    ours = in_their_order(anchor_boxes(512, EFFICIENTDET.levels, EFFICIENTDET.anchor_scale))
    theirs = article.outputs("d0")["anchors_xyxy"] * 512
    np.testing.assert_allclose(ours[::97][:, [1, 0, 3, 2]], theirs, atol=1e-4)


def test_the_scene_lies_where_it_lay_there() -> None:
    """Shape alone: the picture was scaled by PIL, and fits into the place that ours gives it."""
    for side, size in ((512, (512, 341)), (416, (416, 277))):
        assert article.letterboxed(side)[1].scaled_wh == size


def test_efficientdet_passes_on_the_same_features() -> None:
    ops, pixels = interpreted("d0", "plain"), article.prepared(512, "resize")
    x = normalise(pixels, tf.zeros([1, 4], tf.int32), EFFICIENTDET.pixels)
    taps = backbone(ops, x, EFFICIENTDET.backbone)
    features = pyramid(ops, taps, EFFICIENTDET)
    agree("d0", "resize", dict(zip(("C3", "C4", "C5"), taps, strict=True)))
    agree("d0", "resize", {f"P{3 + i}": feature for i, feature in enumerate(features)})


def test_yolo_passes_on_the_same_features() -> None:
    ops, pixels = interpreted("yolo_b0", "plain"), article.prepared(416, "letterbox")
    x = normalise(pixels, tf.zeros([1, 4], tf.int32), YOLO.pixels)
    taps = backbone(ops, x, YOLO.backbone)
    agree("yolo_b0", "letterbox", dict(zip(("C3", "C4", "C5"), taps, strict=True)))


def agree(short: str, kind: str, features: dict[str, Any]) -> None:
    """A grid of each feature, and its mean, which all cells count in."""
    golden = article.outputs(short)
    for name, feature in features.items():
        sample = golden[f"{kind}/{name}"]
        step = -(-feature.shape[1] // len(sample))
        np.testing.assert_allclose(feature[0, ::step, ::step], sample, rtol=0, atol=5e-4)
        mean = feature.numpy().mean(dtype=np.float64)
        assert mean == pytest.approx(golden[f"{kind}/{name}_sum"] / feature.numpy().size, abs=1e-5)


@pytest.mark.parametrize(("interpreter", "kind"), RUNS)
def test_efficientdet_gives_the_same_outputs(interpreter: str, kind: str) -> None:
    golden = article.outputs("d0")
    scores, codes = efficientdet(interpreter, kind)
    np.testing.assert_allclose(codes[::49], golden[f"{kind}/regression"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(scores[::49], golden[f"{kind}/classification"], rtol=0, atol=5e-5)
    np.testing.assert_allclose(scores[::49].max(-1), golden[f"{kind}/best_score"], atol=5e-5)
    clear = np.diff(np.partition(scores[::49], -2)[:, -2:])[:, 0] > 1e-4
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(
        scores[::49].argmax(-1)[clear], golden[f"{kind}/best_class"][clear]
    )
    mean = scores.mean(dtype=np.float64)
    assert mean == pytest.approx(golden[f"{kind}/score_sum"] / scores.size, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_efficientdet_decodes_the_same_boxes(kind: str) -> None:
    """Cut off at the edges of the input, as they are there."""
    golden = article.outputs("d0")
    anchors = in_their_order(anchor_boxes(512, EFFICIENTDET.levels, EFFICIENTDET.anchor_scale))
    codes = golden[f"{kind}/regression"][:, [1, 0, 3, 2]]
    boxes = decode_boxes(tf.constant(codes), anchors[::49]).numpy().clip(0, 512)
    np.testing.assert_allclose(boxes, golden[f"{kind}/decoded_xyxy"] * 512, atol=1e-3)


@pytest.mark.parametrize(("interpreter", "kind"), RUNS)
def test_yolo_gives_the_same_outputs(interpreter: str, kind: str) -> None:
    golden = article.outputs("yolo_b0")
    for level, raw in zip(("P5", "P4", "P3"), yolo(interpreter, kind), strict=True):
        step = int(golden[f"raw_{level}_stride"])
        sample = golden[f"{kind}/raw_{level}"]
        np.testing.assert_allclose(raw[0, ::step, ::step], sample, rtol=0, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("threshold", "overlap"), [(0.3, 0.3), (0.5, 0.45)])
def test_efficientdet_keeps_the_same_boxes(kind: str, threshold: float, overlap: float) -> None:
    """From their outputs, so that only decoding and suppression are compared."""
    golden = article.outputs("d0")
    anchors = in_their_order(anchor_boxes(512, EFFICIENTDET.levels, EFFICIENTDET.anchor_scale))
    scores = golden[f"{kind}/strong_score"]
    logits = np.full((1, len(anchors), CLASSES), -100, np.float32)
    at = golden[f"{kind}/strong"]
    logits[0, at, golden[f"{kind}/strong_class"]] = np.log(scores / (1 - scores))
    codes = np.zeros((1, len(anchors), 4), np.float32)
    codes[0, at] = golden[f"{kind}/strong_code"][:, [1, 0, 3, 2]]
    as_level = lambda x: [tf.constant(x.reshape(1, -1, 1, x.shape[-1]))]  # noqa: E731
    found = decode(
        as_level(logits), as_level(codes), anchors, num_classes=CLASSES, limit=len(at), clip_to=512
    )
    kept = suppress(found, score_threshold=threshold, iou_threshold=overlap, max_detections=len(at))
    theirs = golden[f"{kind}/det_conf{threshold}_iou{overlap}"]
    by_class = grouped(kept)
    assert len(by_class[0]) == len(theirs)
    np.testing.assert_array_equal(by_class[2], theirs[:, 5])
    np.testing.assert_allclose(by_class[1], theirs[:, 4], atol=1e-5)
    ours = article.to_scene(by_class[0], 512, letterbox=kind == "letterbox")
    np.testing.assert_allclose(ours, theirs[:, :4], atol=0.01)


def grouped(kept: Kept) -> list[npt.NDArray[Any]]:
    """Boxes, scores and classes, class by class as they list them."""
    count = int(kept.count[0])
    xyxy, score, class_id = (values[0, :count].numpy() for values in kept[:3])
    order = np.argsort(class_id, kind="stable")
    return [xyxy[order], score[order], class_id[order]]


def test_yolo_decodes_the_same_boxes() -> None:
    golden = article.outputs("yolo_b0")
    priors = prior_boxes(416)[golden["strong"]]
    pixels = golden["strong_cxcywh"] * 416
    expected = np.concatenate(
        [pixels[:, :2] - pixels[:, 2:] / 2, pixels[:, :2] + pixels[:, 2:] / 2], axis=1
    )
    ours = decode_yolo_boxes(tf.constant(golden["strong_raw"][:, :4]), priors)
    np.testing.assert_allclose(ours, expected, atol=1e-2, rtol=1e-5)


def test_yolo_keeps_the_same_boxes_of_the_same_outputs() -> None:
    """Every class of a box by itself, and no more than a hundred of a class, as there."""
    golden = article.outputs("yolo_b0")
    priors = prior_boxes(416)
    raw = np.full((1, len(priors), 5 + CLASSES), -100, np.float32)
    raw[0, golden["strong"]] = golden["strong_raw"]
    cuts = np.cumsum([3 * side * side for side in (13, 26)])
    levels = [
        tf.constant(part.reshape(1, side, side, -1))
        for part, side in zip(np.split(raw, cuts, axis=1), (13, 26, 52), strict=True)
    ]
    found = decode_yolo(levels, priors, num_classes=CLASSES, limit=2000)
    kept = suppress(found, score_threshold=0.5, iou_threshold=0.3, max_detections=2000)
    xyxy, score, class_id = grouped(kept)
    rank = np.arange(len(class_id)) - np.searchsorted(class_id, class_id)
    few = rank < 100
    group = "letterbox/det_conf0.5_iou0.3"
    np.testing.assert_array_equal(class_id[few], golden[f"{group}/classes"])
    np.testing.assert_allclose(score[few], golden[f"{group}/scores"], atol=1e-5)
    ours = article.to_scene(xyxy[few], 416, letterbox=True)
    np.testing.assert_allclose(ours, golden[f"{group}/boxes_yxyx"], atol=0.05, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("threshold", "overlap"), [(0.5, 0.3), (0.2, 0.45)])
def test_yolo_keeps_the_same_boxes_from_the_picture_on(
    kind: str, threshold: float, overlap: float
) -> None:
    """But for a few whose scores differ by less than rounding, and so their order."""
    found = decode_yolo(
        yolo("plain", kind), prior_boxes(416), num_classes=CLASSES, limit=10_647 * CLASSES
    )
    best = [best_of_class(found, class_id, threshold, overlap) for class_id in range(CLASSES)]
    theirs = {
        field: article.outputs("yolo_b0")[f"{kind}/det_conf{threshold}_iou{overlap}/{field}"]
        for field in ("boxes_yxyx", "scores", "classes")
    }
    xyxy, score, class_id = (np.concatenate(values) for values in zip(*best, strict=True))
    np.testing.assert_array_equal(class_id, theirs["classes"])
    np.testing.assert_allclose(score, theirs["scores"], atol=5e-5)
    ours = article.to_scene(xyxy, 416, letterbox=kind == "letterbox")
    same = np.isclose(ours, theirs["boxes_yxyx"], atol=0.5, rtol=0).all(axis=1)
    assert same.mean() > 0.99


def best_of_class(
    found: Candidates, class_id: int, threshold: float, overlap: float
) -> list[npt.NDArray[Any]]:
    """Up to a hundred, of which none comes after the best 600."""
    rows = np.flatnonzero(found.class_id[0] == class_id)[:600]
    of_class = Candidates(*(tf.gather(values, rows, axis=1) for values in found))
    return grouped(
        suppress(of_class, score_threshold=threshold, iou_threshold=overlap, max_detections=100)
    )
