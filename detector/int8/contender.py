"""The int8 detector as `vedette bench detector` times it: whole, and its stages apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.boxes.candidates import Kept
from detector.boxes.selection import Selection
from detector.int8.assembly import Assembly, assemble
from detector.int8.calibration import RangeMeter
from detector.int8.engine import LiteRtEngine
from detector.int8.suppression import select
from detector.networks.sizes import DetectorSize
from detector.weights.int8_form import Int8Form
from detector.weights.native import Weights

Pixels = npt.NDArray[np.uint8]


def quick_form(spec: DetectorSize, weights: Weights, side: int, pictures: Pixels) -> Int8Form:
    """Measured on a few whole inputs, as weights have none that nobody trained: enough to time."""
    description = weights.description
    meter = RangeMeter(
        spec, weights.arrays, num_classes=len(description.labels), input_size=side, threads=1
    )
    for pixels in pictures:
        meter.see(pixels, np.array([0, 0, side, side], np.int32))
    return Int8Form(description.sha256, side, len(pictures), "for timing", (), meter.ranges)


class Int8Contender:
    """One network, with the engine that the daemon has."""

    def __init__(
        self, spec: DetectorSize, weights: Weights, side: int, form: Int8Form,
        selection: Selection, *, cores: int, max_batch: int,
    ) -> None:  # fmt: skip
        labels = len(weights.description.labels)
        self._assembly: Assembly = assemble(
            spec, weights.arrays, num_classes=labels, input_size=side, form=form
        )
        self._selection = selection
        self._network = self._assembly.run(threads=cores)
        self._engine = LiteRtEngine(self._assembly, selection, cores=cores, max_batch=max_batch)

    def run(self, pixels: Pixels, content_xyxy: npt.NDArray[np.int32]) -> Kept:
        """The whole work."""
        return self._engine.run(pixels, content_xyxy)

    def stages(
        self, pixels: Pixels, content_xyxy: npt.NDArray[np.int32]
    ) -> Iterator[tuple[str, Callable[[], object]]]:
        """Each with what the one before gives, one picture after the other."""
        pairs = list(zip(pixels, content_xyxy, strict=True))
        stored = [np.zeros(pixels.shape[1:], np.int8) for _ in pairs]
        outputs = [self._forward(each, *pair) for each, pair in zip(stored, pairs, strict=True)]
        yield "preprocess", partial(self._each, self._write, stored, pairs)
        yield "forward", partial(self._each, self._invoke, stored, pairs)
        yield "postprocess", partial(self._each, self._select, outputs, pairs)

    def _forward(self, stored: Any, pixels: Any, content: Any) -> list[npt.NDArray[Any]]:
        self._write(stored, (pixels, content))
        return [each.copy() for each in self._network(lambda out: np.copyto(out, stored))]

    @staticmethod
    def _each(work: Callable[[Any, Any], object], things: list[Any], pairs: list[Any]) -> None:
        for thing, pair in zip(things, pairs, strict=True):
            work(thing, pair)

    def _write(self, stored: Any, pair: Any) -> None:
        pixels, content = pair
        self._assembly.pixel_code.write(pixels, content, stored)

    def _invoke(self, _stored: Any, _pair: Any) -> None:
        self._network(lambda out: None)

    def _select(self, outputs: Any, _pair: Any) -> None:
        select(self._assembly.candidates(outputs, self._selection), self._selection)
