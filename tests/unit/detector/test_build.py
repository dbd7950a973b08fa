from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.api import Detector, ModelError
from detector.build import build_detector, labels_of
from detector.detections import Detections
from detector.letterbox import Letterbox
from detector.models import find_model
from detector.networks.efficientdet import variables
from detector.networks.sizes import SIZES
from detector.spec import DetectorSpec
from detector.weights.bundled import resolve
from detector.weights.description import read_description
from detector.weights.native import load, save
from detector.weights.random import save_random

BUNDLED = resolve("efficientdet-lite0", "bundled")


def build(**changes: Any) -> Detector:
    asked: dict[str, Any] = {
        "name": "efficientdet-lite0", "weights": "bundled", "score_threshold": 0.4,
        "iou_threshold": 0.5, "max_detections": 10, "max_batch": 3, "input_size": 64,
    }  # fmt: skip
    return build_detector(DetectorSpec(**asked | changes))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The bundled weights, said to be those of another size."""
    loaded = load(BUNDLED, variables(SIZES["efficientdet-lite0"], 6))
    path = tmp_path / "other.safetensors"
    save(path, loaded.arrays, replace(loaded.description, architecture="efficientdet-lite1"))
    return path


def test_the_bundled_detector_works_and_says_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "detector"):
        detector = build(precision="float32")
    detector.warm_up()
    (nothing,) = detector.detect(
        np.full((2, 64, 64, 3), 127, np.uint8), [Letterbox.fit((640, 480), detector.input_spec)]
    )
    assert len(nothing) == 0
    assert detector.buckets == (1, 2, 3)
    assert detector.labels == labels_of("efficientdet-lite0", "bundled")
    assert (detector.name, detector.precision) == ("efficientdet-lite0", "float32")
    assert detector.trace_count == 1
    assert "precision=float32 reason='asked for'" in caplog.text


@pytest.mark.parametrize(
    ("name", "dialect", "align"),
    [
        ("efficientnet-yolov3-b0", "article", "center"),
        ("efficientnet-yolov3-b0", "article-stretched", "stretch"),
        ("efficientdet-d0", "article", "center"),
        ("efficientdet-d0", "automl-advprop", "top_left"),
    ],
)
def test_the_weights_file_decides_the_dialect(
    name: str, dialect: str, align: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    save_random(path, name)
    model = find_model(name, read_description(path).dialect)
    loaded = load(path, model.variables(90))
    save(path, loaded.arrays, replace(loaded.description, dialect=dialect))
    detector = build(name=name, weights=path, precision="float32", score_threshold=0.0)
    assert detector.input_spec.align == align
    (found,) = detector.detect(
        np.zeros((1, 64, 64, 3), np.uint8), [Letterbox.fit((640, 480), detector.input_spec)]
    )
    assert len(found) > 0


def test_weights_of_an_unknown_dialect_are_refused(weights: Path) -> None:
    description = replace(read_description(BUNDLED), dialect="torch")
    save(weights, load(BUNDLED, variables(SIZES["efficientdet-lite0"], 6)).arrays, description)
    with pytest.raises(ModelError, match=r"safetensors: .*'torch', only in automl$"):
        build(weights=weights)


def test_suppression_can_be_chosen() -> None:
    """Without a score threshold: soft suppression drops nothing, across classes more goes."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    counts = {}
    for nms in ("agnostic", "hard", "soft"):
        detector = build(nms=nms, score_threshold=0, max_detections=500, precision="float32")
        where = Letterbox.fit((64, 64), detector.input_spec)
        counts[nms] = len(detector.detect(pixels, [where])[0])
    assert counts["agnostic"] < counts["hard"] < counts["soft"] == 500


def test_weights_decide_from_which_score_and_which_labels_give_way(tmp_path: Path) -> None:
    loaded = load(BUNDLED, variables(SIZES["efficientdet-lite0"], 6))
    path, own = tmp_path / "w.safetensors", (0.5, 0.02, 0.5, 0.5, 0.5, 0.03)
    about = replace(loaded.description, thresholds=own, groups=(loaded.description.labels,))
    save(path, loaded.arrays, about)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)

    def found(**asked: Any) -> Detections:
        detector = build(weights=path, max_detections=500, precision="float32", **asked)
        assert detector.thresholds == (own if asked.get("score_threshold") is None else (0,) * 6)
        return detector.detect(pixels, [Letterbox.fit((64, 64), detector.input_spec)])[0]

    everything, grouped = (found(score_threshold=0, nms=nms) for nms in ("hard", "grouped"))
    alone = found(score_threshold=0, nms="agnostic")
    assert len(grouped) == len(alone) < len(everything)
    usual = found(score_threshold=None, nms="hard")
    least = np.array(own)[everything.class_id]
    assert len(usual) == (everything.score >= least).sum()
    lower = found(score_threshold=None, nms="hard", min_scores={"person": 0.001, "bus": 0.9})
    least[everything.class_id == 0] = 0.001
    assert len(lower) == (everything.score >= least).sum() > len(usual)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    for ask in (lambda: build(name="yolo"), lambda: labels_of("yolo", "bundled")):
        with pytest.raises(ModelError, match=r"unknown model yolo; known are efficientdet-d0, .*x"):
            ask()


def test_weights_of_another_architecture_are_refused(weights: Path) -> None:
    with pytest.raises(ModelError, match="holds efficientdet-lite1, not efficientdet-lite0"):
        build(weights=weights)


def test_weights_that_do_not_fit_are_refused_by_tensor(weights: Path) -> None:
    with pytest.raises(ModelError, match="lacks tensor efficientnet-lite1/"):
        build(name="efficientdet-lite1", weights=weights)


def test_weights_with_another_digest_are_refused() -> None:
    with pytest.raises(ModelError, match="SHA-256 is"):
        build(sha256="0" * 64)


def test_arithmetic_that_the_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.graph.runtime.has_gpu", lambda: False)
    with pytest.raises(ModelError, match="float16 needs a GPU"):
        build(precision="float16")
