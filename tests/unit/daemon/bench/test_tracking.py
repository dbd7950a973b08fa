"""Invented streets have a known truth, and numbers that stay are told from those that do not."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest

from daemon.bench import tracking
from daemon.bench.ids import numbering, verdict
from daemon.bench.worlds import NOBODY, SIZE, Habits, street, watched


def numbered(*pictures: tuple[list[int], list[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.array(truth), np.array(said)) for truth, said in pictures]


def test_numbers_that_stay_are_perfect() -> None:
    said = verdict(numbered(([7, 8], [1, 2]), ([8, 7], [2, 1]), ([7], [1])))
    assert (said.switches, said.idf1, said.coverage, said.numbers) == (0, 1.0, 1.0, 1.0)


def test_a_swap_is_two_switches_and_costs_both_objects() -> None:
    said = verdict(numbered(([7, 8], [1, 2]), ([7, 8], [2, 1])))
    assert (said.switches, said.idf1) == (2, 0.5)


def test_boxes_without_a_number_cost_coverage_and_invented_ones_cost_idf1() -> None:
    said = verdict(numbered(([7, NOBODY], [1, 2]), ([7], [0])))
    assert said.coverage == 0.5
    assert said.idf1 == pytest.approx(2 * 1 / (2 + 2))
    assert said.numbers == 2.0


def test_a_street_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    def boxes(seed: int) -> list[list[float]]:
        looks = watched(street(seed, seconds=3), Habits(), seed, seconds=3)
        return [look.found.xyxy_px.ravel().tolist() for look in looks]

    assert boxes(1) == boxes(1)
    assert boxes(1) != boxes(2)


def test_what_the_detector_says_is_of_who_is_there() -> None:
    for look in watched(street(3, seconds=5), Habits(fps=10), 3, seconds=5):
        known = set(look.truth.tolist()) - {NOBODY}
        assert known <= set(look.present.tolist())
        assert (np.diff(look.found.score) <= 0).all()
        assert (look.found.xyxy_px[:, 2] <= SIZE[0]).all()


@pytest.mark.parametrize("fps", [30.0, 10.0, 5.0])
def test_most_of_every_life_keeps_one_number(fps: float) -> None:
    looks = [tracking.looks_of(fps, 0.1, seed, seconds=12) for seed in range(3)]
    said = tracking.means([verdict(numbering(street)) for street in looks])
    assert said["idf1"] > 0.82
    assert said["coverage"] > 0.93
    assert said["numbers_per_object"] < 1.3


def test_the_command_prints_all_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "RATES", (5.0,))
    monkeypatch.setattr(tracking, "BOXES", (5,))
    monkeypatch.setattr(tracking, "picture_ms", lambda _boxes: 0.1)
    monkeypatch.setattr(tracking, "cameras_cores", lambda: 0.1)
    parser = argparse.ArgumentParser()
    tracking.add_parser(parser.add_subparsers())
    for options in ([], ["--json"]):
        args = parser.parse_args(["tracking", "--seconds", "6", "--seeds", "1", *options])
        assert tracking.run(args) == 0
    printed = capsys.readouterr().out
    assert "32 cameras × 10 fps × 12 boxes" in printed
    figures = json.loads(printed.splitlines()[-1])
    assert [row["misses"] for row in figures["streets"]] == [0.08, 0.2]


def test_times_are_measured() -> None:
    assert 0 < tracking.picture_ms(3, pictures=10) < 100
    assert tracking.cameras_cores(seconds=0.3) > 0
    assert tracking.reference_us(100) > 0
