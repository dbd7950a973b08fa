"""A run's course: measuring, keeping the best, losing patience, stopping and going on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from detector.training import journal
from detector.training.loop import BEST, LAST, Outcome, Training
from detector.training.settings import Settings
from detector.training.setup import Setup, prepare
from detector.weights.description import read_description
from tests.support.drawn_data import LABELS, write_drawn


class CountingLearner:
    """Learns nothing but how many steps it took; its loss tells which pictures it was shown."""

    def __init__(self, setup: Setup) -> None:
        variables = setup.model.variables(len(setup.data.labels))
        self._arrays = {name: np.zeros(shape, np.float32) for name, shape in variables.items()}
        self._steps = tf.Variable(0, dtype=tf.int64)

    @property
    def steps_done(self) -> int:
        return int(self._steps.numpy())

    def step(self, batch: object) -> dict[str, float]:
        self._steps.assign_add(1)
        return {"total": float(tf.reduce_mean(tf.cast(batch.pixels, tf.float32)))}  # type: ignore[attr-defined]

    def distributed(self, source: Iterable[object]) -> Iterable[object]:
        return source

    def averaged(self) -> dict[str, np.ndarray]:
        return self._arrays

    def state(self) -> tf.train.Checkpoint:
        return tf.train.Checkpoint(step=self._steps)


class Heard:
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.measurements: list[tuple[int, float]] = []

    def learnt(self, step: int, losses: Mapping[str, float]) -> None:
        self.steps.append(step)

    def measured(self, step: int, figures: Mapping[str, float]) -> None:
        self.measurements.append((step, figures["ap"]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn(tmp_path_factory.mktemp("data"), 8)


def setup_for(data: Path, **settings: object) -> Setup:
    usual = {"data": (data,), "init": "random", "input_size": 64, "batch": 4, "epochs": 10}
    return prepare(Settings.model_validate(usual | settings))


def train(
    setup: Setup,
    folder: Path,
    *,
    aps: Iterable[float] = (),
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Outcome, Heard]:
    folder.mkdir(exist_ok=True)
    scores = iter(aps)
    measure = (lambda _weights: {"ap": next(scores)}) if aps else None
    training = Training(setup, CountingLearner(setup), folder, measure=measure)  # type: ignore[arg-type]
    training.resume()
    heard = Heard()
    return training.run(stopping=stopping, reporter=heard), heard


def test_a_run_takes_its_steps_and_leaves_weights_that_say_what_they_are(
    data: Path, tmp_path: Path
) -> None:
    outcome, heard = train(setup_for(data, licence="CC0"), tmp_path)
    assert heard.steps == list(range(1, 21))
    assert outcome == Outcome(step=20, weights=tmp_path / LAST, finished=True)
    about = read_description(outcome.weights)
    assert (about.architecture, about.labels) == ("efficientdet-lite0", LABELS)
    assert (about.input_size, about.licence) == (64, "CC0")


def test_the_best_weights_are_kept(data: Path, tmp_path: Path) -> None:
    setup = setup_for(data, evaluate_every=2.5)
    outcome, heard = train(setup, tmp_path, aps=[0.1, 0.3, 0.2, 0.25])
    assert heard.measurements == [(5, 0.1), (10, 0.3), (15, 0.2), (20, 0.25)]
    assert outcome.weights == tmp_path / BEST
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [BEST, LAST]


def test_patience_ends_a_run_that_gets_no_better(data: Path, tmp_path: Path) -> None:
    setup = setup_for(data, evaluate_every=1, patience=2)
    outcome, _ = train(setup, tmp_path, aps=[0.1, 0.3, 0.2, 0.3, 0.9])
    assert (outcome.step, outcome.finished) == (8, True)


def test_a_stopped_run_goes_on_with_the_pictures_that_come_next(data: Path, tmp_path: Path) -> None:
    setup = setup_for(data, mosaic=0.5)
    train(setup, tmp_path / "straight")
    calls = iter(range(100))
    outcome, _ = train(setup, tmp_path / "broken", stopping=lambda: next(calls) >= 10)
    assert (outcome.step, outcome.finished) == (10, False)
    outcome, heard = train(setup, tmp_path / "broken")
    assert heard.steps == list(range(11, 21))
    assert _losses(tmp_path / "broken") == _losses(tmp_path / "straight")


def test_a_finished_run_has_nothing_more_to_learn(data: Path, tmp_path: Path) -> None:
    train(setup_for(data), tmp_path)
    outcome, heard = train(setup_for(data), tmp_path)
    assert (heard.steps, outcome.finished) == ([], True)


def _losses(folder: Path) -> list[tuple[float, float]]:
    return [(point["step"], point["total"]) for point in journal.read(folder)]
