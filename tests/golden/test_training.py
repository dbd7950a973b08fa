"""What three originals teach, and what it costs not to have learnt it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.networks.sizes import ARTICLE_SIZES, SIZES, YOLO_SIZES
from detector.training import schedules
from detector.training.anchor_targets import BACKGROUND, IGNORED, AnchorTargets
from detector.training.automl import AutomlObjective, AutomlOptions
from detector.training.box_iou import IouKind, box_iou
from detector.training.objectives import objective_for
from detector.training.setup import yolo_penalty
from detector.training.yolo import YoloObjective, YoloOptions
from tests.golden import article
from tests.golden.recorded import training

pytestmark = pytest.mark.golden

CASES = range(3)
CLASSES = 20  # of both article projects
LEVELS = (13, 26, 52)  # cells per side of YOLO's levels
NOTHING = (np.zeros((0, 4)), np.zeros(0))  # boxes and classes of a picture
IOUS: tuple[IouKind, ...] = ("iou", "giou", "diou", "ciou")

# From this project's order of anchors to the article's: there all sizes of a shape come together.
_ORDER = np.arange(49104).reshape(-1, 3, 3).swapaxes(1, 2)[:, [1, 0, 2]].reshape(-1)


def padded(pictures: Sequence[tuple[Any, Any]]) -> tuple[Any, Any, Any]:
    """Boxes, classes and no ignored regions, in 32 rows for each picture."""
    boxes = np.zeros((len(pictures), 32, 4), np.float32)
    classes = np.full((len(pictures), 32), -1, np.int32)
    for row, (box, class_id) in enumerate(pictures):
        boxes[row, : len(box)], classes[row, : len(box)] = box, class_id
    return boxes, classes, np.zeros(classes.shape, bool)


def compute(function: Any, *args: Any) -> Any:
    """As training does: in a graph."""
    return tf.function(function, autograph=False)(*args)


def numbers(losses: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in losses.items()}


def automl(options: AutomlOptions | None = None) -> AutomlObjective:
    spec = SIZES["efficientdet-d0"]
    objective = objective_for("automl", spec, num_classes=90, input_size=512, options=options)
    return cast("AutomlObjective", objective)


def automl_cases(*cases: int) -> tuple[Any, Any, Any]:
    golden = training("automl")
    return padded(
        [
            (golden[f"case{i}/gt_boxes_yxyx"], golden[f"case{i}/gt_classes_1based"][:, 0] - 1)
            for i in cases
        ]
    )


def automl_classes(case: int) -> npt.NDArray[np.int8]:
    golden = training("automl")
    return np.concatenate([golden[f"case{case}/cls_targets_{n}"].ravel() for n in range(3, 8)])


def test_automl_teaches_the_same_anchors_the_same_boxes() -> None:
    golden = training("automl")
    targets = compute(automl().targets, *automl_cases(*CASES))
    for case in CASES:
        np.testing.assert_array_equal(targets.classes[case], automl_classes(case))
        taught = golden[f"case{case}/pos_index"]
        codes = targets.codes[case].numpy()
        np.testing.assert_allclose(
            codes[taught], golden[f"case{case}/pos_box_targets"], rtol=0, atol=1e-6
        )
        assert not np.delete(codes, taught, axis=0).any()


@pytest.mark.parametrize(
    ("iou", "smoothing"), [(None, 0.0), (None, 0.1), *((kind, 0.0) for kind in IOUS)]
)
def test_automl_asks_the_same_price(iou: IouKind | None, smoothing: float) -> None:
    golden = training("automl")
    random = np.random.RandomState(11)
    sides = [2 ** (9 - level) for level in range(3, 8)]
    outputs: list[list[Any]] = [[], []]
    for side in sides:
        outputs[0].append((random.randn(2, side, side, 810) * 1.5 - 3).astype(np.float32))
        outputs[1].append((random.randn(2, side, side, 36) * 0.3).astype(np.float32))
    objective = automl(AutomlOptions(label_smoothing=smoothing, iou_loss=iou))
    targets = compute(objective.targets, *automl_cases(1, 2))
    classes = targets.classes.numpy()
    masked = 9 * (sides[0] ** 2 + sides[1] ** 2 + 3 * sides[2] + 4) + 5
    classes[0, masked] = IGNORED
    losses = numbers(compute(objective.loss, outputs, targets._replace(classes=classes)))
    case = f"loss/iou={iou}/ls={smoothing}"
    assert losses["class"] == pytest.approx(float(golden[f"{case}/cls_loss"]), rel=1e-5)
    assert losses["box"] == pytest.approx(50 * float(golden[f"{case}/box_loss"]), rel=1e-5)
    assert losses["total"] == pytest.approx(float(golden[f"{case}/det_loss"]), rel=1e-5)
    if iou is not None:
        assert losses["iou"] == pytest.approx(float(golden[f"{case}/box_iou_loss"]), rel=1e-5)


def test_automl_focal_loss_is_the_same_number_by_number() -> None:
    """Each logit as the only one of a picture whose one anchor has no box to be taught."""
    golden = training("automl")
    truth, logits = golden["focal/y_true"].ravel(), golden["focal/logits"].ravel()
    objective = AutomlObjective(np.zeros((1, 4), np.float32), 1, AutomlOptions())
    for is_object, logit, expected in zip(
        truth, logits, golden["focal/loss_norm1"].ravel(), strict=True
    ):
        classes = tf.constant([[0 if is_object else BACKGROUND]])
        targets = AnchorTargets(classes, tf.zeros([1, 1, 4]))
        outputs = [[tf.reshape(logit, [1, 1, 1, 1])], [tf.zeros([1, 1, 1, 4])]]
        norm = 1 + is_object
        loss = float(objective.loss(outputs, targets)["class"]) * norm
        assert loss == pytest.approx(float(expected), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("kind", IOUS)
def test_automl_compares_boxes_alike(kind: IouKind) -> None:
    golden = training("automl")
    pair = (tf.constant(golden[f"iou_utils/{each}_yxyx"]) for each in ("pred", "target"))
    np.testing.assert_allclose(
        1 - box_iou(*pair, kind), golden[f"iou_utils/{kind}_loss"], rtol=1e-5, atol=1e-6
    )


def test_automl_learns_at_the_same_rate() -> None:
    golden = training("automl")
    rate = schedules.automl(golden["lr/steps"], peak=0.08, warmup_steps=100, total_steps=30_000)
    np.testing.assert_allclose(rate, golden["lr/cosine"], rtol=1e-6, atol=1e-9)


def article_efficientdet() -> Any:
    spec = ARTICLE_SIZES["efficientdet-d0"]
    return objective_for("article", spec, num_classes=CLASSES, input_size=512)


def article_cases(*cases: int) -> tuple[Any, Any, Any]:
    golden = training("article_d0")
    return padded(
        [
            (golden[f"case{i}/boxes_xyxy_norm"][:, [1, 0, 3, 2]] * 512, golden[f"case{i}/labels"])
            for i in cases
        ]
    )


def test_the_article_teaches_the_same_anchors_the_same_boxes() -> None:
    golden = training("article_d0")
    targets = compute(article_efficientdet().targets, *article_cases(*CASES))
    for case in CASES:
        classes, codes = (part[case].numpy()[_ORDER] for part in targets)
        state = np.select([classes >= 0, classes == IGNORED], [1, -1])
        np.testing.assert_array_equal(state, golden[f"case{case}/state"])
        taught = golden[f"case{case}/pos_index"]
        np.testing.assert_array_equal(classes[taught], golden[f"case{case}/pos_class"])
        np.testing.assert_allclose(
            codes[taught][:, [1, 0, 3, 2]], golden[f"case{case}/pos_targets"], rtol=0, atol=1e-6
        )


def article_outputs(pictures: int) -> list[list[Any]]:
    """As one level; codes and logits of the scores that were recorded with."""
    random = np.random.RandomState(12)
    codes = (random.randn(2, len(_ORDER), 4) * 0.5).astype(np.float32)[..., [1, 0, 3, 2]]
    logits = (random.randn(2, len(_ORDER), CLASSES) * 1.5 - 3).astype(np.float32)
    ours = np.argsort(_ORDER)
    return [[part[:pictures, ours, None]] for part in (logits, codes)]


def test_the_article_asks_the_same_price() -> None:
    golden, objective = training("article_d0"), article_efficientdet()
    targets = compute(objective.targets, *article_cases(1, 2))
    losses = numbers(compute(objective.loss, article_outputs(2), targets))
    assert losses["class"] == pytest.approx(float(golden["focal_alpha.25_gamma2"]), rel=1e-5)
    assert losses["box"] == pytest.approx(float(golden["smooth_l1_sigma3"]), rel=1e-5)
    assert losses["total"] == pytest.approx(losses["class"] + losses["box"])


def test_the_article_asks_the_same_price_for_an_empty_picture() -> None:
    golden, objective = training("article_d0"), article_efficientdet()
    targets = compute(objective.targets, *padded([NOTHING]))
    losses = numbers(compute(objective.loss, article_outputs(1), targets))
    assert losses["class"] == pytest.approx(float(golden["focal_empty"]), rel=1e-5)
    assert losses["box"] == float(golden["smooth_l1_empty"]) == 0.0


def test_the_article_learns_at_the_same_rates() -> None:
    golden, epochs = training("article_d0"), np.arange(100)
    for name, schedule in (("cos", schedules.article), ("step", schedules.article_stairs)):
        rate = schedule(epochs, peak=1e-3, floor=1e-5, epochs=100)
        np.testing.assert_allclose(rate, golden[f"lr_{name}_lr1e-3_min1e-5_total100"], rtol=1e-5)


def yolo(options: YoloOptions | None = None) -> YoloObjective:
    spec = YOLO_SIZES["efficientnet-yolov3-b0"]
    objective = objective_for("article", spec, num_classes=CLASSES, input_size=416, options=options)
    return cast("YoloObjective", objective)


def yolo_boxes() -> tuple[Any, Any, Any]:
    rows = training("article_yolo_b0")["boxes_xyxy_class"]
    classes = np.where(rows[..., 2] > rows[..., 0], rows[..., 4], -1).astype(np.int32)
    boxes = rows[..., [1, 0, 3, 2]].astype(np.float32)
    return boxes, classes, np.zeros(classes.shape, bool)


def yolo_outputs() -> list[list[Any]]:
    random, levels = np.random.RandomState(13), []
    for side in LEVELS:
        raw = (random.randn(2, side, side, 75) * 0.8).astype(np.float32)
        raw.reshape(2, side, side, 3, 25)[..., 4] -= 2
        levels.append(raw)
    return [levels]


def test_yolo_teaches_the_same_priors_the_same_boxes() -> None:
    golden = training("article_yolo_b0")
    targets = compute(yolo().targets, *yolo_boxes())
    picture, row = np.nonzero(targets.prior.numpy() >= 0)
    low, high = np.split(targets.xyxy.numpy()[picture, row], 2, axis=1)
    ours = {
        (image, prior): np.concatenate([(centre / 2) / 416, size / 416, [1], classes])
        for image, prior, centre, size, classes in zip(
            picture, targets.prior.numpy()[picture, row], low + high, high - low,
            targets.classes.numpy()[picture, row], strict=True,
        )
    }  # fmt: skip
    start, theirs = 0, {}
    for level, side in enumerate(LEVELS):
        places = golden[f"y_true_L{level}_index_b_j_i_k"]
        for (image, j, i, k), values in zip(places, golden[f"y_true_L{level}_values"], strict=True):
            theirs[image, start + (j * side + i) * 3 + k] = values
        start += 3 * side**2
    assert ours.keys() == theirs.keys()
    for place, values in theirs.items():
        np.testing.assert_allclose(ours[place], values, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("recorded", "options"),
    [
        ("loss_train_settings", YoloOptions()),
        ("loss_function_defaults", YoloOptions(obj_ratio=1.0, cls_ratio=0.125)),
        ("loss_ciou_false", YoloOptions(ciou=False)),
        ("loss_ignore_.3", YoloOptions(ignore_threshold=0.3)),
    ],
)
def test_yolo_asks_the_same_price(recorded: str, options: YoloOptions) -> None:
    objective = yolo(options)
    targets = compute(objective.targets, *yolo_boxes())
    losses = numbers(compute(objective.loss, yolo_outputs(), targets))
    expected = float(training("article_yolo_b0")[recorded])
    assert losses["total"] == pytest.approx(expected, rel=1e-5)


def test_yolo_asks_the_same_price_for_empty_pictures() -> None:
    objective = yolo(YoloOptions(obj_ratio=1.0, cls_ratio=0.125))
    targets = compute(objective.targets, *padded([NOTHING, NOTHING]))
    losses = numbers(compute(objective.loss, yolo_outputs(), targets))
    expected = float(training("article_yolo_b0")["loss_no_objects_function_defaults"])
    assert losses["total"] == pytest.approx(expected, rel=1e-5)
    assert losses["box"] == losses["class"] == 0.0


def test_yolo_asks_the_same_price_at_every_level() -> None:
    """There a lone level is not balanced against the others."""
    objective, golden = yolo(), training("article_yolo_b0")
    targets = compute(objective.targets, *yolo_boxes())
    parts = compute(objective.losses_by_level, yolo_outputs(), targets)
    alone = parts["box"] + parts["class"] + parts["object"] / [0.4, 1.0, 4.0]
    expected = [float(golden[f"loss_level{level}_only_balance1"]) for level in range(3)]
    np.testing.assert_allclose(alone, expected, rtol=1e-5)


def test_yolo_compares_boxes_alike() -> None:
    golden = training("article_yolo_b0")
    corners = []
    for name in ("ciou/b1_cxcywh", "ciou/b2_cxcywh"):
        centre, size = np.split(golden[name], 2, axis=1)
        corners.append(tf.constant(np.concatenate([centre - size / 2, centre + size / 2], axis=1)))
    np.testing.assert_allclose(
        box_iou(corners[0], corners[1], "ciou"), golden["ciou/value"][:, 0], rtol=1e-5, atol=1e-6
    )


def test_yolo_asks_the_same_price_for_large_kernels() -> None:
    cost = yolo_penalty(article.weights("yolo_b0").arrays)
    expected = float(training("article_yolo_b0")["l2_regularisation_sum_of_net_losses"])
    assert float(cost) == pytest.approx(expected, rel=1e-6)
