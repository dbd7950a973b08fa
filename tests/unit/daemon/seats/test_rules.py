"""Which detections a camera reports."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.camera import CameraConfig
from daemon.seats.rules import CameraRules, ObjectRules, lowest_scores
from daemon.tracking.polygon import Area
from detector.detections import Detections

LABELS = ("person", "car", "dog")
PICTURE = (200, 100)
LOWER_HALF = [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]


def camera(
    objects: dict[str, object] | None = None, roi: list[list[float]] | None = None
) -> CameraConfig:
    return CameraConfig.model_validate(
        {"url": "synthetic://200x100", "objects": objects or {}, "detect": {"roi": roi}}
    )


def detections(*rows: tuple[str, float, tuple[float, float, float, float]]) -> Detections:
    labels, scores, boxes = zip(*rows, strict=True)
    return Detections(
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array([LABELS.index(label) for label in labels], np.int32),
    )


def scored(*rows: tuple[str, float]) -> Detections:
    return detections(*((label, score, (10, 10, 30, 30)) for label, score in rows))


def kept(config: CameraConfig, found: Detections, *, threshold: float = 0.4) -> list[int]:
    """Indices of the rows that the rules leave."""
    left = ObjectRules(config, LABELS, thresholds=[threshold] * 3).apply(found, PICTURE)
    rows = {
        (*found.xyxy_px[i].tolist(), float(found.score[i]), int(found.class_id[i])): i
        for i in range(len(found))
    }
    return [
        rows[(*box, score, class_id)]
        for box, score, class_id in zip(
            left.xyxy_px.tolist(), left.score.tolist(), left.class_id.tolist(), strict=True
        )
    ]


def test_without_rules_everything_above_the_threshold_is_reported() -> None:
    found = scored(("person", 0.9), ("car", 0.4), ("dog", 0.39))
    assert kept(camera(), found) == [0, 1]


def test_an_empty_answer_stays_empty() -> None:
    rules = ObjectRules(camera(roi=LOWER_HALF), LABELS, thresholds=[0.4] * 3)
    assert len(rules.apply(Detections.none(), PICTURE)) == 0


def test_only_tracked_labels_are_reported() -> None:
    found = scored(("person", 0.9), ("car", 0.8), ("dog", 0.7), ("car", 0.6))
    assert kept(camera({"labels": ["car", "dog"]}), found) == [1, 2, 3]


def test_a_filter_does_not_track_its_label() -> None:
    config = camera({"labels": ["car"], "filters": {"person": {"min_score": 0.1}}})
    assert kept(config, scored(("person", 1.0), ("car", 0.5))) == [1]


def test_min_score_replaces_the_threshold_upwards_and_downwards() -> None:
    config = camera({"filters": {"person": {"min_score": 0.8}, "dog": {"min_score": 0.2}}})
    found = scored(("person", 0.79), ("person", 0.8), ("car", 0.4), ("dog", 0.2), ("dog", 0.19))
    assert kept(config, found) == [1, 2, 3]


def test_a_min_score_of_zero_is_a_min_score() -> None:
    config = camera({"filters": {"person": {"min_score": 0.0}}})
    assert kept(config, scored(("person", 0.0))) == [0]


def test_area_is_a_fraction_of_the_picture_and_its_bounds_are_inside() -> None:
    config = camera({"filters": {"person": {"min_area": 0.01, "max_area": 0.25}}})
    found = detections(
        ("person", 0.9, (0, 0, 20, 9)),  # 0.009
        ("person", 0.8, (0, 0, 20, 10)),  # 0.01
        ("person", 0.7, (0, 0, 100, 50)),  # 0.25
        ("person", 0.6, (0, 0, 100, 51)),  # 0.255
        ("car", 0.5, (0, 0, 1, 1)),
    )
    assert kept(config, found) == [1, 2, 4]


def test_ratio_is_width_over_height_in_pixels() -> None:
    config = camera({"filters": {"person": {"min_ratio": 0.5, "max_ratio": 2.0}}})
    found = detections(
        ("person", 0.9, (0, 0, 9, 20)),
        ("person", 0.8, (0, 0, 10, 20)),
        ("person", 0.7, (0, 0, 40, 20)),
        ("person", 0.6, (0, 0, 41, 20)),
        ("car", 0.5, (0, 0, 100, 1)),
    )
    assert kept(config, found) == [1, 2, 4]


def test_a_box_without_height_is_wide_not_a_fault() -> None:
    config = camera({"filters": {"person": {"max_ratio": 3.0}}})
    assert kept(config, detections(("person", 0.9, (0, 50, 10, 50)))) == []


def test_the_whole_picture_passes_the_default_limits() -> None:
    config = camera({"filters": {"person": {"min_area": 0.5}}})
    assert kept(config, detections(("person", 0.9, (0, 0, *PICTURE)))) == [0]


def test_an_object_counts_where_it_stands() -> None:
    found = detections(
        ("person", 0.9, (10, 10, 30, 49)),  # feet above
        ("person", 0.8, (10, 10, 30, 51)),  # feet inside, middle above
        ("car", 0.7, (150, 60, 199, 90)),
    )
    assert kept(camera(roi=LOWER_HALF), found) == [1, 2]


def test_a_region_to_the_lower_edge_holds_objects_that_the_edge_cuts_off() -> None:
    found = detections(("person", 0.9, (10, 40, 30, 100)), ("person", 0.8, (170, 40, 200, 100)))
    assert kept(camera(roi=LOWER_HALF), found) == [0, 1]


def test_a_region_that_is_the_whole_picture_holds_everything() -> None:
    whole = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    found = detections(
        ("person", 0.9, (0, 0, 0, 0)),
        ("person", 0.8, (200, 100, 200, 100)),
        ("person", 0.7, (0, 0, 200, 100)),
    )
    assert kept(camera(roi=whole), found) == [0, 1, 2]


def test_a_region_with_a_notch_leaves_the_notch_out() -> None:
    notched = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.25], [0.0, 1.0]]
    found = detections(("person", 0.9, (90, 0, 110, 50)), ("person", 0.8, (10, 0, 30, 50)))
    assert kept(camera(roi=notched), found) == [1]


def test_the_order_of_what_is_left_is_kept() -> None:
    config = camera({"filters": {"car": {"min_score": 0.6}}})
    found = scored(("dog", 0.9), ("car", 0.5), ("person", 0.45), ("dog", 0.41))
    assert kept(config, found) == [0, 2, 3]


def test_rules_hold_together() -> None:
    config = camera(
        {"labels": ["person"], "filters": {"person": {"min_area": 0.01}}}, roi=LOWER_HALF
    )
    found = detections(
        ("person", 0.9, (0, 40, 40, 80)),
        ("person", 0.85, (0, 0, 40, 40)),  # above the region
        ("person", 0.8, (0, 70, 2, 80)),  # too small
        ("car", 0.7, (0, 40, 40, 80)),  # not tracked
        ("person", 0.3, (0, 40, 40, 80)),  # too weak
    )
    assert kept(config, found) == [0]


def test_the_detector_keeps_what_anybody_asks_for() -> None:
    low = camera({"filters": {"dog": {"min_score": 0.2}, "car": {"min_score": 0.9}}})
    high = camera({"filters": {"dog": {"min_score": 0.8}, "person": {"min_area": 0.1}}})
    assert lowest_scores([]) == lowest_scores([camera()]) == {}
    assert lowest_scores([high, low, camera()]) == {"dog": 0.2, "car": 0.9}
    assert lowest_scores([low, high]) == lowest_scores([high, low])


def test_each_label_has_the_models_threshold_unless_one_is_stated_for_all() -> None:
    found = scored(("person", 0.5), ("car", 0.5), ("dog", 0.5))
    own = (0.6, 0.5, 0.4)
    by_model = CameraRules(camera(), score_threshold=None)
    assert by_model.of(LABELS, own).apply(found, PICTURE).class_id.tolist() == [1, 2]
    assert by_model.of(LABELS, own) is by_model.of(LABELS, own)
    assert by_model.of(LABELS, (0.5, 0.6, 0.6)).apply(found, PICTURE).class_id.tolist() == [0]
    stated = CameraRules(camera(), score_threshold=0.45)
    assert len(stated.of(LABELS, own).apply(found, PICTURE)) == 3
    asked = camera({"filters": {"person": {"min_score": 0.1}, "car": {"min_score": 0.9}}})
    filtered = CameraRules(asked, score_threshold=None)
    assert filtered.of(LABELS, own).apply(found, PICTURE).class_id.tolist() == [0, 2]


# Corners on whole numbers and points on half numbers: no rounding on either side decides.
corners = st.tuples(st.integers(0, 16), st.integers(0, 16))
points = st.tuples(st.integers(0, 32), st.integers(0, 32)).map(
    lambda p: (Fraction(p[0], 2), Fraction(p[1], 2))
)
Exact = tuple[Fraction, Fraction]


def on_edge(point: Exact, start: tuple[int, int], end: tuple[int, int]) -> bool:
    (x, y), (x1, y1), (x2, y2) = point, start, end
    level = (x2 - x1) * (y - y1) == (y2 - y1) * (x - x1)
    return level and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)


def naively_inside(point: Exact, polygon: list[tuple[int, int]]) -> bool:
    """Count edges below the point, one by one and exactly; the code counts those to its right."""
    x, y = point
    below = False
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (x1 > x) != (x2 > x):
            below ^= y > y1 + Fraction(y2 - y1, x2 - x1) * (x - x1)
    return below


@given(st.lists(corners, min_size=3, max_size=9), st.lists(points, min_size=1, max_size=20))
def test_inside_agrees_with_counting_by_hand(
    polygon: list[tuple[int, int]], wanted: list[Exact]
) -> None:
    edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    clear = [p for p in wanted if not any(on_edge(p, *edge) for edge in edges)]
    assume(clear)
    found = Area(np.array(polygon, np.float32)).has(np.array(clear, np.float32))
    assert found.tolist() == [naively_inside(point, polygon) for point in clear]


@pytest.mark.parametrize("turns", range(4))
def test_it_does_not_matter_at_which_corner_a_region_begins(turns: int) -> None:
    polygon = np.roll(np.array(LOWER_HALF, np.float32), turns, axis=0)
    probe = np.array([[0.5, 0.75], [0.5, 0.25]], np.float32)
    assert Area(polygon).has(probe).tolist() == [True, False]
