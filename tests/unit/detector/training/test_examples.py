"""The sequence of examples: the same for whoever asks, fair to every picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.letterbox import InputSpec
from detector.training.augmentation import Augmentation
from detector.training.examples import Examples, repeat_weights
from detector.training.pipeline import MAX_OBJECTS, batches
from tests.support.drawn_data import write_samples

SPEC = InputSpec(96, 96, "top_left", (127, 127, 127))
HOW = Augmentation(scale=(0.5, 1.5), mosaic=0.5, colour=0.2, degrade=0.3)


def examples(folder: Path, count: int = 6, **options: object) -> Examples:
    return Examples(write_samples(folder, count), SPEC, HOW, seed=3, **options)  # type: ignore[arg-type]


def test_an_example_is_the_same_whenever_it_is_asked_for(tmp_path: Path) -> None:
    one, other = examples(tmp_path), examples(tmp_path)
    for number in (11, 4, 0, 11):
        assert np.array_equal(one[number].pixels, other[number].pixels)
    assert not np.array_equal(one[0].pixels, one[6].pixels), "epochs differ"


def test_every_epoch_shows_each_picture_once(tmp_path: Path) -> None:
    order = examples(tmp_path, 6)._order
    assert [sorted(order(epoch)) for epoch in range(3)] == [list(range(6))] * 3
    assert list(order(0)) != list(order(1))


def test_pictures_of_rare_classes_are_shown_more_often(tmp_path: Path) -> None:
    samples = write_samples(tmp_path, 8)
    weights = np.array([3.0, 1, 1, 1, 1, 1, 1, 1])
    order = Examples(samples, SPEC, HOW, seed=0, weights=weights)._order
    shown = Counter(int(index) for epoch in range(30) for index in order(epoch))
    assert shown[0] / sum(shown.values()) == pytest.approx(0.3, abs=0.04)
    assert min(shown.values()) > 0


def test_repeat_weights_follow_the_rarest_class_of_a_picture(tmp_path: Path) -> None:
    samples = write_samples(tmp_path, 8)
    for index, sample in enumerate(samples):
        sample.classes[:] = 1 if index == 0 else 0
    assert repeat_weights(samples, 2, threshold=0.5).tolist() == pytest.approx([2.0, *[1.0] * 7])
    assert repeat_weights(samples, 2, threshold=0.0).tolist() == [1.0] * 8


def test_a_picture_that_went_missing_is_named(tmp_path: Path) -> None:
    source = examples(tmp_path, 1)
    (tmp_path / "0.png").unlink()
    with pytest.raises(OSError, match=r"0\.png: cannot be decoded"):
        source[0]


def test_batches_do_not_depend_on_threads_nor_on_where_they_begin(tmp_path: Path) -> None:
    source = examples(tmp_path)
    slow = batches(source, size=2, first=0, side=96, num_classes=2, threads=1).take(4)
    fast = batches(source, size=2, first=2, side=96, num_classes=2, threads=4).take(2)
    expected = list(slow)[2:]
    for one, other in zip(expected, fast, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_was_not_labelled_in_one_picture_is_not_in_its_mosaic(tmp_path: Path) -> None:
    samples = [
        replace(sample, unlabelled=(number % 2,))
        for number, sample in enumerate(write_samples(tmp_path, 6))
    ]
    plain, joined = (
        Examples(samples, SPEC, replace(HOW, mosaic=share), seed=3) for share in (0.0, 1.0)
    )
    assert sorted(plain[number].unlabelled for number in range(6)) == [(0,)] * 3 + [(1,)] * 3
    assert {joined[number].unlabelled for number in range(6)} >= {(0, 1)}
    (batch,) = batches(plain, size=6, first=0, side=96, num_classes=3).take(1)
    for number, row in enumerate(batch.unlabelled.numpy()):
        assert np.flatnonzero(row).tolist() == list(plain[number].unlabelled)


def test_mosaics_end_before_the_run_does(tmp_path: Path) -> None:
    samples = write_samples(tmp_path, 6)
    always, whole, closing = (
        Examples(samples, SPEC, replace(HOW, mosaic=share), seed=3, whole_from=end)
        for share, end in ((1.0, None), (0.0, None), (1.0, 4))
    )
    for number in range(6):
        expected = always if number < 4 else whole
        assert np.array_equal(closing[number].pixels, expected[number].pixels)
    assert not np.array_equal(always[0].pixels, whole[0].pixels)


def test_padding_rows_are_no_objects_and_the_largest_boxes_stay(tmp_path: Path) -> None:
    source = examples(tmp_path)
    (batch,) = batches(source, size=6, first=0, side=96, num_classes=2).take(1)
    assert batch.boxes.shape == (6, MAX_OBJECTS, 4)
    real = batch.classes.numpy() >= 0
    assert real.any(axis=1).all()
    sides = batch.boxes.numpy()[..., 2:] - batch.boxes.numpy()[..., :2]
    assert (sides[real] > 0).all()
    assert (sides[~real] == 0).all()
