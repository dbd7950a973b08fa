"""What feature maps hold when a network looks at pictures: measured in float32, by LiteRT."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.int8.interpreter import NetworkRun
from detector.int8.network import LiteOps
from detector.int8.pixels import PixelCode
from detector.networks.efficientdet import forward
from detector.networks.folding import Arrays
from detector.networks.sizes import DetectorSize
from detector.weights.int8_form import Range


class RangeMeter:
    """`see` pictures, then ask for `ranges`: equal for equal pictures, whatever their order."""

    def __init__(
        self, spec: DetectorSize, arrays: Arrays, *, num_classes: int, input_size: int, threads: int
    ) -> None:
        ops = LiteOps(arrays)
        self._code = PixelCode.of(spec.pixels)
        x = ops.input((1, input_size, input_size, 3), self._code.quantized)
        forward(ops, x, spec, num_classes)
        self._names = list(ops.features)
        outputs = [each.tensor for each in ops.features.values()]
        self._network = NetworkRun(
            ops.model.to_bytes([x.tensor], outputs), x.tensor, outputs, threads=threads
        )
        self._ends = np.array([[np.inf, -np.inf]] * len(outputs))

    def see(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> None:
        """One picture [H, W, 3]. Raises InferenceError."""
        outputs = self._network(lambda out: self._code.write(pixels, content_xyxy, out))
        seen = np.array([(each.min(), each.max()) for each in outputs])
        self._ends[:, 0] = np.minimum(self._ends[:, 0], seen[:, 0])
        self._ends[:, 1] = np.maximum(self._ends[:, 1], seen[:, 1])

    @property
    def ranges(self) -> dict[str, Range]:
        return {
            name: (float(low), float(high))
            for name, (low, high) in zip(self._names, self._ends, strict=True)
        }


def widened(ranges: dict[str, Range], others: dict[str, Range]) -> dict[str, Range]:
    """Such that they hold what either held."""
    return {
        name: (min(low, others[name][0]), max(high, others[name][1]))
        for name, (low, high) in ranges.items()
    }
