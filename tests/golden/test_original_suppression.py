"""What google/automl keeps of its own D0 outputs: soft and hard, within and across classes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.anchors import anchor_boxes
from detector.candidates import Candidates
from detector.decode import decode_boxes
from detector.selection import Nms, Selection
from tests.golden.recorded import DATA

pytestmark = pytest.mark.golden

SIDE = 512


@functools.cache
def recorded() -> dict[str, npt.NDArray[Any]]:
    with np.load(DATA / "d0_suppression.npz") as file:
        return dict(file)


def candidates(picture: str) -> Candidates:
    """Every anchor that could be kept, best first."""
    golden = recorded()
    logit = golden[f"{picture}/strong_logit"]
    order = np.argsort(-logit, kind="stable")
    anchors = anchor_boxes(SIDE, range(3, 8), 4.0)[golden[f"{picture}/strong"]]
    xyxy = decode_boxes(tf.constant(golden[f"{picture}/strong_code"]), anchors)
    return Candidates(
        tf.gather(xyxy, order)[None],
        tf.sigmoid(logit[order])[None],
        tf.constant(golden[f"{picture}/strong_class"][order], tf.int32)[None],
    )


@pytest.mark.parametrize("picture", ["A", "B"])
@pytest.mark.parametrize(
    ("group", "nms", "threshold"),
    [
        ("global_gaussian", "soft-agnostic", 0.001),
        ("perclass_gaussian", "soft", 0.001),
        ("global_hard_t03", "agnostic", 0.3),
        ("perclass_hard_t03", "hard", 0.3),
    ],
)
def test_the_same_boxes_are_kept_in_the_same_order(
    picture: str, group: str, nms: Nms, threshold: float
) -> None:
    golden = recorded()
    kept = Selection(threshold, 0.5, 100, nms=nms)(candidates(picture), fixed_shapes=False)
    count = int(kept.count[0])
    scores = golden[f"{picture}/{group}/scores"]
    assert count == len(scores)
    np.testing.assert_allclose(kept.score[0, :count], scores, atol=1e-5)
    np.testing.assert_array_equal(
        kept.class_id[0, :count], golden[f"{picture}/{group}/classes"] - 1
    )
    xyxy = kept.xyxy[0, :count].numpy()
    if group.startswith("global"):
        xyxy = xyxy.clip(0, SIDE)  # there, before scaling back; per class, not at all
    scaled = xyxy[:, [1, 0, 3, 2]] * golden[f"{picture}/image_scale"]
    np.testing.assert_allclose(scaled, golden[f"{picture}/{group}/boxes"], atol=1e-2)
