"""What a step changes, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detector.training.learner import Learner, Norm
from detector.training.rates import Rates
from tests.support.toy_network import STEM, Naming, Toy, batch, start

RATES = Rates(steps=100, warmup_steps=0, peak=1e-2)


def learner(
    rates: Rates = RATES,
    *,
    norm: Norm = "train",
    frozen: tuple[str, ...] = (),
    precision: str = "float32",
) -> Learner:
    return Learner(
        Toy(), start(), Naming(), rates, norm=norm, frozen_prefixes=frozen, precision=precision
    )


def changed(learner: Learner) -> set[str]:
    """Names of variables that are no longer as they began."""
    now = weights(learner)
    return {name for name, array in start().items() if not np.array_equal(now[name], array)}


def weights(learner: Learner) -> dict[str, np.ndarray]:
    """As the last step left them."""
    arrays = dict(learner._fixed)
    for pack in learner._packs:
        arrays |= pack.arrays(pack.variable)
    return arrays


def test_loss_falls_on_what_is_shown_again_and_again() -> None:
    one = learner()
    losses = [one.step(batch()) for _ in range(15)]
    totals = [each["total"] for each in losses]
    assert np.isfinite(totals).all()
    assert min(totals[-3:]) < 0.7 * totals[0]
    parts = [value for name, value in losses[0].items() if name not in ("total", "gradient")]
    assert totals[0] == pytest.approx(sum(parts), rel=1e-5)


def test_frozen_stages_and_statistics_stay() -> None:
    one = learner(norm="frozen", frozen=(STEM,))
    one.step(batch())
    moved = changed(one)
    assert moved
    assert not any(name.startswith(STEM) or "/moving_" in name for name in moved)
    assert any(name.startswith("efficientnet-toy/blocks_0/") for name in moved)


def test_a_head_learns_on_a_backbone_that_is_wholly_frozen() -> None:
    one = learner(norm="frozen", frozen=("efficientnet-toy/",))
    one.step(batch())
    assert {name.partition("/")[0] for name in changed(one)} == {"head"}


def test_a_frozen_backbone_norm_leaves_the_others_to_learn() -> None:
    one = learner(norm="frozen-backbone")
    one.step(batch())
    statistics = {name for name in changed(one) if "/moving_" in name}
    assert statistics
    assert not any(name.startswith("efficientnet-") for name in statistics)


def test_the_backbone_waits_for_its_turn() -> None:
    one = learner(Rates(steps=100, warmup_steps=0, peak=1e-2, backbone_from=2), norm="frozen")
    for _ in range(2):
        one.step(batch())
    assert not any(name.startswith("efficientnet-") for name in changed(one))
    one.step(batch())
    assert any(name.startswith("efficientnet-") for name in changed(one))


def test_accumulated_steps_are_learnt_from_at_once() -> None:
    one = learner(Rates(steps=100, warmup_steps=0, peak=1e-2, accumulate=2), norm="frozen")
    one.step(batch())
    assert not changed(one)
    one.step(batch())
    assert changed(one)


def test_weights_to_use_are_the_running_average() -> None:
    one = learner(Rates(steps=100, warmup_steps=0, peak=1e-2, average=0.5))
    name = "head/predict/bias"
    average = start()[name]
    for step in range(1, 4):
        one.step(batch())
        keep = min(0.5, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * weights(one)[name]
    np.testing.assert_allclose(one.averaged()[name], average, rtol=1e-5, atol=1e-8)


def test_a_shorter_type_inside_costs_the_same() -> None:
    short = learner(precision="bfloat16").step(batch())["total"]
    assert short == pytest.approx(learner().step(batch())["total"], rel=0.05)


def test_a_restored_learner_goes_on_as_if_it_had_never_stopped() -> None:
    straight = learner()
    for _ in range(2):
        straight.step(batch())
    other = learner()
    for mine, theirs in zip(_numbers(other), _numbers(straight), strict=True):
        mine.assign(theirs)
    assert other.steps_done == 2
    assert other.step(batch()) == pytest.approx(straight.step(batch()), rel=1e-5)


def _numbers(learner: Learner) -> list[tf.Variable]:
    state = learner.state()
    optimizers = [value for optimizer in state.optimizers for value in optimizer.variables]
    return [state.step, *state.weights, *state.averages, *(v.value for v in optimizers)]


def test_rates_rise_in_a_line_and_fall_as_a_cosine() -> None:
    rates = Rates(steps=110, warmup_steps=10, peak=1.0, backbone=0.5, backbone_from=50)
    assert [rates.at(step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert [rates.at(step) for step in (10, 60, 110)] == pytest.approx([1.0, 0.5, 0.0])
    assert [rates.of_backbone(step) for step in (50, 59, 85, 110)] == pytest.approx(
        [0.05, 0.5, 0.25, 0.0]
    )
