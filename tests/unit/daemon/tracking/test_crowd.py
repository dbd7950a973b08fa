"""A crowd: what is quick for hundreds finds what is quick for a few."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from daemon.tracking import association, crowd
from daemon.tracking.crowd import crowded
from daemon.tracking.families import families
from daemon.tracking.sighting import sightings_of
from daemon.tracking.tuning import Tuning
from detector.detections import Detections
from tests.support.tracking import LABELS, Followed, numbers_of

FAMILIES = families(LABELS).tolist()


def square(rng: np.random.Generator, count: int, *, side: float, at_s: float = 0.0) -> Detections:
    """So many walk the same way over a square, close enough to cover each other."""
    places = np.random.default_rng(7).uniform(0, side, (count, 2)) + 200 + 20 * at_s
    middle = places + rng.normal(0, 1.5, (count, 2))
    size = np.array([40.0, 100.0]) + rng.uniform(-4, 4, (count, 2))
    boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
    scores = np.sort(rng.uniform(0.2, 0.9, count))[::-1]
    labels = np.random.default_rng(8).integers(0, len(LABELS), count)
    return Detections(boxes.astype(np.float32), scores.astype(np.float32), labels.astype(np.int32))


@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from((20.0, 300.0, 900.0)))
@settings(max_examples=40, deadline=None)
def test_a_crowd_is_paired_as_a_few_are(seed: int, count: int, side: float) -> None:
    rng, followed = np.random.default_rng(seed), Followed()
    for n in range(4):
        followed.step(square(rng, count, side=side, at_s=n / 10), n / 10)
    found = square(rng, count, side=side, at_s=0.4)
    sightings = sightings_of(found, found.score >= 0.4)
    tracks = followed.tracker.tracks
    assume(tracks)
    few = association.associated(tracks, sightings, FAMILIES, Tuning())
    assert set(crowded(tracks, sightings, FAMILIES, Tuning())) == set(few)


def test_a_crowd_has_the_objects_it_has_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    def numbers() -> list[list[int]]:
        rng, followed = np.random.default_rng(3), Followed()
        pictures = [square(rng, 60, side=500, at_s=n / 10) for n in range(20)]
        return [numbers_of(followed.step(one, n / 10)) for n, one in enumerate(pictures)]

    as_arrays = numbers()
    monkeypatch.setattr(crowd, "_CROWD", 10**9)
    assert as_arrays == numbers()
    assert max(map(max, as_arrays)) > 40


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Of what all tests before have left behind: half a second in one place."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_a_crowd_in_one_place_is_followed_in_bounded_time() -> None:
    """One by one, 300 boxes that all touch take seconds for each picture."""
    rng, followed = np.random.default_rng(5), Followed()
    for n in range(3):
        followed.step(square(rng, 300, side=30, at_s=n / 10), n / 10)
    found = square(rng, 300, side=30, at_s=0.3)
    began = time.thread_time()
    followed.step(found, 0.3)
    assert time.thread_time() - began < 0.5
