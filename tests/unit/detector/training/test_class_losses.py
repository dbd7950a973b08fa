from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detector.training.anchor_targets import BACKGROUND, IGNORED, counted_classes
from detector.training.class_losses import focal, varifocal


def slope(quality: float, score: float) -> float:
    """How the varifocal loss of one anchor changes with its logit."""
    logit = tf.constant([[[np.log(score / (1 - score))]]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logit)
        loss = varifocal(logit, tf.fill([1, 1, 1], quality), tf.ones([1, 1, 1]))
    return float(tape.gradient(loss, logit)[0, 0, 0])


@pytest.mark.parametrize("quality", [0.2, 0.5, 0.9])
def test_a_score_is_driven_to_the_quality_of_its_box(quality: float) -> None:
    assert slope(quality, quality) == pytest.approx(0.0, abs=1e-6)
    assert slope(quality, quality / 2) < 0 < slope(quality, (1 + quality) / 2)


def test_good_boxes_and_hard_background_weigh_more() -> None:
    assert slope(0.9, 0.45) < slope(0.3, 0.15) < 0
    assert slope(0.0, 0.8) > 20 * slope(0.0, 0.2) > 0


@pytest.mark.parametrize("uncounted", [(0, 0, 0), (0, 1, 2)])
def test_what_does_not_count_costs_nothing(uncounted: tuple[int, int, int]) -> None:
    logits = tf.random.stateless_normal([1, 2, 3], (1, 2), stddev=2.0)
    truth = tf.constant([[[1.0, 0, 0], [0, 0, 0]]])
    everything = np.ones((1, 2, 3), np.float32)
    less = everything.copy()
    less[uncounted] = 0
    for loss in (
        lambda c: focal(logits, truth, c, smoothing=0.0),
        lambda c: varifocal(logits, truth, c),
    ):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = loss(tf.constant(less))
        gradient = tape.gradient(total, logits).numpy()
        assert gradient[uncounted] == 0
        assert np.count_nonzero(gradient) == 5
        assert total < loss(tf.constant(everything))


def test_an_unlabelled_class_counts_only_where_a_box_is_known() -> None:
    classes = tf.constant([[2, BACKGROUND, IGNORED], [2, BACKGROUND, IGNORED]])
    unlabelled = tf.constant([[False, True, False], [False, False, False]])
    counted = counted_classes(classes, unlabelled)
    np.testing.assert_array_equal(counted[0], [[1, 1, 1], [1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(counted[1], [[1, 1, 1], [1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(
        counted_classes(classes, None)[..., 0], counted[1:, :, 0].numpy().repeat(2, 0)
    )
