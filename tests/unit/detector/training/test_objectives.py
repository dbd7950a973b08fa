from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detector.boxes.anchors import anchor_boxes, cells_per_side
from detector.boxes.decode import decode_boxes
from detector.networks.sizes import ARTICLE_SIZES, SIZES, YOLO_SIZES
from detector.training import schedules
from detector.training.anchor_targets import BACKGROUND, IGNORED, encode
from detector.training.article import ArticleObjective
from detector.training.automl import AutomlObjective, AutomlOptions
from detector.training.objectives import objective_for
from detector.training.setup import automl_penalty, yolo_penalty
from detector.training.yolo import YoloObjective, YoloOptions

D0, ARTICLE_D0 = SIZES["efficientdet-d0"], ARTICLE_SIZES["efficientdet-d0"]
YOLO = YOLO_SIZES["efficientnet-yolov3-b0"]
SIDE, CLASSES = 128, 3

OBJECTIVES: dict[str, Any] = {
    "automl": ("automl", D0, None),
    "automl, low quality": ("automl", D0, AutomlOptions(matching="low_quality")),
    **{
        f"automl, {kind}": ("automl", D0, AutomlOptions(iou_loss=kind))
        for kind in ("iou", "giou", "diou", "ciou")
    },
    **{
        f"automl, {rule}, {loss}": ("automl", D0, AutomlOptions(matching=rule, class_loss=loss))
        for rule in ("low_quality", "dynamic", "aligned")
        for loss in ("focal", "varifocal")
    },
    "article": ("article", ARTICLE_D0, None),
    "yolo": ("article", YOLO, None),
    "yolo, codes": ("article", YOLO, YoloOptions(ciou=False)),
}


def objective(name: str) -> Any:
    dialect, spec, options = OBJECTIVES[name]
    return objective_for(dialect, spec, num_classes=CLASSES, input_size=SIDE, options=options)


def outputs(name: str, fill: float, pictures: int = 1) -> list[list[Any]]:
    if name.startswith("yolo"):
        return [
            [tf.fill([pictures, side, side, 3 * (5 + CLASSES)], fill) for side in (4, 8, 16)],
        ]
    cells = cells_per_side(SIDE, D0.levels)
    return [[tf.fill([pictures, n, n, 9 * width], fill) for n in cells] for width in (CLASSES, 4)]


def rows(*boxes: tuple[float, float, float, float], ignored: tuple[int, ...] = ()) -> Any:
    """One picture; classes go up from 0."""
    padded = np.zeros((1, 8, 4), np.float32)
    padded[0, : len(boxes)] = np.reshape(boxes, (-1, 4))
    classes = np.full((1, 8), -1, np.int32)
    classes[0, : len(boxes)] = np.arange(len(boxes)) % CLASSES
    regions = np.zeros((1, 8), bool)
    regions[0, list(ignored)] = True
    return padded, classes, regions


