"""Whatever border an object lies across, it comes back once, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from config.camera import DetectConfig
from daemon.capture.appearance import Orientation
from daemon.capture.picture import Letterboxer
from daemon.pipeline.frame import Row
from daemon.pipeline.merging import merged
from daemon.seats.view import View
from daemon.tracking.families import families
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox
from tests.support import markers
from tests.support.labelled import answer
from tests.support.markers import Box, at, iou, painted, stored_frame

SIDE = 128
SPEC = InputSpec(SIDE, SIDE)
LABELS = ("person", "car", "truck")
FAMILY = families(LABELS)
ALL = [Orientation.of_exif(number) for number in range(1, 9)]


def rows_of(
    wh: tuple[int, int], boxes: Sequence[Box], orientation: Orientation, squeeze: float,
    **detect: Any,
) -> list[Row]:  # fmt: skip
    frame, seen = stored_frame(painted(wh, boxes), orientation, squeeze=squeeze)
    view = View.of(DetectConfig.model_validate(detect))
    letterboxer = Letterboxer(SPEC)
    layout = view.layout(wh, side=SIDE, most_rows=64)
    return [letterboxer.scale(frame, seen, part) for part in layout.parts]


def looked_at(
    wh: tuple[int, int], boxes: Sequence[Box], *, orientation: Orientation = ALL[0],
    squeeze: float = 1.0, **detect: Any,
) -> list[list[float]]:  # fmt: skip
    """What is found in such a picture by a detector that is right about every row."""
    rows = rows_of(wh, boxes, orientation, squeeze, **detect)
    assert len(rows) > 2, "there should be tiles"
    places = [row.letterbox for row in rows]
    answers = [markers.found(row.pixels, row.letterbox) for row in rows]
    whole = merged(places, answers, families(("marker",)), most=100)
    boxes_found: list[list[float]] = whole.xyxy_px.tolist()
    return boxes_found


def check(found: list[list[float]], boxes: Sequence[Box]) -> None:
    assert len(found) == len(boxes), (found, boxes)
    for box in boxes:
        assert max(iou(each, box) for each in found) >= 0.9, (found, box)


@pytest.mark.parametrize("wh", [(641, 360), (363, 640)], ids=str)
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("overlap", [0.0, 0.2])
def test_over_every_border_and_corner(wh: tuple[int, int], full: bool, overlap: float) -> None:
    check_borders(wh, full=full, overlap=overlap)


@pytest.mark.parametrize("orientation", [ALL[1], ALL[2], ALL[5], ALL[6]], ids=str)
@pytest.mark.parametrize("squeeze", [2.0, 0.75])
def test_over_every_border_of_turned_and_anamorphic_pictures(
    orientation: Orientation, squeeze: float
) -> None:
    check_borders((363, 641), full=True, overlap=0.2, orientation=orientation, squeeze=squeeze)


def check_borders(
    wh: tuple[int, int], *, full: bool, overlap: float,
    orientation: Orientation = ALL[0], squeeze: float = 1.0,
) -> None:  # fmt: skip
    tiles = {"size": 200, "overlap": overlap, "full": full}
    view = View.of(DetectConfig.model_validate({"tiles": tiles}))
    parts = [part for part in view.layout(wh, side=SIDE, most_rows=64).parts if part]
    across = sorted({x for part in parts for x in part[::2]})
    down = sorted({y for part in parts for y in part[1::2]})
    for size in (16, 70):
        for x in across:
            for y in (down[len(down) // 2], (down[0] + down[1]) / 2):
                box = at(x, y, size, wh)
                found = looked_at(wh, [box], orientation=orientation, squeeze=squeeze, tiles=tiles)
                check(found, [box])


@pytest.mark.parametrize("orientation", ALL, ids=str)
@pytest.mark.parametrize("squeeze", [1.0, 2.0, 0.75])
def test_turned_mirrored_and_anamorphic_pictures(orientation: Orientation, squeeze: float) -> None:
    wh = (600, 402)
    boxes = [at(300, 200, 40, wh), at(150, 90, 24, wh), at(590, 395, 30, wh), at(430, 120, 60, wh)]
    found = looked_at(
        wh, boxes, orientation=orientation, squeeze=squeeze, tiles={"size": 220, "overlap": 0.2}
    )
    check(found, boxes)


@pytest.mark.parametrize("orientation", [ALL[0], ALL[5]], ids=str)
def test_tiles_of_a_crop(orientation: Orientation) -> None:
    wh, crop = (800, 450), [0.25, 0.2, 0.95, 0.9]
    inside = [at(420, 230, 40, wh), at(300, 150, 20, wh), at(700, 350, 30, wh)]
    outside = at(60, 40, 40, wh)
    found = looked_at(
        wh, [*inside, outside], orientation=orientation, crop=crop,
        tiles={"size": 220, "overlap": 0.2},
    )  # fmt: skip
    check(found, inside)


def test_what_the_whole_picture_shows_three_pixels_high_is_where_its_pieces_say() -> None:
    boxes = [(246, 343, 360, 359), (16, 343, 46, 359)]
    tiles = {"size": 196, "overlap": 0.2, "full": True}
    turned = Orientation(transposed=True, flip_x=True, flip_y=True)
    check(looked_at((691, 453), boxes, orientation=turned, squeeze=0.75, tiles=tiles), boxes)


def test_slivers_at_a_border_are_no_objects() -> None:
    boxes = [(89, 150, 117, 239)]
    tiles = {"size": 150, "overlap": 0.2, "full": False}
    turned = Orientation(transposed=False, flip_x=True, flip_y=True)
    check(looked_at((500, 300), boxes, orientation=turned, squeeze=2.0, tiles=tiles), boxes)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_anywhere(data: st.DataObject) -> None:
    wh = (data.draw(st.integers(500, 760), "width"), data.draw(st.integers(300, 500), "height"))
    boxes: list[Box] = []
    for _ in range(data.draw(st.integers(1, 4), "objects")):
        wide, high = data.draw(st.integers(16, 120)), data.draw(st.integers(16, 120))
        left = data.draw(st.integers(0, wh[0] - wide))
        top = data.draw(st.integers(0, wh[1] - high))
        box = (left, top, left + wide, top + high)
        around = (left - 12, top - 12, left + wide + 12, top + high + 12)
        if all(iou(around, other) == 0 for other in boxes):
            boxes.append(box)
    tiles = {
        "size": data.draw(st.integers(150, 240), "tile"),
        "overlap": data.draw(st.sampled_from([0.1, 0.2, 0.4]), "overlap"),
        "full": data.draw(st.booleans(), "full"),
    }
    orientation = data.draw(st.sampled_from(ALL), "orientation")
    squeeze = data.draw(st.sampled_from([1.0, 0.75, 1.4, 2.0]), "samples so wide")
    found = looked_at(wh, boxes, orientation=orientation, squeeze=squeeze, tiles=tiles)
    check(found, boxes)


WHOLE = Letterbox.fit((1000, 500), SPEC)
LEFT = Letterbox.fit((1000, 500), SPEC, (0.0, 0.0, 550.0, 500.0))
RIGHT = Letterbox.fit((1000, 500), SPEC, (450.0, 0.0, 1000.0, 500.0))
ROWS = [WHOLE, LEFT, RIGHT]
NOTHING = Detections.none()


def of(*answers: Detections, most: int = 100) -> list[tuple[list[float], float, int]]:
    found = merged(ROWS, answers, FAMILY, most=most)
    scores = [round(score, 3) for score in found.score.tolist()]
    return list(zip(found.xyxy_px.tolist(), scores, found.class_id.tolist(), strict=True))


def test_one_row_is_left_alone() -> None:
    found = answer(((10, 10, 20, 20), 0.9))
    assert merged([LEFT], [found], FAMILY, most=1) is found


def test_of_one_object_the_finest_box_and_the_surest_name_are_kept() -> None:
    found = of(
        answer(((98, 100, 162, 200), 0.9, 1)), answer(((100, 100, 150, 200), 0.6, 2)), NOTHING
    )
    assert found == [([100, 100, 150, 200], 0.9, 1)]


def test_two_that_a_row_tells_apart_stay_two() -> None:
    near = [((100, 100, 160, 200), 0.9), ((124, 100, 184, 200), 0.8)]
    assert len(of(answer(*near), answer(*near), NOTHING)) == 2
    assert len(of(answer(near[0]), answer(*near), NOTHING)) == 2


def test_a_box_around_several_that_a_finer_row_tells_apart_is_none() -> None:
    group = ((100, 100, 200, 220), 0.9)
    two = [((102, 110, 145, 215), 0.8), ((150, 104, 196, 218), 0.7)]
    assert len(of(answer(group), answer(*two), NOTHING)) == 2
    assert len(of(answer(group), answer(two[0]), NOTHING)) == 2, "one in front of another"
    across = [((480, 100, 520, 200), 0.8), ((440, 100, 475, 200), 0.8)]
    around = ((300, 90, 700, 210), 0.9)  # in no tile as a whole
    assert len(of(answer(around), answer(*across), NOTHING)) == 3


def test_other_labels_are_other_objects() -> None:
    box = (100, 100, 160, 200)
    assert len(of(answer((box, 0.9, 0)), answer((box, 0.8, 1)), NOTHING)) == 2


def test_a_piece_of_what_is_whole_elsewhere_is_no_object_however_sure() -> None:
    whole, piece = (480, 100, 600, 300), (480, 100, 550, 300)
    assert of(NOTHING, answer((piece, 0.95)), answer((whole, 0.6))) == [([*whole], 0.6, 0)]


def test_pieces_of_something_small_say_better_than_the_whole_picture_where_it_ends() -> None:
    coarse, left, right = (436, 100, 584, 180), (440, 104, 550, 176), (450, 104, 580, 176)
    found = of(answer((coarse, 0.9)), answer((left, 0.8)), answer((right, 0.7)))
    assert found == [([440, 104, 580, 176], 0.9, 0)]


def test_pieces_of_what_is_whole_nowhere_are_put_together() -> None:
    found = of(
        NOTHING, answer(((300, 100, 550, 300), 0.9, 2)), answer(((450, 104, 700, 300), 0.7, 1))
    )
    assert found == [([300, 100, 700, 300], 0.9, 2)]


def test_pieces_at_one_border_that_do_not_look_alike_stay_apart() -> None:
    found = of(NOTHING, answer(((300, 100, 550, 200), 0.9)), answer(((450, 220, 700, 400), 0.7)))
    assert len(found) == 2


def test_a_piece_without_another_one_is_told_as_it_is() -> None:
    assert of(NOTHING, answer(((500, 100, 550, 200), 0.9)), NOTHING)[0][0] == [500, 100, 550, 200]


def test_the_edge_of_the_picture_cuts_nothing_that_another_row_could_know() -> None:
    edge = (0, 0, 100, 80)
    assert of(NOTHING, answer((edge, 0.9)), NOTHING) == [([*edge], 0.9, 0)]


def test_no_more_than_wanted_the_best_first() -> None:
    many = [((n * 40, 10, n * 40 + 30, 40), 0.9 - n / 100) for n in range(10)]
    found = of(answer(*many), NOTHING, NOTHING, most=3)
    assert [score for _, score, _ in found] == [0.9, 0.89, 0.88]


def test_nothing_is_nothing() -> None:
    assert of(NOTHING, NOTHING, NOTHING) == []
