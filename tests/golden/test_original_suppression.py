"""What google/automl keeps of its own outputs: soft and hard, within and across classes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.boxes.decode import decode_boxes
from detector.boxes.selection import Nms, Selection
from detector.networks.sizes import SIZES
from tests.golden.recorded import DATA

pytestmark = pytest.mark.golden


@functools.cache
def recorded(short: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(DATA / f"{short}_suppression.npz") as file:
        return dict(file)


def candidates(short: str, picture: str) -> Candidates:
    """Every anchor that could be kept, best first."""
    golden, spec = recorded(short), SIZES[f"efficientdet-{short}"]
    logit = golden[f"{picture}/strong_logit"]
    order = np.argsort(-logit, kind="stable")
    anchors = anchor_boxes(spec.input_size, spec.levels, spec.anchor_scale)
    anchors = anchors[golden[f"{picture}/strong"]]
    xyxy = decode_boxes(tf.constant(golden[f"{picture}/strong_code"]), anchors)
    return Candidates(
        tf.gather(xyxy, order)[None],
        tf.sigmoid(logit[order])[None],
        tf.constant(golden[f"{picture}/strong_class"][order], tf.int32)[None],
    )


@pytest.mark.parametrize(("short", "picture"), [("d0", "A"), ("d0", "B"), ("lite0", "A")])
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
    short: str, picture: str, group: str, nms: Nms, threshold: float
) -> None:
    golden = recorded(short)
    kept = Selection(threshold, 0.5, 100, nms=nms)(candidates(short, picture), fixed_shapes=False)
    count = int(kept.count[0])
    scores = golden[f"{picture}/{group}/scores"]
    assert count == len(scores)
    np.testing.assert_allclose(kept.score[0, :count], scores, atol=1e-5)
    np.testing.assert_array_equal(
        kept.class_id[0, :count], golden[f"{picture}/{group}/classes"] - 1
    )
    xyxy = kept.xyxy[0, :count].numpy()
    if group.startswith("global"):
        xyxy = xyxy.clip(
            0, SIZES[f"efficientdet-{short}"].input_size
        )  # there, before scaling back; per class, not at all
    scaled = xyxy[:, [1, 0, 3, 2]] * golden[f"{picture}/image_scale"]
    np.testing.assert_allclose(scaled, golden[f"{picture}/{group}/boxes"], atol=1e-2)