TWO = ((16.0, 8.0, 56.0, 100.0), (64.0, 64.0, 90.0, 80.0))


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize(
    ("boxes", "fill"),
    [((), 200.0), (TWO, 0.0), (TWO, -20.0), (TWO, 20.0), (((10.0, 10.0, 10.0, 30.0),), 0.0)],
    ids=["nothing", "undecided", "tiny", "huge", "flat box"],
)
def test_gradients_are_finite_whatever_comes_out(name: str, boxes: Any, fill: float) -> None:
    tested = objective(name)
    targets, given = tested.targets(*rows(*boxes)), outputs(name, fill)
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = tested.loss(given, targets)
    for gradient in tf.nest.flatten(tape.gradient(losses["total"], given)):
        assert np.isfinite(gradient).all()
    parts = [float(loss) for part, loss in losses.items() if part != "total"]
    assert float(losses["total"]) == pytest.approx(sum(parts), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_empty_picture_costs_more_the_more_is_seen_in_it(name: str) -> None:
    tested = objective(name)
    targets = tested.targets(*rows())
    costs = [
        float(tested.loss(outputs(name, fill), targets)["total"]) for fill in (-8.0, -4.0, 0.0)
    ]
    assert costs == sorted(costs)
    assert costs[0] < 0.05 * costs[2]


@pytest.mark.parametrize(
    "name",
    [
        "automl, low quality",
        "automl, ciou",
        "automl, dynamic, focal",
        "automl, aligned, varifocal",
        "article",
        "yolo",
    ],
)
def test_steps_downhill_teach_the_boxes(name: str) -> None:
    """Outputs that are variables by themselves learn what they are asked for."""
    tested = objective(name)
    targets = tested.targets(*rows(*TWO))
    learnt = tf.nest.map_structure(tf.Variable, outputs(name, 0.0))
    optimizer = tf.keras.optimizers.Adam(0.5)

    @tf.function(autograph=False)
    def step() -> Any:
        with tf.GradientTape() as tape:
            total = tested.loss(learnt, targets)["total"]
        variables = tf.nest.flatten(learnt)
        optimizer.apply(tape.gradient(total, variables), variables)
        return total

    first = float(step())
    for _ in range(60):
        last = float(step())
    assert last < 0.1 * first


@pytest.mark.parametrize("name", ["automl", "article", "yolo"])
def test_nothing_is_learnt_in_an_ignored_region(name: str) -> None:
    tested, everywhere = objective(name), (0.0, 0.0, float(SIDE), float(SIDE))

    def learning(picture: Any) -> int:
        seen = outputs(name, 0.0)
        with tf.GradientTape() as tape:
            tape.watch(seen)
            total = tested.loss(seen, tested.targets(*picture))["total"]
        return sum(np.count_nonzero(x) for x in tf.nest.flatten(tape.gradient(total, seen)))

    assert learning(rows(everywhere, ignored=(0,))) < 0.2 * learning(rows())


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if not name.startswith("yolo")])
def test_an_unlabelled_class_is_learnt_from_known_boxes_alone(name: str) -> None:
    tested, seen = objective(name), outputs(name, 0.0)
    unlabelled = tf.constant([[False, False, True]])

    def learnt(picture: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(seen)
            total = tested.loss(seen, tested.targets(*picture), unlabelled)["total"]
        logits = tape.gradient(total, seen[0])
        return np.concatenate([np.reshape(level, (-1, CLASSES)) for level in logits])

    nothing, boxes = (np.count_nonzero(learnt(rows(*given)), axis=0) for given in ((), TWO))
    assert nothing[0] == nothing[1] > 0 == nothing[2]
    assert 0 < boxes[2] < 0.05 * boxes[0]


def test_a_code_is_the_way_back_from_a_box() -> None:
    anchors = tf.constant(anchor_boxes(SIDE, D0.levels, 4.0))
    box = tf.constant([10.0, 20.0, 50.0, 44.0])
    xyxy = decode_boxes(encode(box, anchors), anchors)
    np.testing.assert_allclose(xyxy, np.tile([20, 10, 44, 50], (len(anchors), 1)), rtol=1e-4)


def test_each_dialect_and_family_has_its_objective() -> None:
    def kind(dialect: str, spec: Any) -> type:
        return type(objective_for(dialect, spec, num_classes=CLASSES, input_size=SIDE))

    assert kind("automl", D0) is kind("automl-advprop", D0) is AutomlObjective
    assert kind("article", ARTICLE_D0) is kind("article-stretched", ARTICLE_D0) is ArticleObjective
    assert kind("article", YOLO) is kind("article-stretched", YOLO) is YoloObjective


@pytest.mark.parametrize(
    ("dialect", "spec", "options"),
    [
        ("automl", D0, YoloOptions()),
        ("article", ARTICLE_D0, AutomlOptions()),
        ("article", YOLO, AutomlOptions()),
    ],
)
def test_options_of_another_objective_are_refused(dialect: str, spec: Any, options: Any) -> None:
    with pytest.raises(TypeError):
        objective_for(dialect, spec, num_classes=CLASSES, input_size=SIDE, options=options)


def test_generous_matching_teaches_small_boxes_to_more_anchors() -> None:
    small = rows((40.0, 40.0, 62.0, 52.0))
    strict, generous = (
        objective(name).targets(*small).classes.numpy()
        for name in ("automl", "automl, low quality")
    )
    assert np.count_nonzero(strict >= 0) == 1
    assert 2 <= np.count_nonzero(generous >= 0) <= 8
    assert not (strict == IGNORED).any()
    assert set(generous[strict >= 0]) == {0}


def test_smoothed_labels_cost_the_certain_more() -> None:
    targets = objective("automl").targets(*rows())
    assert set(np.unique(targets.classes)) == {BACKGROUND}
    smooth = objective_for(
        "automl", D0, num_classes=CLASSES, input_size=SIDE,
        options=AutomlOptions(label_smoothing=0.1),
    )  # fmt: skip
    given = outputs("automl", 2.0)
    assert float(smooth.loss(given, targets)["class"]) < float(
        objective("automl").loss(given, targets)["class"]
    )


def test_yolo_keeps_the_last_box_of_a_prior_and_all_their_classes() -> None:
    first, last = (40.0, 40.0, 60.0, 60.0), (41.0, 41.0, 60.0, 60.0)
    targets = objective("yolo").targets(*rows(first, last))
    assert targets.prior[0, 0] == -1
    assert targets.prior[0, 1] >= 0
    np.testing.assert_array_equal(targets.classes[0, 1], [1, 1, 0])


def test_yolo_takes_whole_pixels_for_centres() -> None:
    targets = objective("yolo").targets(*rows((40.0, 41.0, 61.0, 62.0)))
    np.testing.assert_array_equal(targets.xyxy[0, 0], [40.5, 39.5, 61.5, 60.5])


def test_yolo_teaches_a_picture_by_itself() -> None:
    tested = objective("yolo")
    alone = tested.targets(*rows(*TWO))
    batch = tested.targets(
        *(np.concatenate(part) for part in zip(rows(TWO[1]), rows(*TWO), rows(), strict=True))
    )
    for part, of_batch in zip(alone, batch, strict=True):
        np.testing.assert_array_equal(of_batch[1], part[0])


def test_only_kernels_are_penalised() -> None:
    variables = {
        "efficientnet-b0/stem/conv2d/kernel": tf.fill([2], 1.0),
        "class_net/class-0/depthwise_kernel": tf.fill([3], 2.0),
        "class_net/class-0/bias": tf.fill([4], 9.0),
        "yolo/p5/predict/kernel": tf.fill([1], 3.0),
        "yolo/p5/predict/bias": tf.fill([1], 9.0),
        "yolo/p5/head/bn/gamma": tf.fill([1], 9.0),
    }
    assert float(automl_penalty(variables)) == pytest.approx(4e-5 * (2 + 12 + 9) / 2)
    assert float(yolo_penalty(variables)) == pytest.approx(5e-4 * 9)


def test_the_rate_of_an_epoch_holds_for_all_its_steps() -> None:
    @tf.function
    def rate(step: Any) -> Any:
        return schedules.article(step, peak=1.0, floor=0.01, epochs=100, steps_per_epoch=7)

    by_step = [float(rate(tf.constant(step, tf.int64))) for step in range(0, 700, 3)]
    by_epoch = schedules.article(np.arange(100), peak=1.0, floor=0.01, epochs=100).numpy()
    np.testing.assert_allclose(
        by_step, [by_epoch[step // 7] for step in range(0, 700, 3)], rtol=1e-5
    )
    assert by_step[-1] == pytest.approx(0.01)
