"""Pictures go through the detector in batches; those that cannot be read are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detector.api import InferenceError
from detector.datasets.errors import Fault
from detector.datasets.samples import Dataset, open_dataset
from detector.evaluation.running import answers, latency_ms
from tests.support.data_sets import make_picture
from tests.support.fakes import FakeDetector


def open_pictures(folder: Path, count: int) -> Dataset:
    for number in range(count):
        make_picture(folder / f"{number}.png", value=10 * number)
    path = folder / "list.txt"
    path.write_text("\n".join(f"{number}.png 1,2,11,22,car" for number in range(count)))
    return open_dataset(path)


def test_pictures_are_answered_in_their_order_in_full_batches(tmp_path: Path) -> None:
    data, detector = open_pictures(tmp_path, 6), FakeDetector(4)
    answered = list(answers(detector, data.samples, lost=pytest.fail))
    assert [sample.image.name for sample, _ in answered] == [f"{n}.png" for n in range(6)]
    assert detector.batches == [4, 2]
    assert detector.seen == [0, 10, 20, 30, 40, 50]
    np.testing.assert_array_equal(answered[0][1].xyxy_px, [[8, 6, 24, 36]])


@pytest.mark.parametrize("damaged", ["size", "bytes", "gone"])
def test_a_picture_that_changed_since_is_named_and_left_out(tmp_path: Path, damaged: str) -> None:
    data = open_pictures(tmp_path, 3)
    victim = data.samples[1].image
    if damaged == "size":
        make_picture(victim, wh=(10, 10))
    elif damaged == "bytes":
        victim.write_bytes(victim.read_bytes()[:40])
    else:
        victim.unlink()
    lost: list[Fault] = []
    answered = list(answers(FakeDetector(2), data.samples, lost=lost.append))
    assert [sample.image.name for sample, _ in answered] == ["0.png", "2.png"]
    assert lost == [Fault(victim, "cannot be decoded")]


def test_no_pictures_are_no_answers() -> None:
    assert list(answers(FakeDetector(), [], lost=pytest.fail)) == []


def test_a_failing_detector_is_heard_of(tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise InferenceError("oom", "8 GiB asked for")

    with pytest.raises(InferenceError):
        list(answers(FakeDetector(4, fail), open_pictures(tmp_path, 6).samples, lost=pytest.fail))


def test_times_are_of_full_batches_even_of_few_pictures(tmp_path: Path) -> None:
    detector = FakeDetector(8)
    assert latency_ms(detector, open_pictures(tmp_path, 3).samples, 8) >= 0
    assert set(detector.batches) == {8}
