"""Boxes stay on what they mark, however a picture is scaled, cut, mirrored and coloured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.letterbox import InputSpec
from detector.training.augmentation import Augmentation, Example, augmented, mosaic
from tests.support.drawn_data import COLOURS_RGB, drawn

SPEC = InputSpec(128, 128, "top_left", (127, 127, 127))
PLACING = Augmentation(scale=(0.4, 2.0), aspect=0.3, min_visible=0.0)


def painted(example: Example, kind: int) -> np.ndarray:
    """Where the pixels of a class are, but for the seam that scaling makes around it."""
    difference = np.abs(example.pixels.astype(int) - COLOURS_RGB[kind]).max(axis=-1)
    return difference < 60


def boxed(example: Example, kind: int) -> np.ndarray:
    mask = np.zeros(example.pixels.shape[:2], bool)
    for box, of, _ in zip(*example.objects, strict=True):
        if of == kind:
            x1, y1, x2, y2 = np.round(box).astype(int)
            mask[y1:y2, x1:x2] = True
    return mask


def shrunk(mask: np.ndarray) -> np.ndarray:
    """Without two pixels at the edges of what is marked."""
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            inner &= np.roll(mask, step, axis)
    return inner


def grown(mask: np.ndarray) -> np.ndarray:
    return ~shrunk(~mask)


@pytest.mark.parametrize("seed", range(25))
def test_boxes_mark_the_pixels_of_their_objects(seed: int) -> None:
    example = augmented(drawn(seed), SPEC, np.random.default_rng(seed), PLACING)
    for kind in range(len(COLOURS_RGB)):
        assert not (shrunk(boxed(example, kind)) & ~painted(example, kind)).any()
        assert not (painted(example, kind) & ~grown(boxed(example, kind))).any()


@pytest.mark.parametrize("seed", range(25))
def test_boxes_of_a_mosaic_mark_the_pixels_of_their_objects(seed: int) -> None:
    pictures = [drawn(seed + number) for number in range(4)]
    example = mosaic(pictures, SPEC, np.random.default_rng(seed), PLACING)
    for kind in range(len(COLOURS_RGB)):
        assert not (shrunk(boxed(example, kind)) & ~painted(example, kind)).any()
        assert not (painted(example, kind) & ~grown(boxed(example, kind))).any()


def test_a_mosaic_leaves_no_part_of_the_input_empty() -> None:
    white = drawn(0)._replace(pixels=np.full((120, 160, 3), 255, np.uint8))
    example = mosaic([white] * 4, SPEC, np.random.default_rng(0), PLACING)
    assert (example.pixels == 255).all()
    assert example.content_xyxy.tolist() == [0, 0, 128, 128]


@pytest.mark.parametrize("seed", range(10))
def test_what_lies_outside_the_content_is_fill(seed: int) -> None:
    example = augmented(drawn(seed), SPEC, np.random.default_rng(seed), PLACING)
    outside = np.ones((128, 128), bool)
    x1, y1, x2, y2 = example.content_xyxy
    outside[y1:y2, x1:x2] = False
    assert (example.pixels[outside] == 127).all()


def test_an_object_of_which_little_is_left_is_ignored_and_not_forgotten() -> None:
    picture = drawn(3)
    cut = replace(PLACING, scale=(2.0, 2.0), min_visible=0.9, flip=0.0)
    examples = [augmented(picture, SPEC, np.random.default_rng(n), cut) for n in range(20)]
    areas = [
        (box[2:] - box[:2]).prod() / full
        for example in examples
        for box, full in zip(example.objects.xyxy_px, _full_areas(example), strict=True)
    ]
    ignored = np.concatenate([example.objects.ignored for example in examples])
    assert ignored.any()
    assert not ignored.all()
    assert (np.array(areas) < 0.9)[ignored].all()


def _full_areas(example: Example) -> list[float]:
    """Twice the size that fits, which is 128 / 160."""
    sides = drawn(3).objects.xyxy_px
    whole = ((sides[:, 2:] - sides[:, :2]) * 1.6).prod(axis=1)
    kinds = drawn(3).objects.classes
    assert len(set(kinds.tolist())) == len(kinds), "the classes tell the two apart"
    return [float(whole[list(kinds).index(kind)]) for kind in example.objects.classes]


def test_colours_change_and_boxes_do_not() -> None:
    plain = augmented(drawn(1), SPEC, np.random.default_rng(1), PLACING)
    strong = replace(PLACING, colour=0.5, degrade=1.0)
    changed = augmented(drawn(1), SPEC, np.random.default_rng(1), strong)
    assert np.array_equal(plain.objects.xyxy_px, changed.objects.xyxy_px)
    assert np.abs(plain.pixels.astype(int) - changed.pixels).mean() > 3


def test_a_picture_without_objects_is_a_fine_example() -> None:
    empty = drawn(0, boxes=2)
    empty = empty._replace(objects=type(empty.objects)(*(part[:0] for part in empty.objects)))
    example = augmented(empty, SPEC, np.random.default_rng(0), PLACING)
    assert example.objects.xyxy_px.shape == (0, 4)
