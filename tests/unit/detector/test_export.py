from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.boxes.selection import Selection
from detector.build import open_weights
from detector.detections import Detections
from detector.export import export
from detector.graph.plan import Plan, stages_for
from detector.weights.bundled import resolve
from detector.weights.random import save_random

SIDE = 96
WHOLE = np.array([[0, 0, SIDE, SIDE]], np.int32)
SELECTION = Selection(
    (0.005, 0.004, 0.005, 0.006, 0.005, 0.005), 0.5, 20, nms="grouped", groups=(0, 1, 2, 3, 2, 2)
)
BUNDLED = resolve("efficientdet-lite0", "bundled")
PICTURES = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
LABELS = ["person", "bicycle", "car", "motorcycle", "bus", "truck"]


def running(weights: Path, pixels: npt.NDArray[np.uint8]) -> list[Detections]:
    """What the detector of the daemon answers."""
    model, loaded = open_weights(weights)
    family = model.family(len(loaded.description.labels), SIDE)
    plan = Plan(stages_for(family, loaded.arrays, SELECTION, precision="float32", xla=False))
    kept = plan.run(pixels, np.tile(WHOLE, (len(pixels), 1)))
    return [
        Detections(xyxy[:count], score[:count], class_id[:count])
        for xyxy, score, class_id, count in zip(*kept, strict=True)
    ]


def check(found: dict[str, Any], expected: list[Detections]) -> None:
    """Rows past the count are zero."""
    assert sorted(found) == ["boxes", "classes", "count", "scores"]
    assert min(len(each) for each in expected) > 0
    for picture, each in enumerate(expected):
        count = int(found["count"][picture])
        assert count == len(each)
        np.testing.assert_allclose(found["boxes"][picture][:count], each.xyxy_px, atol=1e-2)
        np.testing.assert_allclose(found["scores"][picture][:count], each.score, atol=1e-5)
        np.testing.assert_array_equal(found["classes"][picture][:count], each.class_id)
        for values in (found["boxes"], found["scores"], found["classes"]):
            assert not np.any(values[picture][count:])


def exported(form: Any, out: Path, weights: Path = BUNDLED, **options: Any) -> Path:
    export(weights, out, form=form, input_size=SIDE, **{"selection": SELECTION} | options)
    return out


def test_a_saved_model_answers_as_the_running_detector(tmp_path: Path) -> None:
    out = exported("saved_model", tmp_path / "model")
    serve = tf.saved_model.load(str(out)).signatures["serving_default"]
    for count in (1, 3):
        found = serve(pixels=tf.constant(PICTURES[:count]))
        check({k: v.numpy() for k, v in found.items()}, running(BUNDLED, PICTURES[:count]))
    assert (out / "assets.extra" / "labels.txt").read_text().splitlines() == LABELS


# The interpreter that comes with TensorFlow still does what LiteRT's own does.
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("batch", [None, 3])
def test_a_litert_file_answers_as_the_running_detector(tmp_path: Path, batch: int | None) -> None:
    out = exported("tflite", tmp_path / "model.tflite", batch=batch)
    interpreter = tf.lite.Interpreter(str(out))
    pixels = PICTURES[: batch or 1]
    check(interpreter.get_signature_runner()(pixels=pixels), running(BUNDLED, pixels))
    ran = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not {name for name in ran if name.startswith("Flex")}
    assert (tmp_path / "model.labels.txt").read_text().splitlines() == LABELS


@pytest.mark.parametrize("name", ["efficientdet-d0", "efficientnet-yolov3-b0"])
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_other_families_need_no_more_than_builtin_operations(tmp_path: Path, name: str) -> None:
    save_random(tmp_path / "weights", name)
    ninety = Selection(0.005, 0.5, 20)
    out = exported("tflite", tmp_path / "model.tflite", tmp_path / "weights", selection=ninety)
    found = tf.lite.Interpreter(str(out)).get_signature_runner()(pixels=PICTURES[:1])
    assert found["boxes"].shape == (1, 20, 4)
    assert found["count"][0] == 20


@pytest.mark.parametrize("form", ["saved_model", "tflite"])
def test_what_cannot_be_written_is_an_operating_system_error(tmp_path: Path, form: Any) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        exported(form, tmp_path / "file" / "model")
