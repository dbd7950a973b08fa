"""What a training step costs beside Keras's `fit`, and whether pictures come fast enough:
`python -m tests.bench.training DATA`.

All take turns on the same batches, with the same network, loss and optimizer in float32; of each
the median counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from detector.build import start_tensorflow
from detector.graph.lanes import available_cores
from detector.graph.plain_keras import KerasOps
from detector.networks.efficientdet import forward
from detector.networks.ops import Tensor
from detector.training.initial import starting_point
from detector.training.learner import Learner
from detector.training.objectives import Objective, objective_for
from detector.training.pipeline import Batch, batches
from detector.training.rates import Rates
from detector.training.settings import Settings
from detector.training.setup import Setup, prepare


class Plain(tf.keras.Model):
    """As most people would train it: Keras layers, and `fit`."""

    def __init__(self, setup: Setup, arrays: dict[str, Any], objective: Objective) -> None:
        super().__init__()
        self._setup = setup
        self._objective = objective
        self._family = setup.model.family(len(setup.data.labels), setup.input_size)
        self._ops = KerasOps(arrays)

    def call(self, inputs: tuple[Tensor, Tensor]) -> Any:
        x = self._family.normalise(*inputs)
        return forward(self._ops, x, self._setup.model.spec, len(self._setup.data.labels))

    def begin(self, batch: Batch) -> None:
        """Make the layers and let Keras know of them."""
        self.call((batch.pixels, batch.content_xyxy))
        self.known = list(self._ops._layers.values())

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Tensor:
        return self._objective.loss(y_pred, self._objective.targets(*y))["total"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="efficientdet-lite0")
    parser.add_argument("--input-size", type=int, default=320)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    start_tensorflow(available_cores())
    setup = prepare(
        Settings(
            data=(args.data,), model=args.model, init="random",
            input_size=args.input_size, batch=args.batch, mosaic=0.4,
        )
    )  # fmt: skip
    source = batches(
        setup.examples,
        size=args.batch,
        first=0,
        side=setup.input_size,
        num_classes=len(setup.data.labels),
    )
    same = next(iter(source))
    turns = {
        "pictures": lambda: list(source.take(8)),
        "step": _step(setup, same),
        "step, frozen norm": _step(setup, same, norm="frozen"),
        "Keras fit": _fit(setup, same),
    }
    report(turns, args)


def report(turns: dict[str, Callable[[], object]], args: argparse.Namespace) -> None:
    times: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(args.rounds + 1):
        for name, turn in turns.items():
            began_s = time.perf_counter()
            turn()
            if number:
                times[name].append((time.perf_counter() - began_s) * 1e3 / (8 * args.batch))
    ms = {name: statistics.median(of) for name, of in times.items()}
    print(f"{args.model}, {args.input_size} px, batch {args.batch}: ms per picture")
    for name, value in ms.items():
        print(f"  {name:<20}{value:8.1f}")
    pairs = zip(times["step"], times["Keras fit"], strict=True)
    print(f"step / Keras fit: {statistics.median(a / b for a, b in pairs):.2f}")
    pairs = zip(times["step"], times["pictures"], strict=True)
    print(f"pictures come {statistics.median(a / b for a, b in pairs):.1f} times as fast as steps")


def _step(setup: Setup, batch: Batch, **options: Any) -> Callable[[], object]:
    learner = Learner(
        setup.model.family(len(setup.data.labels), setup.input_size),
        _arrays(setup),
        _objective(setup),
        Rates(steps=10_000, warmup_steps=0, peak=1e-5),
        **options,
    )
    return lambda: [learner.step(batch) for _ in range(8)]


def _fit(setup: Setup, batch: Batch) -> Callable[[], object]:
    model = Plain(setup, _arrays(setup), _objective(setup))
    model.begin(batch)
    model.compile(optimizer=tf.keras.optimizers.AdamW(1e-5, global_clipnorm=10.0))
    truth = (batch.boxes, batch.classes, batch.ignored)
    pair = ((batch.pixels, batch.content_xyxy), truth)
    source = tf.data.Dataset.from_tensors(pair).repeat(8)
    return lambda: model.fit(source, epochs=1, verbose=0)


def _arrays(setup: Setup) -> dict[str, Any]:
    return starting_point(
        setup.model, setup.settings.model, setup.data.labels, "random", seed=0
    ).arrays


def _objective(setup: Setup) -> Objective:
    return objective_for(
        setup.settings.chosen_dialect,
        setup.model.spec,
        num_classes=len(setup.data.labels),
        input_size=setup.input_size,
    )


if __name__ == "__main__":
    main()
