"""Step after step, with checkpoints: a run that is killed goes on where its last one was."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tensorflow as tf

from detector.training import journal
from detector.training.export import export
from detector.training.learner import Learner
from detector.training.pipeline import batches
from detector.training.setup import Setup

CHECKPOINTS = "checkpoints"
BEST, LAST = "best.safetensors", "last.safetensors"
_LOG_EVERY = 10  # steps
_CHECKPOINT_EVERY_S = 120.0


class Reporter(Protocol):
    """Who is told how it goes; called from the training thread."""

    def learnt(self, step: int, losses: Mapping[str, float]) -> None: ...

    def measured(self, step: int, figures: Mapping[str, float]) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """`weights` are those to use: the best on the dev data, or else the last."""

    step: int
    weights: Path
    finished: bool


Measure = Callable[[Path], Mapping[str, float]]  # a weights file → figures, `ap` among them


class Training:
    """One run in its folder. `run` returns at the end, when patience ends, or soon after `stopping`
    says so; in each case everything is saved.
    """

    def __init__(
        self,
        setup: Setup,
        learner: Learner,
        folder: Path,
        *,
        measure: Measure | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._setup = setup
        self._learner = learner
        self._folder = folder
        self._measure = measure
        self._clock = clock
        self._state = learner.state()
        self._checkpoints = tf.train.CheckpointManager(
            self._state, str(folder / CHECKPOINTS), max_to_keep=2
        )

    def resume(self) -> int:
        """Go back to the last checkpoint, if there is one; the steps that are done."""
        if latest := self._checkpoints.latest_checkpoint:
            self._state.restore(latest).assert_existing_objects_matched()
        return self._learner.steps_done

    def run(self, *, stopping: Callable[[], bool], reporter: Reporter) -> Outcome:
        """Raises OSError where a picture cannot be read or the folder not written."""
        setup, learner = self._setup, self._learner
        log = journal.Journal(
            self._folder, done=learner.steps_done, every=_LOG_EVERY, clock=self._clock
        )
        source = batches(
            setup.examples,
            size=setup.settings.batch,
            first=learner.steps_done,
            side=setup.input_size,
            num_classes=len(setup.data.labels),
        )
        saved_s, impatient = self._clock(), self._impatient()
        for batch in learner.distributed(source):
            if learner.steps_done >= setup.steps or impatient or stopping():
                break
            losses = learner.step(batch)
            step = learner.steps_done
            log.learnt(step, losses, setup.settings.batch)
            reporter.learnt(step, losses)
            if self._measure is not None and self._due(step):
                figures = self._measured(self._measure)
                log.note(step, figures)
                reporter.measured(step, figures)
                impatient = self._impatient()
                saved_s = -math.inf  # a measurement is worth a checkpoint
            if self._clock() - saved_s >= _CHECKPOINT_EVERY_S:
                self._save()
                saved_s = self._clock()
        log.end(learner.steps_done, setup.settings.batch)
        self._save()
        export(self._folder / LAST, learner.averaged(), setup)
        best = self._folder / BEST
        return Outcome(
            step=learner.steps_done,
            weights=best if best.exists() else self._folder / LAST,
            finished=learner.steps_done >= setup.steps or impatient,
        )

    def _due(self, step: int) -> bool:
        """Whether to measure now; at the end in any case."""
        every = max(1, round(self._setup.settings.evaluate_every * self._setup.steps_per_epoch))
        return step % every == 0 or step == self._setup.steps

    def _measured(self, measure: Measure) -> Mapping[str, float]:
        """Of the averaged weights, which are kept if none before were better."""
        candidate = self._folder / "candidate.safetensors"
        export(candidate, self._learner.averaged(), self._setup)
        figures = measure(candidate)
        if figures["ap"] >= max(self._scores(), default=0.0):
            candidate.replace(self._folder / BEST)
        else:
            candidate.unlink()
        return figures

    def _impatient(self) -> bool:
        """Whether the last measurements, as many as the patience, were no better than before."""
        scores, patience = self._scores(), self._setup.settings.patience
        if not patience or not scores:
            return False
        return len(scores) - 1 - scores.index(max(scores)) >= patience

    def _scores(self) -> list[float]:
        return [point["ap"] for point in journal.read(self._folder) if "ap" in point]

    def _save(self) -> None:
        self._checkpoints.save(self._learner.steps_done)
