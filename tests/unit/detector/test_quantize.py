from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.api import ModelError
from detector.detections import Detections
from detector.int8.agreement import agreement
from detector.int8.variety import Scenes
from detector.letterbox import Letterbox
from detector.quantize import Choice, Quantizer, best_of
from detector.weights.description import read_description
from detector.weights.native import relabel
from detector.weights.random import save_random
from tests.golden import recorded
from tests.support.int8_weights import pictures
from tests.support.labelled import answer


def test_agreement_is_the_overlap_with_the_same_class_in_the_same_picture() -> None:
    exact = [answer(((0, 0, 10, 10), 0.9), ((50, 50, 60, 60), 0.8), ((0, 0, 9, 9), 0.1))]
    same = [answer(((0, 0, 10, 10), 0.7), ((50, 50, 60, 60), 0.4))]
    half = [answer(((0, 0, 10, 5), 0.7), ((50, 50, 60, 60), 0.4, 1))]
    assert agreement(exact, same) == 1
    assert agreement(exact, half) == pytest.approx(0.25)
    assert agreement(exact, [Detections.none()]) == 0
    assert agreement([Detections.none()], half) == 1


def test_scenes_are_counted_not_pictures() -> None:
    scenes = Scenes()
    for _ in range(3):
        for value in (0, 3, 128, 130, 255):
            scenes.see(np.full((48, 64, 3), value, np.uint8))
    assert (len(scenes), scenes.pictures) == (3, 15)


def test_the_family_without_int8_is_refused(tmp_path: Path) -> None:
    save_random(tmp_path / "yolo", "efficientnet-yolov3-b0")
    with pytest.raises(ModelError, match="has no int8 form"):
        Quantizer(tmp_path / "yolo")


@pytest.fixture(scope="module")
def quantizer(tmp_path_factory: pytest.TempPathFactory) -> Quantizer:
    small = tmp_path_factory.mktemp("int8") / "small.safetensors"
    about = read_description(recorded.INTERIM)
    relabel(recorded.INTERIM, small, replace(about, input_size=64))
    return Quantizer(small)


def test_layers_are_kept_only_while_rounding_hurts(
    quantizer: Quantizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Letterbox.fit((64, 64), quantizer.input_spec)
    some = [(pixels, where) for pixels in pictures(4)]
    form = quantizer.measure(some, "noise")

    def choices(levels: Sequence[float]) -> list[Choice]:
        coming = iter(levels)
        monkeypatch.setattr("detector.quantize.agreement", lambda *_: next(coming))
        return list(quantizer.choices(form, some))

    assert choices([0.95]) == [Choice((), 0.95)]
    helped = choices([0.5, 0.505, 0.7, 0.95])
    assert [each.kept[:2] for each in helped] == [
        (), ("box_net/box-predict",), ("class_net/class-predict",),
        ("class_net/class-predict", "efficientnet-lite0/stem/"),
    ]  # fmt: skip
    told: list[Choice] = []
    assert best_of(iter(helped), told.append) == helped[-1]
    assert told == helped


def test_float32_beside_int8_is_tensorflows(quantizer: Quantizer) -> None:
    """Without labels the network is compared with itself; that must be what others run."""
    from detector.build import build_detector
    from detector.spec import DetectorSpec

    pixels, where = pictures(2), [Letterbox.fit((64, 64), quantizer.input_spec)] * 2
    theirs = build_detector(
        DetectorSpec(
            name="efficientdet-lite0", weights=recorded.INTERIM, input_size=64, max_batch=2,
            precision="float32", score_threshold=0.01, iou_threshold=0.5, max_detections=100,
        )
    )  # fmt: skip

    def found(detections: list[Detections]) -> Iterator[np.ndarray]:
        return (each.xyxy_px[:5] for each in detections)

    ours = quantizer.detector(None).detect(pixels, where)
    for a, b in zip(found(ours), found(theirs.detect(pixels, where)), strict=True):
        np.testing.assert_allclose(a, b, atol=0.05)
