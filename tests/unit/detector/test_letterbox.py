from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.letterbox import InputSpec, Letterbox

TOP_LEFT = InputSpec(320, 320)
CENTER = InputSpec(416, 416, "center", (128, 128, 128))
STRETCH = InputSpec(416, 416, "stretch")


@pytest.mark.parametrize(
    ("source", "spec", "scaled", "offset"),
    [
        ((768, 576), TOP_LEFT, (320, 240), (0, 0)),
        ((640, 427), TOP_LEFT, (320, 213), (0, 0)),
        ((100, 400), CENTER, (104, 416), (156, 0)),
        ((640, 427), CENTER, (416, 277), (0, 69)),
        ((49, 49), InputSpec(1, 1, "center"), (1, 1), (0, 0)),  # truncates to nothing in Python
        ((100, 400), STRETCH, (416, 416), (0, 0)),
        ((5000, 1), TOP_LEFT, (320, 1), (0, 0)),
    ],
)
def test_the_largest_fit_lies_where_the_model_wants_it(
    source: tuple[int, int], spec: InputSpec, scaled: tuple[int, int], offset: tuple[int, int]
) -> None:
    box = Letterbox.fit(source, spec)
    assert (box.scaled_wh, box.offset_xy) == (scaled, offset)


@given(
    st.integers(1, 8000), st.integers(1, 8000), st.sampled_from([TOP_LEFT, CENTER, STRETCH]),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_a_point_of_the_source_comes_back(
    width: int, height: int, spec: InputSpec, across: float, down: float
) -> None:
    box = Letterbox.fit((width, height), spec)
    point = np.array([across * width, down * height], np.float32)
    placed = point / np.float32(box.scale_xy) + np.float32(box.offset_xy)
    back = box.to_source(np.concatenate([placed, placed])[None].astype(np.float32))
    np.testing.assert_allclose(back[0, :2], point, atol=0.01)


def test_boxes_are_clipped_to_the_picture() -> None:
    box = Letterbox.fit((768, 576), TOP_LEFT)
    clipped = box.to_source(np.float32([[-5, -5, 400, 400]]))
    np.testing.assert_array_equal(clipped, np.float32([[0, 0, 768, 576]]))
    assert clipped.dtype == np.float32


@pytest.mark.parametrize("source", [(0, 5), (5, 0)])
def test_an_empty_picture_is_refused(source: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no pixels"):
        Letterbox.fit(source, TOP_LEFT)


@pytest.mark.parametrize("spec", [TOP_LEFT, CENTER, STRETCH])
def test_a_part_has_its_own_place_and_boxes_lie_in_the_whole(spec: InputSpec) -> None:
    box = Letterbox.fit((1920, 1080), spec, (480.0, 270.0, 1120.0, 630.0))
    assert box.source_wh == (1920, 1080)
    assert not box.is_whole
    content = np.array([box.content_xyxy], np.float32)
    assert box.to_source(content)[0].tolist() == [480, 270, 1120, 630]
    middle = (content[0, :2] + content[0, 2:]) / 2
    halved = np.array([[*content[0, :2], *middle]], np.float32)
    assert np.abs(box.to_source(halved)[0] - [480, 270, 800, 450]).max() < 1e-3


def test_boxes_end_where_the_part_ends() -> None:
    box = Letterbox.fit((640, 480), TOP_LEFT, (100.0, 100.0, 200.0, 200.0))
    everywhere = np.array([[-50, -50, 1000, 1000]], np.float32)
    assert box.to_source(everywhere)[0].tolist() == [100, 100, 200, 200]


def test_a_part_that_is_everything_is_the_whole_picture() -> None:
    whole = Letterbox.fit((641, 361), TOP_LEFT)
    assert Letterbox.fit((641, 361), TOP_LEFT, (0.0, 0.0, 641.0, 361.0)) == whole
    assert whole.is_whole


def test_a_part_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="has no pixels"):
        Letterbox.fit((640, 480), TOP_LEFT, (10.0, 10.0, 10.0, 20.0))
