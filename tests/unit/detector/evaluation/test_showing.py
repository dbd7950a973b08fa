"""What is shown at the thresholds: boxes that are one too many."""

from __future__ import annotations

from collections.abc import Sequence

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.evaluation.scoring import score
from detector.evaluation.showing import Shown, shown
from tests.support.labelled import Box, answer, sample

LABELS = ("person", "car", "truck")
VEHICLES = ((1, 2),)
A: Box = (10, 10, 60, 110)
HALF_OF_A: Box = (10, 10, 60, 61)  # just above a half
PART_OF_A: Box = (10, 10, 60, 50)  # 40 %
NEAR_A: Box = (12, 10, 60, 110)
AWAY: Box = (300, 200, 350, 290)


def counted(
    samples: Sequence[Sample],
    found: Sequence[Detections],
    thresholds: Sequence[float] = (0.4, 0.4, 0.4),
    groups: Sequence[Sequence[int]] = (),
) -> Shown:
    verdicts = score(LABELS, samples, found).verdicts
    return shown(samples, found, verdicts, thresholds=thresholds, groups=groups)


def test_what_is_right_is_nothing_else() -> None:
    of = counted([sample(A, AWAY)], [answer((A, 0.9), (AWAY, 0.5))])
    assert of == Shown(
        pictures=1, objects=2, boxes=2, right=2, pairs=0, second=0, loose=0, empty=0, alarms=0
    )


def test_a_second_box_on_an_object_is_told_from_a_loose_one_and_from_a_pair() -> None:
    half = counted([sample(A)], [answer((A, 0.9), (HALF_OF_A, 0.5))])
    assert (half.right, half.pairs, half.second, half.loose) == (1, 1, 1, 0)
    part = counted([sample(A)], [answer((A, 0.9), (PART_OF_A, 0.5))])
    assert (part.right, part.pairs, part.second, part.loose) == (1, 0, 0, 1)
    away = counted([sample(A)], [answer((A, 0.9), (AWAY, 0.5))])
    assert (away.right, away.pairs, away.second, away.loose) == (1, 0, 0, 0)


def test_labels_of_one_group_are_one_object() -> None:
    truth, found = [sample(A, classes=[1])], [answer((A, 0.9, 1), (NEAR_A, 0.5, 2))]
    apart, together = counted(truth, found), counted(truth, found, groups=VEHICLES)
    assert (apart.pairs, apart.second) == (0, 0)
    assert (together.pairs, together.second) == (1, 1)
    person = counted(truth, [answer((A, 0.9, 1), (NEAR_A, 0.5, 0))], groups=VEHICLES)
    assert (person.pairs, person.second) == (0, 0)


def test_only_what_reaches_the_threshold_of_its_label_is_shown() -> None:
    found = [answer((A, 0.9), (NEAR_A, 0.5), (AWAY, 0.5, 1))]
    assert counted([sample(A)], found).boxes == 3
    strict = counted([sample(A)], found, thresholds=(0.6, 0.5, 0.4))
    assert (strict.boxes, strict.pairs, strict.right) == (2, 0, 1)


def test_false_alarms_are_counted_where_nothing_is_labelled() -> None:
    samples = [sample(), sample(), sample(A, ignored=[0]), sample(A)]
    found = [answer((A, 0.9), (AWAY, 0.8), (A, 0.1)), answer(), answer((AWAY, 0.9)), answer()]
    of = counted(samples, found)
    assert (of.pictures, of.empty, of.alarms, of.objects) == (4, 2, 2, 1)


def test_what_lies_in_an_ignored_region_is_no_mistake() -> None:
    of = counted([sample(A, ignored=[0])], [answer((A, 0.9), (NEAR_A, 0.8))])
    assert (of.objects, of.right, of.second, of.loose) == (0, 0, 0, 0)
