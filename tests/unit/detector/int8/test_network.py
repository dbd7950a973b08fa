"""The network as LiteRT runs it, against TensorFlow's with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from detector.build import open_weights
from detector.graph.folding import FoldedOps
from detector.int8.calibration import RangeMeter, widened
from detector.int8.interpreter import NetworkRun
from detector.int8.network import Feature, LiteOps
from detector.int8.pixels import PixelCode
from detector.networks.efficientdet import forward
from detector.weights.random import save_random
from tests.golden import recorded
from tests.support.int8_weights import form_of, pictures


class Network:
    """One architecture in float32 or, with ranges, in int8."""

    def __init__(self, weights: Path, side: int, **stored: Any) -> None:
        model, loaded = open_weights(weights)
        self.spec: Any = model.spec
        self.classes = len(loaded.description.labels)
        self.arrays = loaded.arrays
        self.code = PixelCode.of(self.spec.pixels)
        self.ops = LiteOps(self.arrays, **stored)
        x = self.ops.input((1, side, side, 3), self.code.quantized)
        logits, codes = forward(self.ops, x, self.spec, self.classes)
        self.outputs: tuple[Feature, ...] = (*logits, *codes)
        numbers = [each.tensor for each in self.outputs]
        self.run = NetworkRun(
            self.ops.model.to_bytes([x.tensor], numbers), x.tensor, numbers, threads=1
        )

    def __call__(self, x: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        answers = self.run(lambda out: np.copyto(out, x))
        return [
            each.copy() if of.quantized is None
            else (each.astype(np.float32) - of.quantized.zero) * of.quantized.scale
            for each, of in zip(answers, self.outputs, strict=True)
        ]  # fmt: skip

    def by_tensorflow(self, x: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        logits, codes = forward(
            FoldedOps(self.arrays), tf.constant(x[None]), self.spec, self.classes
        )
        return [each[0].numpy() for each in (*logits, *codes)]


@pytest.mark.parametrize("name", ["efficientdet-lite0", "efficientdet-d0"])
@pytest.mark.parametrize("side", [64, 160])
def test_in_float32_it_computes_what_tensorflow_computes(
    name: str, side: int, tmp_path: Path
) -> None:
    """160: levels whose sides are no multiples of each other."""
    weights = tmp_path / "random.safetensors"
    save_random(weights, name)
    network = Network(weights, side)
    x = np.random.default_rng(0).normal(0, 1, (side, side, 3)).astype(np.float32)
    for ours, theirs in zip(network(x), network.by_tensorflow(x), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("kept", [(), ("box_net/box-predict",), ("efficientnet-lite0/",)])
def test_in_int8_it_stays_close(kept: tuple[str, ...]) -> None:
    form = form_of(recorded.INTERIM)
    network = Network(recorded.INTERIM, 64, ranges=form.ranges, kept=kept)
    stored = np.zeros((64, 64, 3), np.int8)
    network.code.write(pictures(1)[0], np.array([0, 0, 64, 64], np.int32), stored)
    exact = network.by_tensorflow(network.code.numbers(stored))
    for ours, theirs in zip(network(stored), exact, strict=True):
        assert np.abs(ours - theirs).mean() < 0.05 * np.abs(theirs).max()


def test_layers_that_are_kept_are_not_stored_in_int8() -> None:
    form = form_of(recorded.INTERIM)
    network = Network(recorded.INTERIM, 64, ranges=form.ranges, kept=("box_net/box-predict",))
    assert [each.quantized is None for each in network.outputs] == [False] * 5 + [True] * 5


def test_ranges_hold_what_was_seen_and_grow_with_it() -> None:
    model, loaded = open_weights(recorded.INTERIM)
    spec: Any = model.spec
    meter = RangeMeter(spec, loaded.arrays, num_classes=6, input_size=64, threads=1)
    content = np.array([0, 0, 64, 64], np.int32)
    meter.see(pictures(1, seed=1)[0], content)
    one = meter.ranges
    meter.see(pictures(1, seed=2)[0], content)
    both = meter.ranges
    assert both.keys() == one.keys()
    assert all(both[name][0] <= one[name][0] <= one[name][1] <= both[name][1] for name in one)
    assert both != one
    assert widened(one, both) == both
