"""The part of its picture that a camera's detector is shown."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.camera import DetectConfig
from daemon.seats.view import View

ROI = [[0.5, 0.25], [0.9, 0.5], [0.25, 0.75]]


def view(**detect: Any) -> View:
    return View.of(DetectConfig.model_validate(detect))


def test_all_of_it_unless_told_otherwise() -> None:
    assert view(roi=ROI).part((640, 360)) is None
    assert view(roi=ROI).crop is None


def test_a_rectangle_in_fractions() -> None:
    assert view(crop=[0.25, 0.5, 0.75, 1]).part((640, 360)) == (160, 180, 480, 360)


def test_the_rectangle_around_the_region() -> None:
    around = view(roi=ROI, crop="roi")
    assert around.crop == (0.25, 0.25, 0.9, 0.75)
    assert around.part((1000, 100)) == (250, 25, 900, 75)


@pytest.mark.parametrize("crop", [[0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0]])
def test_a_rectangle_around_everything_is_none(crop: list[float]) -> None:
    assert view(crop=crop).part((640, 360)) is None


@given(
    wh=st.tuples(st.integers(16, 4000), st.integers(16, 4000)),
    side=st.sampled_from([128, 320, 512]),
    most_rows=st.integers(1, 64),
    size=st.none() | st.integers(64, 2000),
    overlap=st.floats(0, 0.5),
    full=st.booleans(),
    crop=st.none() | st.just([0.1, 0.25, 0.9, 0.75]),
)
def test_tiles_cover_what_is_looked_at_and_fit_into_a_batch(
    wh: tuple[int, int], side: int, most_rows: int, size: int | None, overlap: float,
    full: bool, crop: list[float] | None,
) -> None:  # fmt: skip
    tiles = {"size": size, "overlap": overlap, "full": full}
    layout = view(tiles=tiles, crop=crop).layout(wh, side=side, most_rows=most_rows)
    region = view(crop=crop).part(wh) or (0.0, 0.0, float(wh[0]), float(wh[1]))
    assert 1 <= len(layout.parts) <= max(1, most_rows)
    if layout.tile_px is None:
        assert layout.parts == (view(crop=crop).part(wh),)
        return
    assert layout.tile_px >= side - 1e-6
    placed = [part or region for part in layout.parts[full:]]
    if full:
        assert (layout.parts[0] or region) == region
    for axis in (0, 1):
        spans = sorted({(part[axis], part[axis + 2]) for part in placed})
        assert spans[0][0] == pytest.approx(region[axis])
        assert spans[-1][1] == pytest.approx(region[axis + 2])
        for (_, end), (begin, _) in pairwise(spans):
            assert end - begin >= overlap * layout.tile_px - 0.01, "as much as was asked for"
    assert len(placed) == len({part[:2] for part in placed})


def test_tiles_of_a_size() -> None:
    layout = view(tiles={"size": 640, "overlap": 0.25}).layout((1920, 1080), side=512, most_rows=16)
    assert layout.tile_px == 640
    assert layout.parts[0] is None
    assert len(layout.parts) == 1 + 4 * 2
    assert layout.parts[1] == (0, 0, 640, 640)
    assert layout.parts[-1] == (1280, 440, 1920, 1080)


def test_where_a_batch_has_too_few_rows_tiles_become_larger() -> None:
    layout = view(tiles={"size": 640}).layout((3840, 2160), side=512, most_rows=7)
    assert (len(layout.parts), layout.wanted_px) == (7, 640)
    assert layout.tile_px == pytest.approx(3840 / 2.6)


def test_auto_takes_the_smallest_tiles_that_are_allowed_and_none_smaller_than_the_input() -> None:
    auto = view(tiles="auto")
    sizes = [auto.layout((3840, 2160), side=512, most_rows=n).tile_px for n in (2, 3, 7, 16, 64)]
    assert sizes[0] is None
    assert sizes[1] == pytest.approx(2160)
    assert sizes[2] == pytest.approx(3840 / 2.6)
    assert sizes[4] == 512
    assert sizes[1:] == sorted(sizes[1:], reverse=True)


def test_tiles_that_would_show_nothing_larger_are_left_out() -> None:
    layout = view(tiles={"size": 600}).layout((640, 360), side=512, most_rows=8)
    assert layout.parts == (None,)
