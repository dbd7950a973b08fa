"""A picture kept as JPEG gives what the decoder's gave, in whatever width is asked for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from daemon.highlights.develop import KEPT_WIDTH, JpegPicture, close_up, developed, looked_at
from daemon.seats.sight import Sight
from sinks.highlights import Look
from sinks.messages import Moment
from tests.support.fakes import frame, one_box, sight_of
from tests.support.pictures import PaintedPicture, read_jpeg


class NoisyPicture:
    """What compresses badly."""

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width = min(max_width or 640, 640)
        noise = np.random.default_rng(1).integers(0, 256, (width * 3 // 4, width, 3))
        return noise.astype(np.uint8)


def sight(width: int = 2560, height: int = 1440) -> Sight:
    shown = sight_of(frame("gate", 1.0), one_box())
    picture = PaintedPicture(90, width, height)
    return replace(shown, picture=picture, source_wh=(width, height))


@pytest.mark.parametrize(("full", "width"), [(True, 2560), (False, KEPT_WIDTH)])
def test_a_picture_is_kept_as_large_as_it_is_needed(full: bool, width: int) -> None:
    kept, size = developed(sight(), full=full)
    assert isinstance(kept.picture, JpegPicture)
    assert size == len(kept.picture.jpeg)
    assert kept.picture.to_bgr().shape == (width * 9 // 16, width, 3)
    assert kept.source_wh == (2560, 1440)


@pytest.mark.parametrize("width", [3000, 1280, 1279, 641, 640, 333, 320, 100, 1])
def test_any_width_can_be_had_of_it(width: int) -> None:
    kept, _ = developed(sight(1280, 720), full=False)
    bgr = kept.picture.to_bgr(width)
    shown = min(width, 1280)
    assert bgr.shape == (max(1, round(shown * 9 / 16)), shown, 3)
    assert bgr.mean() == pytest.approx(90, abs=2)


def test_a_box_is_drawn_where_the_object_is_in_the_smaller_picture() -> None:
    moment = Moment(1, 0.9, (640.0, 360.0, 1920.0, 1080.0))
    jpeg = looked_at(sight(), Look(width=640, boxed=True), "person", moment)
    strange = np.abs(read_jpeg(jpeg).astype(int) - 90).max(axis=2) > 40
    rows, columns = strange.nonzero()
    assert columns.min() == pytest.approx(160, abs=3)
    assert columns.max() == pytest.approx(480, abs=3)
    assert rows.min() == pytest.approx(90, abs=3)
    assert rows.max() == pytest.approx(270, abs=3)


@pytest.mark.parametrize("most_bytes", [150_000, 60_000, 10_000])
def test_a_jpeg_stays_below_its_bound_by_quality_then_by_size(most_bytes: int) -> None:
    shown = replace(sight(640, 480), picture=NoisyPicture())
    moment = Moment(1, 0.9, (1.0, 1.0, 5.0, 5.0))
    jpeg = looked_at(shown, Look(most_bytes=most_bytes), "person", moment)
    assert len(jpeg) <= most_bytes
    assert read_jpeg(jpeg).shape[1] in (640, 320, 160)


@pytest.mark.parametrize(
    ("box", "wh"),
    [
        ((100, 100, 140, 200), (356, 200)),  # a person, with a quarter of the picture's height
        ((0, 0, 40, 400), (1138, 640)),  # at the edge
        ((1200, 700, 1280, 720), (356, 200)),
        ((0, 0, 1280, 720), (1280, 800)),
        ((600, 300, 600, 300), (356, 200)),
    ],
)
def test_a_close_up_shows_the_object_with_what_is_around_it(
    box: tuple[float, ...], wh: tuple[int, int]
) -> None:
    bgr = np.zeros((800, 1280, 3), np.uint8)
    x1, y1, x2, y2 = map(int, box)
    bgr[y1:y2, x1:x2] = 255
    shown = close_up(bgr, box, 1280)
    assert shown.shape == (wh[1], wh[0], 3)
    assert (shown > 0).sum() == (bgr > 0).sum(), "all of it"
    assert close_up(bgr, box, 320).shape[1] <= 320
