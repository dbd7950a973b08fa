"""From EfficientDet's raw outputs to candidates, as `boxes.decode` has it: a picture, in NumPy.

What cannot be reported is left out first: a stored number is compared with the one that the
threshold comes to, so that of hundreds of thousands only a few hundred are ever looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.boxes.candidates import Candidates
from detector.int8.flat import Quantized

Floats = npt.NDArray[np.float32]
_EVERY = np.arange(-128, 128, dtype=np.int8)


@dataclass(frozen=True)
class Level:
    """How the numbers of one level's output are stored: as they are, or in int8."""

    quantized: Quantized | None = None

    def numbers(self, stored: npt.NDArray[Any]) -> Floats:
        """What is meant by what is stored."""
        if self.quantized is None:
            return stored
        steps = stored.astype(np.float32) - np.float32(self.quantized.zero)
        return np.asarray(steps * self.quantized.scale, np.float32)

    def reaching(self, stored: npt.NDArray[Any], threshold: float) -> npt.NDArray[np.intp]:
        """Where in `stored` [N] the logits are whose scores reach `threshold`."""
        if self.quantized is None:
            return np.flatnonzero(sigmoid(stored) >= threshold)
        lowest = int(np.searchsorted(self._table, np.float32(threshold)))
        if lowest == len(self._table):
            return np.zeros(0, np.intp)
        return np.flatnonzero(stored >= _EVERY[lowest])

    @cached_property
    def _table(self) -> Floats:
        return sigmoid(self.numbers(_EVERY))


@dataclass(frozen=True, slots=True)
class Decoder:
    """Of one network: how its outputs are stored, per level, and what its codes refer to."""

    logits: Sequence[Level]
    codes: Sequence[Level]
    anchors_yxyx: Floats  # [A, 4]
    num_classes: int
    clip_to: int | None = None

    def __call__(
        self,
        logits: Sequence[npt.NDArray[Any]],
        codes: Sequence[npt.NDArray[Any]],
        *,
        threshold: float,
        limit: int,
    ) -> Candidates:
        """Of one picture the `limit` anchors with the best scores, and that reach `threshold`,
        each with its one best class; levels come as [A, classes] and [A, 4].

        Where logits are not finite, the best anchors there are have scores of infinity.
        """
        if not all(_finite(level) for level in logits):
            return _broken()
        chosen, logit_parts, classes, boxes, start = [], [], [], [], 0
        for number, stored in enumerate(logits):
            rows, best, class_id = self._best(number, stored, threshold, limit)
            chosen.append(rows + start)
            logit_parts.append(best)
            classes.append(class_id)
            boxes.append(self.codes[number].numbers(codes[number][rows]))
            start += len(stored)
        logit = np.concatenate(logit_parts)
        order = np.argsort(-logit, kind="stable")[:limit]  # equal ones keep the anchors' order
        anchors = self.anchors_yxyx[np.concatenate(chosen)[order]]
        xyxy = decode_boxes(np.concatenate(boxes)[order], anchors)
        if self.clip_to is not None:
            xyxy = np.clip(xyxy, np.float32(0), np.float32(self.clip_to))
        return Candidates(xyxy, sigmoid(logit[order]), np.concatenate(classes)[order])

    def _best(
        self, number: int, stored: npt.NDArray[Any], threshold: float, limit: int
    ) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.int32]]:
        """Anchors of a level whose best class reaches the threshold, its logit, and its class; of
        more than `limit` those that may be among the best.
        """
        level = self.logits[number]
        reaching = level.reaching(stored.reshape(-1), threshold) // self.num_classes
        rows = reaching[np.flatnonzero(np.diff(reaching, prepend=-1))]  # they ascend: each once
        best = stored[rows].max(axis=1)
        if len(rows) > limit:
            may_be = best >= np.partition(best, -limit)[-limit]
            rows, best = rows[may_be], best[may_be]
        class_id = stored[rows].argmax(axis=1).astype(np.int32)
        return rows, level.numbers(best), class_id


def decode_boxes(code: Floats, anchor: Floats) -> Floats:
    """xyxy from codes (ty, tx, th, tw) relative to anchors (y1, x1, y2, x2), both [N, 4]."""
    top_left, bottom_right = anchor[:, :2], anchor[:, 2:]
    size = bottom_right - top_left
    centre = code[:, :2] * size + (top_left + bottom_right) / 2
    with np.errstate(over="ignore"):  # infinity is told by whoever asked
        half = np.exp(code[:, 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], axis=1)[:, [1, 0, 3, 2]]


def sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)), np.float32)


def _finite(level: npt.NDArray[Any]) -> bool:
    if level.dtype == np.int8:
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(level.sum()))


def _broken() -> Candidates:
    return Candidates(
        np.zeros((1, 4), np.float32), np.array([np.inf], np.float32), np.zeros(1, np.int32)
    )
