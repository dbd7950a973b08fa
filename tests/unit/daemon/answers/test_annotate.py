from __future__ import annotations

import itertools
import re

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.answers.annotate import annotate, encode_jpeg
from daemon.answers.colours import KNOWN, OTHERS, colour
from daemon.http.shell import STATIC
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
    near = np.abs(drawn.astype(int) - colour(LABELS[class_id])) <= tolerance
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
    assert 1 <= thickness <= max(1, round(height / 480)) + 1


def letters(drawn: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where something is written."""
    return np.asarray((drawn > 200).all(axis=2), np.bool_)


def test_a_label_lies_at_the_feet_of_its_box() -> None:
    drawn = annotate(picture(640, 480), found((100, 100, 200, 300)), LABELS)
    rows, columns = np.nonzero(letters(drawn))
    assert rows.min() > 270
    assert rows.max() < 320
    assert columns.min() >= 100


def test_a_label_never_hides_a_head_or_another_label() -> None:
    one, other = (100.0, 100.0, 160.0, 300.0), (110.0, 280.0, 170.0, 460.0)  # one behind the other
    drawn = annotate(picture(640, 480), found(one, other), LABELS)
    heads = letters(drawn)[280:343, 110:170]
    assert not heads.any()
    assert letters(drawn).any()


def test_where_there_is_no_room_for_a_label_there_is_none() -> None:
    crowd = [(10.0 * n, 0.0, 10.0 * n + 30, 240.0) for n in range(30)]
    drawn = annotate(picture(320, 240), found(*crowd), LABELS)
    assert not letters(drawn)[: int(240 * 0.3)].any()


def test_a_small_picture_has_boxes_and_no_labels() -> None:
    drawn = annotate(picture(280, 200), found((50, 60, 120, 180)), LABELS)
    assert is_colour(drawn, 0).any()
    assert not letters(drawn).any()


def test_the_page_has_the_same_colours() -> None:
    script = (STATIC / "colours.js").read_text()
    assert dict(re.findall(r"(\w+): \"(#\w{6})\"", script)) == KNOWN
    others = script.partition("OTHERS")[2].partition("]")[0]
    assert tuple(re.findall(r"#\w{6}", others)) == OTHERS


def test_the_best_detection_is_drawn_on_top() -> None:
    same = (100.0, 100.0, 200.0, 200.0)
    drawn = annotate(picture(640, 480), found(same, same), LABELS)
    assert is_colour(drawn, 0)[150, 100]


def test_colours_of_what_is_usual_are_far_apart_and_every_label_has_one() -> None:
    for one, other in itertools.combinations(KNOWN, 2):
        assert sum(abs(a - b) for a, b in zip(colour(one), colour(other), strict=True)) > 25
    assert colour("Fußgänger") == colour("Fußgänger")


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
