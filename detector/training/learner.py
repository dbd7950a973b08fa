"""One network in training: its weights, their running average, and the compiled step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.graph.family import Family, Outputs
from detector.graph.layers import Arrays
from detector.networks.ops import Tensor
from detector.training.objectives import Objective
from detector.training.packed import Packed
from detector.training.pipeline import Batch
from detector.training.rates import Rates
from detector.training.trainable import STATISTICS, TrainableOps

Norm = Literal["train", "frozen-backbone", "frozen"]


class Learner:
    """Owns everything that a checkpoint holds; `step` learns from one batch.

    On several GPUs each takes its part of a batch (`tf.distribute.MirroredStrategy`).
    """

    def __init__(
        self,
        family: Family,
        arrays: Arrays,
        objective: Objective,
        rates: Rates,
        *,
        norm: Norm = "train",
        frozen_prefixes: tuple[str, ...] = (),
        precision: str = "float32",
        penalty: Callable[[Mapping[str, Tensor]], Tensor] | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self._family = family
        self._objective = objective
        self._rates = rates
        self._penalty = penalty
        self._frozen_norm = _frozen_norm(norm)
        self._short = None if precision == "float32" else tf.as_dtype(precision)
        self._strategy = strategy or tf.distribute.get_strategy()
        learning = {
            name: array
            for name, array in arrays.items()
            if not name.endswith(STATISTICS) and not name.startswith(frozen_prefixes)
        }
        resting = {name: array for name, array in arrays.items() if name not in learning}
        followed = {name: array for name, array in resting.items() if self._is_followed(name)}
        self._fixed = {name: array for name, array in resting.items() if name not in followed}
        with self._strategy.scope():
            self._backbone, self._rest = (
                _Part({k: v for k, v in learning.items() if _in_backbone(k) is inside}, rates)
                for inside in (True, False)
            )
            # Kept by each device for itself, and averaged when they are read.
            self._statistics = Packed(
                followed,
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.MEAN,
            )
            self._steps_done = tf.Variable(0, dtype=tf.int64)
            self._averages = [tf.Variable(pack.variable) for pack in self._packs]
        self._step_rest = tf.function(partial(self._step, [self._rest]), autograph=False)
        self._step_all = tf.function(
            partial(self._step, [self._backbone, self._rest]), autograph=False
        )

    @property
    def steps_done(self) -> int:
        return int(self._steps_done.numpy())

    def step(self, batch: Batch) -> dict[str, float]:
        """Learn from a batch; the parts of its loss by name, their sum `total`, and the length of
        the gradient.
        """
        done = self.steps_done
        self._backbone.optimizer.learning_rate = self._rates.of_backbone(done)
        self._rest.optimizer.learning_rate = self._rates.at(done)
        waiting = done < self._rates.backbone_from
        losses = (self._step_rest if waiting else self._step_all)(batch)
        return {name: float(value) for name, value in losses.items()}

    def distributed(self, source: tf.data.Dataset) -> Iterable[Batch]:
        """Its batches, each spread over the devices that learn."""
        spread: Iterable[Batch] = self._strategy.experimental_distribute_dataset(source)
        return spread

    def averaged(self) -> dict[str, npt.NDArray[np.float32]]:
        """The weights to use: the running average, which errs less than the last step."""
        arrays = dict(self._fixed)
        for pack, average in zip(self._packs, self._averages, strict=True):
            arrays |= pack.arrays(average)
        return arrays

    def state(self) -> tf.train.Checkpoint:
        """All that a run needs to go on as if it had never stopped."""
        return tf.train.Checkpoint(
            step=self._steps_done,
            weights=[pack.variable for pack in self._packs],
            averages=self._averages,
            optimizers=[self._backbone.optimizer, self._rest.optimizer],
        )

    @property
    def _packs(self) -> list[Packed]:
        return [*self._backbone.packs, *self._rest.packs, self._statistics]

    def _is_followed(self, name: str) -> bool:
        """Whether it is a statistic that changes with what the network sees."""
        return name.endswith(STATISTICS) and not self._frozen_norm(name.rpartition("/")[0])

    def _step(self, parts: list[_Part], batch: Batch) -> Mapping[str, Tensor]:
        losses = self._strategy.run(self._learn, args=(parts, batch))
        self._follow()
        return {
            name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
            for name, value in losses.items()
        }

    def _learn(self, parts: list[_Part], batch: Batch) -> Mapping[str, Tensor]:
        """On one device; the optimizers add up what the devices have found."""
        targets = self._objective.targets(batch.boxes, batch.classes, batch.ignored)
        learning = [variable for part in parts for variable in part.variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(learning)
            values = {name: tf.constant(array) for name, array in self._fixed.items()}
            for pack in self._packs:
                values |= pack.tensors()
            ops = TrainableOps(values, frozen_norm=self._frozen_norm, short=self._short)
            x = self._family.normalise(batch.pixels, batch.content_xyxy)
            outputs = self._family.outputs(ops, x)
            losses = self._objective.loss(_widened(outputs), targets, batch.unlabelled)
            if self._penalty is not None:
                cost = self._penalty(values)
                losses |= {"penalty": cost, "total": losses["total"] + cost}
        gradients, length = tf.clip_by_global_norm(
            tape.gradient(losses["total"], learning, unconnected_gradients="zero"),
            self._rates.clip_norm,
        )
        shares = iter(gradient / self._strategy.num_replicas_in_sync for gradient in gradients)
        for part in parts:
            part.optimizer.apply([next(shares) for _ in part.variables], part.variables)
        self._statistics.put(values | ops.statistics)
        return losses | {"gradient": length}

    def _follow(self) -> None:
        """The running average; it starts short, so that it forgets the beginning."""
        self._steps_done.assign_add(1)
        done = tf.cast(self._steps_done, tf.float32)
        rest = 1 - tf.minimum(self._rates.average, (1 + done) / (10 + done))
        for average, pack in zip(self._averages, self._packs, strict=True):
            average.assign_sub(rest * (average - pack.variable))


class _Part:
    """Weights that learn at one rate: kernels, which may decay, and all others."""

    def __init__(self, arrays: Arrays, rates: Rates) -> None:
        self.packs = [
            Packed({name: array for name, array in arrays.items() if (array.ndim == 4) is kernels})
            for kernels in (True, False)
        ]
        self.variables = [pack.variable for pack in self.packs]
        accumulate = rates.accumulate if rates.accumulate > 1 else None
        make = _OPTIMIZERS[rates.optimizer]
        self.optimizer = make(
            weight_decay=rates.weight_decay, gradient_accumulation_steps=accumulate
        )
        self.optimizer.exclude_from_weight_decay(self.variables[1:])
        self.optimizer.build(self.variables)


_OPTIMIZERS = {
    "adamw": tf.keras.optimizers.AdamW,
    "sgd": partial(tf.keras.optimizers.SGD, momentum=0.9),
}


def _widened(outputs: Outputs) -> Outputs:
    return [[tf.cast(level, tf.float32) for level in levels] for levels in outputs]


def _in_backbone(name: str) -> bool:
    return name.startswith("efficientnet-")


def _frozen_norm(norm: Norm) -> Callable[[str], bool]:
    if norm == "frozen-backbone":
        return _in_backbone
    return lambda _name: norm == "frozen"
