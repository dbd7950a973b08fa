"""Both of the article's projects: outputs from their weights files, and what they keep of them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector import network, yolo_network
from detector.anchors import anchor_boxes
from detector.candidates import Kept
from detector.decode import decode
from detector.folding import FoldedOps
from detector.layers import LayerOps
from detector.nms import suppress
from detector.onednn import OneDnnOps, has_onednn
from detector.preprocess import normalise
from detector.sizes import ARTICLE_SIZES, YOLO_SIZES
from detector.yolo_decode import decode as decode_yolo
from detector.yolo_decode import decode_boxes as decode_yolo_boxes
from detector.yolo_decode import prior_boxes
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


def interpreted(short: str, interpreter: str) -> LayerOps:
    if interpreter == "onednn" and not has_onednn():
        pytest.skip("TensorFlow does not use oneDNN on this processor")
    return INTERPRETERS[interpreter](article.weights(short).arrays)


def in_their_order(by_anchor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[A, n], from the three shapes of each size to the three sizes of each shape."""
    cells = by_anchor.reshape(-1, 3, 3, by_anchor.shape[-1])
    return cells.swapaxes(1, 2)[:, [1, 0, 2]].reshape(by_anchor.shape)


@functools.cache
def efficientdet(interpreter: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scores [A, 20] and codes [A, 4] of the letterboxed scene, in their order."""
    ops = interpreted("d0", interpreter)

    @tf.function(autograph=False)
    def compute(pixels: Any) -> Any:
        x = normalise(pixels, tf.zeros([1, 4], tf.int32), EFFICIENTDET.pixels)
        return network.forward(ops, x, EFFICIENTDET, CLASSES)

    logits, codes = compute(tf.constant(article.letterboxed(512)[0]))
    scores = np.concatenate([tf.sigmoid(x).numpy().reshape(-1, CLASSES) for x in logits])
    by_anchor = np.concatenate([x.numpy().reshape(-1, 4) for x in codes])
    return in_their_order(scores), in_their_order(by_anchor)[:, [1, 0, 3, 2]]


@functools.cache
def yolo(interpreter: str) -> list[npt.NDArray[Any]]:
    """Raw outputs by level for the letterboxed scene."""
    ops = interpreted("yolo_b0", interpreter)

    @tf.function(autograph=False)
    def compute(pixels: Any) -> Any:
        x = normalise(pixels, tf.zeros([1, 4], tf.int32), YOLO.pixels)
        return yolo_network.forward(ops, x, YOLO, CLASSES)

    return [x.numpy()[0] for x in compute(tf.constant(article.letterboxed(416)[0]))]


def test_anchors_are_the_same_set_in_another_order() -> None:
    ours = in_their_order(anchor_boxes(512, EFFICIENTDET.levels, EFFICIENTDET.anchor_scale))
    theirs = article.outputs("d0")["anchors_xyxy"] * 512
    np.testing.assert_allclose(ours[::97][:, [1, 0, 3, 2]], theirs, atol=1e-4)


def test_the_scene_lies_where_it_lay_there() -> None:
    """Shape alone: the picture was scaled by PIL, and fits into the place that ours gives it."""
    for side, size in ((512, (512, 341)), (416, (416, 277))):
        assert article.letterboxed(side)[1].scaled_wh == size


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_efficientdet_gives_the_same_outputs(interpreter: str) -> None:
    golden = article.outputs("d0")
    scores, codes = efficientdet(interpreter)
    np.testing.assert_allclose(codes[::49], golden["regression"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(scores[::49], golden["classification"], rtol=0, atol=5e-5)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_yolo_gives_the_same_outputs(interpreter: str) -> None:
    golden = article.outputs("yolo_b0")
    for level, raw in zip(("P5", "P4", "P3"), yolo(interpreter), strict=True):
        step = int(golden[f"raw_{level}_stride"])
        np.testing.assert_allclose(raw[::step, ::step], golden[f"raw_{level}"], rtol=0, atol=2e-4)


@pytest.mark.parametrize("kind", ["letterbox", "resize"])
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


def test_yolo_keeps_the_same_boxes() -> None:
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
    np.testing.assert_array_equal(class_id[few], golden["kept_classes"])
    np.testing.assert_allclose(score[few], golden["kept_scores"], atol=1e-5)
    ours = article.to_scene(xyxy[few], 416, letterbox=True)
    np.testing.assert_allclose(ours, golden["kept_boxes_yxyx"], atol=0.05, rtol=1e-5)
