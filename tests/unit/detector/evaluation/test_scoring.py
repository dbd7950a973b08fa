"""Average precision in cases that can be computed by hand."""

from __future__ import annotations

import pytest

from detector.evaluation.scoring import HeightScore, score, score_by_height
from tests.support.labelled import Box, answer, sample

LABELS = ("person", "car")
A: Box = (10, 10, 60, 110)
B: Box = (200, 50, 260, 170)
AWAY: Box = (300, 200, 350, 290)
CROWD: Box = (280, 180, 390, 299)


def test_what_is_found_exactly_scores_one(capsys: pytest.CaptureFixture[str]) -> None:
    scores = score(LABELS, [sample(A, B, classes=[0, 1])], [answer((A, 0.9), (B, 0.3, 1))])
    assert (scores.ap, scores.ap50, scores.ap75) == pytest.approx((1, 1, 1))
    assert [of.boxes for of in scores.classes.values()] == [1, 1]
    assert capsys.readouterr() == ("", "")  # pycocotools likes to talk


@pytest.mark.parametrize("found", [answer(), answer((AWAY, 0.9)), answer((A, 0.9, 1))])
def test_what_is_not_found_scores_nothing(found: object) -> None:
    scores = score(LABELS, [sample(A)], [found])  # type: ignore[list-item]
    assert scores.ap == 0
    assert scores.classes["person"].ap50 == 0


def test_a_false_alarm_between_two_hits_costs_the_second_half_a_third() -> None:
    scores = score(LABELS, [sample(A, B)], [answer((A, 0.9), (AWAY, 0.8), (B, 0.7))])
    # Of COCO's 101 recalls those up to 0.50 have precision 1, the others 2/3.
    assert scores.ap == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_loose_box_counts_up_to_its_overlap() -> None:
    loose = (10, 10, 60, 72)  # 62 % of A
    scores = score(LABELS, [sample(A)], [answer((loose, 0.9))])
    assert (scores.ap, scores.ap50, scores.ap75) == pytest.approx((0.3, 1, 0))


def test_detections_in_an_ignored_region_count_neither_way() -> None:
    truth = sample(A, CROWD, ignored=[1])
    found = answer((AWAY, 0.9), ((310, 200, 360, 290), 0.8), (A, 0.5))
    scores = score(LABELS, [truth], [found])
    assert scores.ap == pytest.approx(1)
    assert scores.classes["person"].boxes == 1
    assert scores.verdicts[0].neutral.tolist() == [True, True, False]
    assert score(LABELS, [truth], [answer((A, 0.5))]).ap == pytest.approx(1)


def test_a_region_ignored_for_one_class_is_not_for_another() -> None:
    truth = sample(A, CROWD, ignored=[1])
    scores = score(LABELS, [truth, sample(B, classes=[1])], [answer((AWAY, 0.9, 1)), answer()])
    assert scores.verdicts[0].neutral.tolist() == [False]


def test_classes_without_boxes_have_no_precision_and_do_not_lower_the_average() -> None:
    scores = score(LABELS, [sample(A)], [answer((A, 0.9), (B, 0.9, 1))])
    assert scores.ap == pytest.approx(1)
    assert scores.classes["car"].ap is None
    assert score(LABELS, [sample()], [answer((A, 0.9))]).ap is None


def test_areas_are_told_apart_in_source_pixels() -> None:
    small, large = (5, 5, 25, 25), (100, 100, 300, 250)
    scores = score(LABELS, [sample(small, A, large)], [answer((small, 0.9), (A, 0.8))])
    averages = (scores.ap_small, scores.ap_medium, scores.ap_large)
    assert averages == pytest.approx((1, 1, 0))


def test_every_box_gets_its_verdict_in_its_own_picture() -> None:
    truths = [sample(A, B, classes=[1, 0]), sample(), sample(B, A)]
    found = [answer((B, 0.25), (A, 0.5)), answer((A, 0.75)), answer((AWAY, 0.9), (A, 0.125))]
    first, second, third = score(LABELS, truths, found).verdicts
    assert first.found_at.tolist() == [0, 0.25]
    assert first.right.tolist() == [True, False]
    assert second.right.tolist() == [False]
    assert third.found_at.tolist() == [0, 0.125]
    assert third.right.tolist() == [False, True]


def test_a_second_box_on_one_object_is_a_false_alarm() -> None:
    twice = answer((A, 0.9), ((12, 12, 60, 110), 0.8))
    assert score(LABELS, [sample(A)], [twice]).verdicts[0].right.tolist() == [True, False]


def test_heights_are_told_apart_in_pixels_of_the_input() -> None:
    tall, small = (5, 5, 25, 65), (100, 100, 110, 112)  # 60 and 12 high
    truths = [sample(tall, small), sample(tall)]
    found = [answer((tall, 0.9), (AWAY, 0.8)), answer((tall, 0.7))]
    halved = score_by_height(LABELS, truths, found, [0.5, 1.0])
    assert {name: of.boxes for name, of in halved.items() if of.boxes} == {
        "0-8": 1, "16-32": 1, "32-64": 1,
    }  # fmt: skip
    assert halved["0-8"].ap50 == 0
    assert (halved["16-32"].ap50, halved["16-32"].ap) == pytest.approx((1, 1))
    assert halved["256-"] == HeightScore(0, None, None)


def test_a_false_alarm_counts_against_the_height_it_has() -> None:
    low = (300, 200, 350, 220)  # 20 high
    scores = score_by_height(LABELS, [sample(A)], [answer((low, 0.9), (A, 0.8))], [1.0])
    assert scores["64-128"].ap50 == pytest.approx(1)
    high = (300, 100, 350, 190)
    scores = score_by_height(LABELS, [sample(A)], [answer((high, 0.9), (A, 0.8))], [1.0])
    assert scores["64-128"].ap50 == pytest.approx(0.5, abs=0.01)


def test_the_edge_of_two_heights_belongs_to_the_upper_one() -> None:
    truth, found = [sample((0, 0, 40, 64))], [answer(((0, 0, 40, 64), 0.9))]
    scores = score_by_height(LABELS, truth, found, [1.0])
    assert (scores["32-64"].boxes, scores["64-128"].boxes) == (0, 1)
    assert scores["32-64"].ap is None
    assert scores["64-128"].ap == pytest.approx(1)
