from __future__ import annotations

import itertools

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.answers.annotate import annotate, colour, encode_jpeg
from detector.detections import Detections

LABELS = ("person", "car", "traffic light")
BLACK = 0


def picture(width: int, height: int) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), BLACK, np.uint8)


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.linspace(0.9, 0.5, count, dtype=np.float32),
        (np.arange(count) % len(LABELS)).astype(np.int32),
    )


def is_colour(
    drawn: npt.NDArray[np.uint8], class_id: int, tolerance: int = 0
) -> npt.NDArray[np.bool_]:
    near = np.abs(drawn.astype(int) - colour(class_id)) <= tolerance
    return np.asarray(near.all(axis=2), np.bool_)


def test_the_given_picture_is_left_alone() -> None:
    plain = picture(320, 240)
    plain.flags.writeable = False
    drawn = annotate(plain, found((50, 60, 120, 200)), LABELS)
    assert not plain.any()
    assert drawn.any()


def test_nothing_found_draws_nothing() -> None:
    plain = picture(320, 240)
    np.testing.assert_array_equal(annotate(plain, Detections.none(), LABELS), plain)


def test_the_box_lies_where_the_detection_says() -> None:
    drawn = annotate(picture(320, 240), found((50, 60, 120, 200)), LABELS)
    line = is_colour(drawn, 0)
    for corner in ((60, 50), (60, 119), (199, 50), (199, 119)):  # y, x
        assert line[corner]
    assert not line[100:190, 60:110].any()


def test_boxes_follow_the_scale_of_a_smaller_picture() -> None:
    drawn = annotate(picture(320, 240), found((100, 120, 240, 400)), LABELS, scale=0.5)
    assert is_colour(drawn, 0)[60, 50]
    assert is_colour(drawn, 0)[199, 119]


@pytest.mark.parametrize(("width", "height"), [(320, 180), (640, 360), (1920, 1080), (3840, 2160)])
def test_lines_and_letters_grow_with_the_picture(width: int, height: int) -> None:
    box = (0.3 * width, 0.4 * height, 0.5 * width, 0.9 * height)
    line = is_colour(annotate(picture(width, height), found(box), LABELS), 0)
    left = int(box[0])
    thickness = int(line[int(0.7 * height), left - 40 : left + 40].sum())
    assert thickness == pytest.approx(height / 360, abs=2)
    label_rows = int(line[: int(box[1]), left + 2].sum())
    assert height / 50 < label_rows < height / 12 + 8


@pytest.mark.parametrize(
    "box", [(0, 0, 40, 40), (300, 0, 320, 20), (0, 220, 30, 240), (290, 200, 320, 240)]
)
def test_a_label_at_the_edge_stays_inside_the_picture(
    box: tuple[float, float, float, float],
) -> None:
    drawn = annotate(picture(320, 240), found(box), LABELS)
    (width, height), _ = cv2.getTextSize("person 90%", cv2.FONT_HERSHEY_SIMPLEX, 8 / 21, 1)
    assert int(is_colour(drawn, 0, tolerance=40).sum()) > width * height / 2


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    drawn = annotate(picture(640, 480), found((100, 200, 160, 300), (105, 201, 165, 301)), LABELS)
    alone = [annotate(picture(640, 480), found(box), LABELS) for box in ((100, 200, 160, 300),)]
    shown = int(is_colour(drawn, 0).sum())
    assert shown >= 0.95 * int(is_colour(alone[0], 0).sum())


def test_the_best_detection_is_drawn_on_top() -> None:
    same = (100.0, 100.0, 200.0, 200.0)
    drawn = annotate(picture(640, 480), found(same, same), LABELS)
    assert is_colour(drawn, 0)[150, 100]


def test_colours_are_stable_and_far_apart() -> None:
    assert colour(7) == colour(7)
    for one, other in itertools.combinations(range(12), 2):
        assert sum(abs(a - b) for a, b in zip(colour(one), colour(other), strict=True)) > 25


coordinate = st.floats(-5000, 5000, width=32)


@given(
    st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=4),
    st.sampled_from([(1, 1), (16, 300), (320, 240)]),
)
def test_any_box_on_any_picture_can_be_drawn(
    boxes: list[tuple[float, float, float, float]], size: tuple[int, int]
) -> None:
    drawn = annotate(picture(*size), found(*boxes), LABELS)
    assert drawn.shape == (size[1], size[0], 3)


def test_jpeg_comes_back_as_the_picture() -> None:
    grey = np.full((48, 64, 3), 128, np.uint8)
    back = cv2.imdecode(np.frombuffer(encode_jpeg(grey), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert back.shape == grey.shape
    assert np.abs(back.astype(int) - 128).max() <= 2


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 70_000, 3)])
def test_what_jpeg_cannot_hold_is_a_value_error(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be a JPEG"):
        encode_jpeg(np.zeros(shape, np.uint8))
