"""What makes objects larger in the input, at which cost, and in which order it is proposed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from config.camera import DetectConfig
from daemon.offline.sizing import BEARABLE, Advice, Seen, advise
from detector.letterbox import InputSpec

SPEC = InputSpec(512, 512)
WH = (3840, 2160)


def seen(*boxes: tuple[float, float, float], wh: tuple[int, int] = WH) -> Seen:
    """Objects at a place, of a height, half as wide."""
    corners = [(x, y, x + h / 2, y + h) for x, y, h in boxes]
    return Seen(wh, np.array(corners, np.float32))


FAR = seen(*((200 + 350 * n, 300 + 180 * n, 90 + n) for n in range(10)))  # 12 px in the input
CORNER = seen(*((2600 + 60 * n, 1300 + 20 * n, 100) for n in range(10)))
NEAR = seen(*((300 * n, 200, 600) for n in range(10)))


def advice(objects: Seen, *, most_rows: int = 16, **detect: Any) -> Advice:
    return advise(objects, DetectConfig.model_validate(detect), SPEC, most_rows=most_rows)


def test_large_objects_need_nothing() -> None:
    found = advice(NEAR)
    assert found.ways == ()
    assert found.present.heights_px[1] == pytest.approx(600 / 7.5, rel=0.01)
    assert found.present.small_share == 0


def test_objects_that_are_small_everywhere_need_tiles() -> None:
    found = advice(FAR)
    assert found.present.small_share == 1
    best = found.ways[0]
    assert best.small_share <= BEARABLE
    assert best.fields["detect"]["tiles"]["size"] <= 512 * 92 / 20  # type: ignore[index]
    assert best.rows <= 16


def test_objects_in_a_corner_need_a_crop_which_costs_nothing() -> None:
    best = advice(CORNER).ways[0]
    assert best.fields == {"detect": {"crop": pytest.approx([0.65, 0.57, 0.86, 0.76], abs=0.01)}}
    assert best.rows == 1
    assert best.small_share == 0


def test_a_region_that_is_drawn_already_is_the_crop() -> None:
    corner = [[0.6, 0.5], [0.9, 0.5], [0.9, 0.9], [0.6, 0.9]]
    best = advice(CORNER, roi=corner).ways[0]
    assert best.fields == {"detect": {"crop": "roi"}}


def test_a_camera_that_is_cropped_already_is_not_cropped_again() -> None:
    found = advice(CORNER, crop=[0.5, 0.5, 1, 1])
    assert all("crop" not in way.fields.get("detect", {}) for way in found.ways)  # type: ignore[operator]


def test_a_batch_bounds_the_tiles() -> None:
    few = advice(FAR, most_rows=5)
    tiled = [way for way in few.ways if "detect" in way.fields]
    assert tiled
    assert all(way.rows <= 5 for way in tiled)


def test_a_larger_input_costs_by_its_area() -> None:
    wider = next(way for way in advice(FAR).ways if way.fields == {"model": {"input_size": 1024}})
    assert wider.rows == 4
    assert wider.enlarged == 2


def test_ways_that_suffice_come_first_and_the_cheapest_of_them() -> None:
    ways = advice(seen(*((200 + 350 * n, 300 + 180 * n, 120) for n in range(10)))).ways
    enough = [way.small_share <= BEARABLE for way in ways]
    assert enough == sorted(enough, reverse=True)
    costs = [way.rows for way in ways if way.small_share <= BEARABLE]
    assert costs == sorted(costs)
