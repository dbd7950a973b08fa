"""Costs are learnt from what daemons count."""

import pytest

from daemon.fleet.costs import GUESS_CORES, WINDOW_S, Costs
from daemon.fleet.orders import CameraFacts


def learn(costs: Costs, camera: str, cores: float, from_s: float = 0.0) -> None:
    for at_s in (from_s, from_s + WINDOW_S):
        facts = CameraFacts("streaming", cores * at_s, int(5 * at_s))
        costs.note("north", {camera: facts}, at_s)


def test_a_camera_that_was_never_measured_costs_what_the_others_do() -> None:
    costs = Costs()
    assert costs.usual_cores() == GUESS_CORES
    learn(costs, "gate", 0.2)
    assert costs.usual_cores() == pytest.approx(0.2)
    learn(costs, "yard", 0.4)
    assert costs.usual_cores() == pytest.approx(0.3)
    costs.forget_all_but({"yard"})
    assert costs.usual_cores() == pytest.approx(0.4)


def test_a_cost_follows_what_is_measured_slowly() -> None:
    costs = Costs()
    learn(costs, "gate", 0.2)
    learn(costs, "gate", 0.4, from_s=100.0)
    cost = costs.measured("gate")
    assert cost is not None
    assert 0.2 < cost.decode_cores < 0.4
