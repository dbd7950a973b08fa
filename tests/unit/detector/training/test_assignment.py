from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes
from detector.training import assignment
from detector.training.assignment import Assignment, Truth, assign

SIDE, CLASSES = 64, 3
ANCHORS = anchor_boxes(SIDE, range(3, 8), 4.0)
RULES = {"dynamic": assignment.dynamic, "aligned": assignment.aligned}
BOX, OTHER = (8.0, 8.0, 40.0, 40.0), (34.0, 30.0, 60.0, 62.0)


def truth(*boxes: Any, ignored: tuple[int, ...] = (), rows: int = 6) -> Truth:
    """One picture; all boxes are of class 1."""
    padded = np.zeros((1, rows, 4), np.float32)
    padded[0, : len(boxes)] = np.reshape(boxes, (-1, 4))
    classes = np.full((1, rows), -1, np.int32)
    classes[0, : len(boxes)] = 1
    regions = np.zeros((1, rows), bool)
    regions[0, list(ignored)] = True
    return Truth(*(tf.constant(x) for x in (padded, classes, regions)))


def assigned(rule: str, wanted: Truth, scores: Any = 0.1, boxes: Any = ANCHORS) -> Assignment:
    """With `scores` [A] (or for all) of class 1 and `boxes` [A, 4] that the network gives."""
    logits = np.full((1, len(ANCHORS), CLASSES), -9.0, np.float32)
    logits[0, :, 1] = np.log(scores) - np.log1p(-np.asarray(scores))
    given = tf.constant(np.asarray(boxes, np.float32)[None])
    found = assign(wanted, tf.constant(logits), given, ANCHORS, RULES[rule])
    return tf.nest.map_structure(lambda x: x.numpy()[0], found)


def overlaps(box: Any) -> Any:
    low, high = np.maximum(ANCHORS[:, :2], box[:2]), np.minimum(ANCHORS[:, 2:], box[2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    own = np.prod(np.subtract(box[2:], box[:2]))
    return shared / ((ANCHORS[:, 2:] - ANCHORS[:, :2]).prod(axis=1) + own - shared)


@pytest.mark.parametrize("rule", RULES)
def test_a_box_is_taught_to_few_anchors_that_answer_well(rule: str) -> None:
    found = assigned(rule, truth(BOX))
    taught = np.flatnonzero(found.match.box == 0)
    assert 1 <= len(taught) <= 10
    fit = overlaps(BOX)
    assert fit[taught].min() >= np.sort(fit)[-10] - 1e-6
    assert (found.match.box[np.setdiff1d(np.arange(len(ANCHORS)), taught)] == -1).all()


@pytest.mark.parametrize("rule", RULES)
def test_quality_is_that_of_the_box_at_best_and_nothing_elsewhere(rule: str) -> None:
    found = assigned(rule, truth(BOX))
    taught = found.match.box == 0
    assert found.quality.max() == pytest.approx(overlaps(BOX)[taught].max(), abs=1e-5)
    assert (found.quality[~taught] == 0).all()


def test_dynamic_takes_as_many_anchors_as_boxes_fit_together() -> None:
    fit = overlaps(BOX)
    exact = assigned("dynamic", truth(BOX), boxes=np.tile(np.float32(BOX), (len(ANCHORS), 1)))
    assert (exact.match.box == 0).sum() == 10
    usual = assigned("dynamic", truth(BOX))
    assert (usual.match.box == 0).sum() == int(np.sort(fit)[-10:].sum())


def test_aligned_asks_the_anchor_that_is_best_at_both_for_most() -> None:
    """Of anchors whose boxes are equally good, the one that is surer of the class."""
    near = np.argsort(-overlaps(BOX), kind="stable")[:5]
    scores = np.full(len(ANCHORS), 0.1)
    scores[near[3]] = 0.8
    found = assigned("aligned", truth(BOX), scores, np.tile(np.float32(BOX), (len(ANCHORS), 1)))
    assert found.quality.argmax() == near[3]
    assert found.quality[near[3]] == pytest.approx(1.0)
    assert found.quality[near[0]] == pytest.approx(0.125, rel=1e-3)


@pytest.mark.parametrize("rule", RULES)
def test_an_anchor_that_two_boxes_want_has_one(rule: str) -> None:
    shifted = (12.0, 8.0, 44.0, 40.0)
    found = assigned(rule, truth(BOX, shifted))
    assert {*found.match.box} == {-1, 0, 1}
    first = found.match.box == 0
    assert (overlaps(BOX)[first] >= overlaps(shifted)[first]).all()


@pytest.mark.parametrize("rule", RULES)
def test_the_rows_of_others_and_padding_change_nothing(rule: str) -> None:
    alone = assigned(rule, truth(BOX, rows=1))
    for wanted in (truth(BOX), truth(BOX, rows=9)):
        found = assigned(rule, wanted)
        np.testing.assert_array_equal(found.match.box, alone.match.box)
        np.testing.assert_allclose(found.quality, alone.quality)


@pytest.mark.parametrize("rule", RULES)
def test_a_picture_without_boxes_or_with_one_outside_teaches_background(rule: str) -> None:
    for wanted in (truth(), truth((900.0, 900.0, 950.0, 950.0))):
        found = assigned(rule, wanted)
        assert (found.match.box == -1).all()
        assert not found.match.ignored.any()
        assert (found.quality == 0).all()


@pytest.mark.parametrize("rule", RULES)
def test_anchors_in_an_ignored_region_are_ignored_unless_they_have_a_box(rule: str) -> None:
    found = assigned(rule, truth(BOX, (0.0, 0.0, 64.0, 64.0), ignored=(1,)))
    taught = found.match.box == 0
    assert taught.any()
    assert not (found.match.ignored & taught).any()
    inside = (ANCHORS >= 0).all(axis=1) & (ANCHORS <= SIDE).all(axis=1) & ~taught
    assert found.match.ignored[inside].all()
    assert not assigned(rule, truth(OTHER)).match.ignored.any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("score", [1e-30, 1 - 1e-7])
def test_numbers_stay_finite_whatever_the_network_says(rule: str, score: float) -> None:
    wild = np.tile(np.float32([-1e6, -1e6, 1e6, 1e6]), (len(ANCHORS), 1))
    for boxes in (ANCHORS, wild, np.zeros_like(ANCHORS)):
        found = assigned(rule, truth(BOX, OTHER), score, boxes)
        assert np.isfinite(found.quality).all()
        assert ((found.quality >= 0) & (found.quality <= 1)).all()
