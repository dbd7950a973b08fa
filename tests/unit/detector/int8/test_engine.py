from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.api import Detector, InferenceError, ModelError
from detector.build import build_detector
from detector.int8.engine import LiteRtEngine
from detector.letterbox import Letterbox
from detector.spec import DetectorSpec
from tests.golden import recorded
from tests.support.int8_weights import SIDE, form_of, pictures, with_form

SPEC = DetectorSpec(
    name="efficientdet-lite0", input_size=SIDE, precision="int8", score_threshold=0.02,
    iou_threshold=0.5, max_detections=20, max_batch=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_form(recorded.INTERIM, tmp_path_factory.mktemp("int8") / "with.safetensors")


def build(weights: Path, **changes: Any) -> Detector:
    return build_detector(replace(SPEC, weights=weights, **changes))


def answers(detector: Detector, pixels: Any) -> list[Any]:
    where = [Letterbox.fit((SIDE, 48), detector.input_spec)] * len(pixels)
    return detector.detect(pixels, where)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_an_answer_does_not_depend_on_batch_or_cores(weights: Path, cores: int) -> None:
    alone, many = build(weights, threads=1), build(weights, threads=cores)
    everything = pictures(8)
    expected = [answers(alone, everything[n : n + 1])[0] for n in range(8)]
    assert any(len(each) for each in expected)
    for size in many.buckets:
        for ours, theirs in zip(answers(many, everything[:size]), expected, strict=False):
            np.testing.assert_array_equal(ours.xyxy_px, theirs.xyxy_px)
            np.testing.assert_array_equal(ours.score, theirs.score)
            np.testing.assert_array_equal(ours.class_id, theirs.class_id)


def test_it_finds_what_float32_finds(weights: Path) -> None:
    """The best box of each picture; further down, suppression may choose another double."""
    pixels = pictures(4, seed=3)
    ours, exact = (answers(build(weights, precision=p), pixels) for p in ("int8", "float32"))
    for mine, theirs in zip(ours, exact, strict=True):
        assert mine.score[0] == pytest.approx(theirs.score[0], abs=0.03)


def test_using_it_prepares_nothing_anew(weights: Path) -> None:
    detector = build(weights)
    before = detector.trace_count
    detector.warm_up()
    assert detector.trace_count == before
    assert detector.precision == "int8"


def test_weights_without_a_form_are_refused_with_a_way_out() -> None:
    with pytest.raises(
        ModelError, match=r"vedette weights quantize.*or set model.precision to auto"
    ):
        build(recorded.INTERIM)


def test_a_form_that_lacks_a_feature_map_is_refused(tmp_path: Path) -> None:
    form = form_of(recorded.INTERIM)
    ranges = dict(form.ranges)
    del ranges["box_net/box-predict"]
    short = with_form(recorded.INTERIM, tmp_path / "short", replace(form, ranges=ranges))
    with pytest.raises(ModelError, match="lacks 'box_net/box-predict'"):
        build(short)


def test_any_input_size_runs_with_the_ranges_of_another(weights: Path) -> None:
    detector = build(weights, input_size=96)
    where = [Letterbox.fit((96, 96), detector.input_spec)]
    assert len(detector.detect(pictures(1, side=96), where)) == 1


class Broken:
    """A network that fails as LiteRT does."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def invoke(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("Failed to allocate tensors\nnode 3"), "oom"),
        (MemoryError(), "oom"),
        (RuntimeError("Node number 5 (CONV_2D) failed to invoke"), "runtime"),
        (ValueError(""), "runtime"),
    ],
)
def test_failures_become_one_line_with_a_reason(
    weights: Path, error: Exception, reason: str
) -> None:
    detector: Any = build(weights)
    for run in (detector.engine._alone, *detector.engine._lanes):
        run._interpreter = Broken(error)
    for size in (1, 4):
        with pytest.raises(InferenceError) as caught:
            answers(detector, pictures(size))
        assert caught.value.reason == reason
        assert "\n" not in str(caught.value)


def test_it_works_again_after_a_failure(weights: Path) -> None:
    detector: Any = build(weights, threads=2)
    run = detector.engine._lanes[0]
    healthy = run._interpreter
    expected = answers(detector, pictures(4))
    run._interpreter = Broken(RuntimeError("once"))
    with pytest.raises(InferenceError):
        answers(detector, pictures(4))
    run._interpreter = healthy
    for ours, theirs in zip(answers(detector, pictures(4)), expected, strict=True):
        np.testing.assert_array_equal(ours.score, theirs.score)


def test_other_threads_go_on_while_it_computes(weights: Path) -> None:
    detector = build(weights, input_size=640, threads=1)
    pixels, done = np.zeros((8, 640, 640, 3), np.uint8), threading.Event()

    def compute() -> None:
        detector.detect(pixels, [])
        done.set()

    thread = threading.Thread(target=compute)
    thread.start()
    steps = 0
    while not done.wait(0.002):
        steps += 1
    thread.join()
    assert steps > 10


@pytest.mark.parametrize(
    ("count", "lanes", "together"),
    [(1, 2, 0), (2, 2, 2), (3, 2, 2), (8, 2, 8), (5, 4, 4), (6, 4, 6)],
)
def test_a_picture_that_would_be_left_for_one_core_has_all(
    count: int, lanes: int, together: int
) -> None:
    engine = object.__new__(LiteRtEngine)
    engine._lanes = [object()] * lanes  # type: ignore[list-item]
    assert engine._together(count) == together


def test_it_runs_where_tensorflow_cannot_be_imported(weights: Path) -> None:
    script = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('tensorflow', 'keras'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import numpy as np\n"
        "from detector.build import build_detector\n"
        "from detector.spec import DetectorSpec\n"
        f"d = build_detector(DetectorSpec(name='efficientdet-lite0', weights={str(weights)!r},\n"
        "    precision='int8', score_threshold=.4, iou_threshold=.5, max_detections=9,\n"
        "    max_batch=4, input_size=64))\n"
        "d.warm_up()\n"
        "print(d.precision)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "int8\n", done.stderr
    assert done.stderr == "", "LiteRT's own words do not reach the terminal"
