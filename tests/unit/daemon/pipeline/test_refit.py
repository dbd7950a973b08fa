"""Frames on their way are made anew for another input, or lost by name."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from daemon.pipeline.frame import Frame, Row
from daemon.pipeline.refit import fitting
from detector.letterbox import InputSpec, Letterbox
from tests.support.fakes import SPEC, FakeDetector, frame

WIDE = InputSpec(48, 96, align="center", fill=(7, 8, 9))


def detector(spec: InputSpec, max_batch: int = 4) -> FakeDetector:
    fake = FakeDetector(max_batch)
    fake.input_spec = spec
    return fake


class Half:
    """64×48, red on the left and blue on the right; `error` is raised instead if there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.asked: list[int | None] = []

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        self.asked.append(max_width)
        if self._error:
            raise self._error
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, :32] = (0, 0, 255)
        picture[:, 32:] = (255, 0, 0)
        return picture


def test_a_frame_that_fits_is_left_alone() -> None:
    lost: list[Frame] = []
    shot = frame("gate", 1.0)
    (same,) = fitting([shot], detector(SPEC), lost=lost.append)
    assert same is shot
    assert lost == []


def test_a_frame_of_another_input_is_made_anew_from_its_picture() -> None:
    picture = Half()
    shot = replace(frame("gate", 1.0), picture=picture)
    (fit,) = fitting([shot], detector(WIDE), lost=lambda _: None)
    assert fit.rows[0].letterbox == Letterbox.fit((64, 48), WIDE)
    assert fit.input_spec == WIDE
    assert fit.rows[0].pixels.shape == (48, 96, 3)
    assert fit.rows[0].pixels[24, [0, 20, 75, 95]].tolist() == [
        [7, 8, 9],
        [255, 0, 0],
        [0, 0, 255],
        [7, 8, 9],
    ]
    assert picture.asked == [64], "no larger than it is needed"
    assert (fit.captured_s, fit.camera, fit.picture) == (1.0, "gate", picture)


@pytest.mark.parametrize("fill", [(0, 0, 0), (1, 1, 1)])
def test_the_ground_around_the_picture_belongs_to_the_input(fill: tuple[int, int, int]) -> None:
    shot = frame("gate", 1.0)
    (fit,) = fitting([shot], detector(dataclasses.replace(SPEC, fill=fill)), lost=lambda _: None)
    assert (fit is shot) == (fill == SPEC.fill)


def test_a_picture_that_cannot_be_converted_is_lost_alone() -> None:
    lost: list[Frame] = []
    good = replace(frame("yard", 1.0), picture=Half())
    bad = replace(frame("gate", 1.0), picture=Half(MemoryError()))
    fit = fitting([bad, good], detector(WIDE), lost=lost.append)
    assert [f.camera for f in fit] == ["yard"]
    assert lost == [bad]


def test_the_same_part_is_shown_to_another_input() -> None:
    shot = replace(frame("gate", 1.0), picture=Half())
    cut = Letterbox.fit((64, 48), SPEC, (16.0, 0.0, 48.0, 16.0))
    shot = replace(shot, rows=(Row(shot.rows[0].pixels, cut),))
    (fit,) = fitting([shot], detector(WIDE), lost=lambda _: None)
    assert fit.rows[0].letterbox == Letterbox.fit((64, 48), WIDE, (16.0, 0.0, 48.0, 16.0))
    assert fit.rows[0].pixels[24, [0, 46, 49, 95]].tolist() == [
        [255, 0, 0],
        [255, 0, 0],
        [0, 0, 255],
        [0, 0, 255],
    ]


def test_tiles_are_made_anew_in_their_places() -> None:
    shot = replace(frame("gate", 1.0, rows=3), picture=Half())
    (fit,) = fitting([shot], detector(WIDE), lost=lambda _: None)
    assert fit.parts == ((0, 0, 64, 48), (0, 0, 32, 48), (32, 0, 64, 48))
    middle = [row.pixels[24, 48].tolist() for row in fit.rows[1:]]
    assert middle == [[255, 0, 0], [0, 0, 255]]


def test_more_tiles_than_fit_into_a_batch_give_way_to_the_whole_picture() -> None:
    shot = replace(frame("gate", 1.0, rows=5), picture=Half())
    (same,) = fitting([shot], detector(SPEC, 8), lost=lambda _: None)
    assert same is shot
    (fit,) = fitting([shot], detector(SPEC, 4), lost=lambda _: None)
    assert fit.parts == ((0, 0, 64, 48),)
