"""Trained weights: earlier ones against another implementation of the network, and those that are
bundled in bfloat16 against float32.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes
from detector.boxes.decode import decode_boxes
from detector.boxes.nms import suppress
from detector.build import build_detector
from detector.graph.efficientdet import EfficientDet
from detector.graph.folding import FoldedOps
from detector.networks.efficientdet import forward, variables
from detector.networks.sizes import SIZES
from detector.spec import DetectorSpec
from detector.weights.bundled import resolve
from detector.weights.native import Weights, load
from tests.golden import recorded

pytestmark = pytest.mark.golden

SPEC = SIZES["efficientdet-lite0"]
LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


class ByAnchor(NamedTuple):
    """Raw answers to several frames."""

    logits: npt.NDArray[np.float32]  # [B, A, 6]
    codes: npt.NDArray[np.float32]  # [B, A, 4]


BUNDLED = resolve(SPEC.name, "bundled")


@functools.cache
def weights(path: Path = recorded.INTERIM) -> Weights:
    return load(path, variables(SPEC, len(LABELS)))


def family(side: int) -> EfficientDet:
    return EfficientDet(SPEC, num_classes=len(LABELS), input_size=side)


@functools.cache
def raw(side: int, every: int, dtype: str = "float32", path: Path = recorded.INTERIM) -> ByAnchor:
    """The network on every so many frames of the clip, scaled without rounding."""
    ours = family(side)
    pictures = [recorded.letterboxed(x, ours.input_spec) for x in recorded.clip_frames(every)]

    @tf.function(autograph=False)
    def compute(pixels: Any, content: Any) -> Any:
        x = ours.normalise(pixels, content)
        return forward(FoldedOps(weights(path).arrays, dtype), x, SPEC, len(LABELS))

    logits, codes = compute(
        np.stack([pixels for pixels, _ in pictures]),
        recorded.content_xyxy([box for _, box in pictures]),
    )
    by_anchor = (
        np.concatenate([x.numpy().reshape(len(pictures), -1, last) for x in levels], axis=1)
        for levels, last in ((logits, len(LABELS)), (codes, 4))
    )
    return ByAnchor(*by_anchor)


def test_labels_are_the_six_street_classes() -> None:
    assert weights(BUNDLED).description.labels == LABELS


def test_raw_outputs_of_the_best_anchors_match() -> None:
    for ours_logits, ours_codes, frame in zip(
        *raw(320, 100), recorded.street()["320"], strict=True
    ):
        for anchor in frame["anchors"]:
            np.testing.assert_allclose(ours_logits[anchor["index"]], anchor["logits"], atol=5e-3)
            np.testing.assert_allclose(ours_codes[anchor["index"]], anchor["code"], atol=5e-3)


@pytest.mark.parametrize("side", [320, 448])
def test_detections_match(side: int) -> None:
    ours = family(side)
    pictures = [recorded.letterboxed(x, ours.input_spec) for x in recorded.clip_frames(100)]

    @tf.function(autograph=False)
    def compute(pixels: Any, content: Any) -> Any:
        x = ours.normalise(pixels, content)
        found = ours.candidates(ours.outputs(FoldedOps(weights().arrays), x), 1024)
        return suppress(found, score_threshold=0.3, iou_threshold=0.5, max_detections=100)

    kept = compute(
        np.stack([pixels for pixels, _ in pictures]),
        recorded.content_xyxy([box for _, box in pictures]),
    )
    for row, (frame, (_, box)) in enumerate(
        zip(recorded.street()[str(side)], pictures, strict=True)
    ):
        count = int(kept.count[row])
        assert [LABELS[i] for i in kept.class_id[row, :count].numpy()] == frame["labels"]
        np.testing.assert_allclose(kept.score[row, :count], frame["scores"], atol=1e-3)
        boxes = box.to_source(kept.xyxy[row, :count].numpy())
        np.testing.assert_allclose(boxes, frame["boxes"], atol=1.0)


@pytest.mark.parametrize("side", [320, 512])
def test_bfloat16_changes_scores_and_boxes_of_an_anchor_little(side: int) -> None:
    """Anchor by anchor: between two nearly equal boxes, suppression may choose the other one."""
    exact, short = (raw(side, 20, dtype, BUNDLED) for dtype in ("float32", "bfloat16"))
    anchors = anchor_boxes(side, SPEC.levels, SPEC.anchor_scale)
    scores, short_scores = (1 / (1 + np.exp(-x.logits)) for x in (exact, short))
    seen = scores.max(-1) >= 0.3  # [B, A]
    assert seen.sum() > 300
    assert np.abs(scores - short_scores)[seen].max() < 0.02
    boxes, short_boxes = (decode_boxes(x.codes, anchors).numpy()[seen] for x in (exact, short))
    overlap = np.array(
        [recorded.iou(a[None], b[None])[0, 0] for a, b in zip(boxes, short_boxes, strict=True)]
    )
    assert np.quantile(overlap, 0.005) > 0.98
    assert overlap.min() > 0.975


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_the_built_detector_finds_what_was_recorded(precision: str) -> None:
    """From bytes, as cameras deliver them; everything well above the threshold is found."""
    detector = build_detector(
        DetectorSpec(
            name="efficientdet-lite0",
            weights=recorded.INTERIM,
            score_threshold=0.3,
            iou_threshold=0.5,
            max_detections=100,
            max_batch=4,
            precision=precision,
        )
    )
    pictures = [recorded.letterboxed(x, detector.input_spec) for x in recorded.clip_frames(100)]
    batch = np.zeros((4, 320, 320, 3), np.uint8)
    batch[:3] = [np.rint(pixels) for pixels, _ in pictures]
    answers = detector.detect(batch, [box for _, box in pictures])
    for answer, frame in zip(answers, recorded.street()["320"], strict=True):
        overlap = recorded.iou(np.array(frame["boxes"], np.float32), answer.xyxy_px)
        for label, score, row in zip(frame["labels"], frame["scores"], overlap, strict=True):
            if score >= 0.4:
                same = answer.class_id == LABELS.index(label)
                match = np.argmax(row * same)
                assert row[match] > 0.95
                assert answer.score[match] == pytest.approx(score, abs=0.03)
