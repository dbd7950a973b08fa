from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.api import InferenceError
from detector.boxes.candidates import Kept
from detector.boxes.selection import Nms, Selection
from detector.build import build_detector
from detector.graph.efficientdet import EfficientDet
from detector.graph.plan import Plan, stages_for
from detector.letterbox import Letterbox
from detector.networks.efficientdet import variables
from detector.networks.sizes import SIZES
from detector.spec import DetectorSpec
from detector.weights.native import load
from tests.golden import recorded

SPEC = SIZES["efficientdet-lite0"]
WEIGHTS = recorded.INTERIM  # see boxes in noise; better ones need not
SIDE = 64
CONTENT = (0, 0, SIDE, 48)


@functools.cache
def plan(precision: str = "float32", *, xla: bool = False) -> Plan:
    """Trained weights on a small input, with a threshold low enough to find something."""
    weights = load(WEIGHTS, variables(SPEC, 6))
    family = EfficientDet(SPEC, num_classes=6, input_size=SIDE)
    selection = Selection(0.02, 0.5, 20)
    return Plan(stages_for(family, weights.arrays, selection, precision=precision, xla=xla))


def pictures(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


def run(pixels: npt.NDArray[np.uint8], content: Any = CONTENT, **which: Any) -> Kept:
    return plan(**which).run(pixels, np.tile(np.int32(content), (len(pixels), 1)))


def rows(kept: Kept, picture: int) -> list[Any]:
    return [values[picture, : kept.count[picture]] for values in kept[:3]]


def test_a_picture_gets_the_same_answer_whoever_shares_its_batch() -> None:
    ours = pictures(1)
    lonely = run(np.concatenate([ours, np.zeros_like(pictures(3))]))
    crowded = run(np.concatenate([ours, pictures(3, seed=1)]))
    assert lonely.count[0] > 0
    for a, b in zip(rows(lonely, 0), rows(crowded, 0), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bucket", [1, 2, 4, 8])
def test_the_size_of_the_batch_does_not_change_an_answer(bucket: int) -> None:
    many = run(pictures(8))
    few = run(pictures(8)[:bucket])
    for picture in range(bucket):
        xyxy, score, class_id = rows(few, picture)
        np.testing.assert_allclose(xyxy, rows(many, picture)[0], atol=1e-3)
        np.testing.assert_allclose(score, rows(many, picture)[1], atol=1e-5)
        np.testing.assert_array_equal(class_id, rows(many, picture)[2])


def test_what_lies_outside_the_picture_does_not_matter() -> None:
    pixels = pictures(2)
    pixels[1] = pixels[0]
    pixels[1, 48:] = 255
    kept = run(pixels)
    for a, b in zip(rows(kept, 0), rows(kept, 1), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("batches", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mixed_batches_trace_nothing_anew(batches: int) -> None:
    """As many pictures as come, in the smallest bucket that holds them, as the daemon does."""
    detector = build_detector(
        DetectorSpec(
            name=SPEC.name, weights=WEIGHTS, score_threshold=0.02, iou_threshold=0.5,
            max_detections=20, max_batch=8, input_size=SIDE,
        )
    )  # fmt: skip
    detector.warm_up()
    traces, everything = detector.trace_count, pictures(8)
    places = [Letterbox.fit((SIDE, 48), detector.input_spec)] * 8
    rng = np.random.default_rng(0)
    for _ in range(batches):
        count = int(rng.integers(1, 9))
        bucket = min(size for size in detector.buckets if size >= count)
        assert len(detector.detect(everything[:bucket], places[:count])) == count
    assert detector.trace_count == traces == 1


@pytest.mark.parametrize("nms", ["hard", "agnostic", "soft", "soft-agnostic"])
def test_a_number_that_is_not_finite_reaches_the_answer(nms: Nms) -> None:
    weights = load(WEIGHTS, variables(SPEC, 6))
    bias = weights.arrays["class_net/class-predict/bias"].copy()
    bias[7] = np.nan
    stages = stages_for(
        EfficientDet(SPEC, num_classes=6, input_size=SIDE),
        dict(weights.arrays) | {"class_net/class-predict/bias": bias},
        Selection(0.4, 0.5, 20, nms=nms), precision="float32", xla=False,
    )  # fmt: skip
    kept = Plan(stages).run(pictures(1), np.int32([CONTENT]))
    assert kept.count[0] > 0
    assert np.isposinf(kept.score[0, 0])


def test_at_most_the_wanted_number_is_reported_best_first() -> None:
    kept = run(pictures(4))
    assert (kept.count <= 20).all()
    for picture in range(4):
        score = rows(kept, picture)[1]
        assert (score >= 0.02).all()
        assert (np.diff(score) <= 0).all()


@pytest.mark.parametrize(
    ("precision", "xla", "tolerance"),
    [("float32", True, 1e-5), ("float16", True, 2e-3), ("bfloat16", False, 5e-3)],
)
def test_every_arithmetic_finds_the_same_best_box(
    precision: str, xla: bool, tolerance: float
) -> None:
    """XLA compiles for this processor here; the graph is the one that a GPU is given."""
    exact, other = run(pictures(2)), run(pictures(2), precision=precision, xla=xla)
    assert (other.count > 0).all()
    np.testing.assert_allclose(other.score[:, 0], exact.score[:, 0], atol=tolerance)
    np.testing.assert_allclose(other.xyxy[:, 0], exact.xyxy[:, 0], atol=1)


def test_no_sum_is_an_addn_whose_total_two_runs_would_share() -> None:
    kinds = {operation.type for operation in plan()._graph.graph.get_operations()}
    assert "AddV2" in kinds
    assert "AddN" not in kinds


def test_a_failure_of_the_graph_says_what_and_not_only_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = (
        "Graph execution error:\n\nDetected at node a/b defined at (most recent call last):\n"
        "<stack traces unavailable>\nResource a/b exists\n\t [[{{node a/b}}]] [Op:compute]"
    )

    def fail(*_: object) -> Kept:
        raise tf.errors.AlreadyExistsError(None, None, said)

    monkeypatch.setattr(plan(), "_answer", fail)
    with pytest.raises(InferenceError, match=r"Resource a/b exists$"):
        run(pictures(1))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nat node"), "oom"),
        (tf.errors.InternalError(None, None, ""), "runtime"),
    ],
)
def test_failures_become_one_line_with_a_reason(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Kept:
        raise error

    monkeypatch.setattr(plan(), "_answer", fail)
    with pytest.raises(InferenceError) as caught:
        run(pictures(1))
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)
