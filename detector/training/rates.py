"""How fast a network learns, by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from detector.training import schedules


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast to learn, in steps: linear warm-up to `peak`, then half a cosine down to nothing;
    or as one of the originals, see `schedules`.

    The backbone learns nothing for `backbone_from` steps and then, as it usually knows more
    already, at `backbone` times the rate, with a warm-up of its own. Kernels lose `weight_decay` of
    the rate per step; `clip_norm` bounds the gradient as a whole; `average` is how much of the
    running average is kept each step; `accumulate` steps are learnt from at once.
    """

    steps: int
    warmup_steps: int
    peak: float
    backbone: float = 1.0
    backbone_from: int = 0
    optimizer: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = 0.0
    clip_norm: float = 10.0
    average: float = 0.9998
    accumulate: int = 1
    schedule: Literal["cosine", "automl", "article"] = "cosine"
    epoch_steps: int = 1

    def at(self, step: int) -> float:
        """Of the step after `step` others."""
        return self._paced(step, self.steps)

    def of_backbone(self, step: int) -> float:
        return self.backbone * self._paced(
            step - self.backbone_from, self.steps - self.backbone_from
        )

    def _paced(self, step: int, steps: int) -> float:
        if self.schedule == "automl":
            return float(
                schedules.automl(
                    step,
                    peak=self.peak,
                    warmup_steps=self.warmup_steps,
                    total_steps=steps,
                    start=0.1 * self.peak,
                )
            )
        if self.schedule == "article":
            return float(
                schedules.article(
                    step, peak=self.peak, floor=0.01 * self.peak,
                    epochs=-(-steps // self.epoch_steps), steps_per_epoch=self.epoch_steps,
                )
            )  # fmt: skip
        if step < self.warmup_steps:
            return self.peak * max(0, step + 1) / max(1, self.warmup_steps)
        left = max(1, steps - self.warmup_steps)
        return self.peak * (1 + math.cos(math.pi * min(1.0, (step - self.warmup_steps) / left))) / 2
