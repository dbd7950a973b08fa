"""Groups of classes, curves and the threshold to show by, and labels that do not match."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.evaluation.curves import Best, best_f1
from detector.evaluation.figures import difference, difference_table, figures_of, table
from detector.evaluation.groups import merge_detections
from detector.evaluation.labels import (
    judged,
    renumber_detections,
    renumber_sample,
    shared_labels,
)
from detector.evaluation.measuring import Measurement, measure
from tests.support.labelled import Box, answer, sample

LABELS = ("person", "car", "truck")
VEHICLE = {"vehicle": ("car", "truck")}
A: Box = (10, 10, 60, 110)
B: Box = (200, 50, 260, 170)
AWAY: Box = (300, 200, 350, 290)


def measured_vans() -> Measurement:
    """A truck that is taken for a car first, and a car taken for a truck."""
    truths = [sample(A, classes=[2]), sample(B, classes=[1])]
    found = [answer((A, 0.9, 1), ((12, 10, 60, 110), 0.8, 2)), answer((B, 0.7, 2))]
    return measure(LABELS, truths, found, VEHICLE)


def test_in_a_group_it_does_not_matter_what_an_object_is_taken_for() -> None:
    measured = measured_vans()
    assert measured.scores.classes["car"].ap50 == 0
    assert measured.groups["vehicle"].ap50 == pytest.approx(1)
    assert measured.groups["vehicle"].boxes == 2


def test_a_group_keeps_the_best_of_boxes_on_one_object_and_all_others() -> None:
    found = answer((B, 0.5, 1), (A, 0.8, 2), ((12, 10, 60, 110), 0.9, 1), (A, 0.99, 0))
    merged = merge_detections(found, [1, 2])
    np.testing.assert_allclose(merged.score, [0.9, 0.5])
    np.testing.assert_array_equal(merged.xyxy_px, [(12, 10, 60, 110), B])
    assert merged.class_id.tolist() == [0, 0]
    half = answer(((0, 0, 10, 10), 0.9, 1), ((0, 0, 10, 5), 0.8, 2))  # an overlap of exactly 0.5
    assert len(merge_detections(half, [1, 2])) == 2


def test_regions_ignored_for_a_member_are_ignored_for_the_group() -> None:
    truths = [sample(A, B, classes=[1, 2], ignored=[1])]
    measured = measure(LABELS, truths, [answer((B, 0.9, 2), (A, 0.5, 1))], VEHICLE)
    assert measured.groups["vehicle"].ap50 == pytest.approx(1)
    assert measured.groups["vehicle"].boxes == 1


def test_the_threshold_to_show_by_balances_misses_and_false_alarms() -> None:
    found = answer((A, 0.9), (AWAY, 0.75), (B, 0.5), ((0, 200, 50, 290), 0.25))
    measured = measure(LABELS, [sample(A, B)], [found], {})
    curve = measured.curves["person"]
    np.testing.assert_allclose(curve.recall, [0.5, 0.5, 1, 1])
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3, 1 / 2])
    assert best_f1(curve) == Best(pytest.approx(0.8), 0.5)


def test_neutral_detections_and_classes_without_boxes_are_in_no_curve() -> None:
    truths = [sample(A, B, ignored=[1])]
    measured = measure(LABELS, truths, [answer((B, 0.9), (A, 0.5), (AWAY, 0.4, 1))], {})
    assert measured.curves["person"].score.tolist() == [0.5]
    assert measured.curves["car"].score.tolist() == []
    assert best_f1(measured.curves["car"]) is None
    assert best_f1(measure(LABELS, [sample(A)], [answer((B, 0.9))], {}).curves["person"]) is None


def test_figures_and_tables_say_the_same() -> None:
    facts = {
        "model": "efficientdet-lite0", "weights": "x/mine.safetensors", "weights_sha256": "ab" * 32,
        "input_size": 320, "precision": "float32", "latency_ms": {"batch_1": 7.0, "batch_8": 5.5},
    }  # fmt: skip
    ours = facts | figures_of(measured_vans())
    assert ours["groups"]["vehicle"] == {
        "ap50": pytest.approx(1), "boxes": 2, "best_f1": pytest.approx(1),
        "threshold": pytest.approx(0.7),
    }  # fmt: skip
    text = table(ours)
    assert "mine.safetensors (abababababab): efficientdet-lite0, 320 pixels, float32" in text
    assert "vehicle                2       –   1.000     1.000     0.700" in text
    assert "person                 0       –       –         –         –" in text
    assert "ms per image: 7.0 at batch 1, 5.5 at batch 8" in text


def test_a_difference_is_what_the_first_has_more() -> None:
    nothing = measure(LABELS, [sample(A, classes=[2])], [answer()], VEHICLE)
    times = {"latency_ms": {"batch_1": 7.0}}
    gained = difference(
        figures_of(measured_vans()) | times, figures_of(nothing) | {"latency_ms": {"batch_1": 4.0}}
    )
    assert gained["groups"]["vehicle"]["ap50"] == pytest.approx(1)
    assert gained["classes"]["person"] == {"ap": None, "ap50": None}
    assert gained["latency_ms"] == {"batch_1": 3.0}
    assert "vehicle                        –  +1.000" in difference_table(gained)


def test_labels_are_matched_by_name_and_others_left_out() -> None:
    model = ("truck", "boat", "person")
    shared = shared_labels(LABELS, model)
    assert shared == ("person", "truck")
    truth = renumber_sample(sample(A, B, AWAY, classes=[1, 2, 0], ignored=[1]), LABELS, shared)
    assert truth.classes.tolist() == [1, 0]
    assert truth.ignored.tolist() == [True, False]
    found = renumber_detections(answer((A, 0.9, 1), (B, 0.8, 0), (AWAY, 0.7, 2)), model, shared)
    assert found.class_id.tolist() == [1, 0]
    np.testing.assert_array_equal(found.xyxy_px, [B, AWAY])


def test_a_class_that_nobody_looked_for_counts_neither_way() -> None:
    partly = replace(sample(A, classes=[1]), unlabelled=(0, 2))
    truth = renumber_sample(partly, LABELS, ("truck", "car"))
    assert truth.unlabelled == (0,)
    found = judged(answer((A, 0.9, 1), (A, 0.8, 0), (B, 0.7, 0)), truth)
    assert found.class_id.tolist() == [1]
    np.testing.assert_array_equal(found.xyxy_px, [A])
    assert len(judged(found, replace(truth, unlabelled=()))) == 1
