"""A LiteRT model that grows operation by operation, and the bytes that an interpreter opens.

Models are written here and nowhere else: no file of this format is ever read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

FORMAT = b"TFL3"
_ALIGNMENT = 16  # of constants, as the format has it
_TYPES = {"float32": 0, "int32": 2, "int8": 9}  # TensorType


@dataclass(frozen=True, slots=True)
class Quantized:
    """A number is scale · (stored - zero); one scale, or one for each index of `axis`."""

    scale: npt.NDArray[np.float32]
    zero: int = 0
    axis: int = 0

    @classmethod
    def of_range(cls, low: float, high: float) -> Quantized:
        """int8 for numbers from `low` to `high` and zero, which is exact."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / 255, 1e-8)
        return cls(
            np.array([scale], np.float32), int(np.clip(round(-128 - low / scale), -128, 127))
        )


class _Constant(schema.BufferT):  # type: ignore[misc]
    """Packed at an aligned place, which the generated code leaves out."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the generated name
        data = self.data
        if data is None:
            return super().Pack(builder)
        builder.StartVector(1, data.size, _ALIGNMENT)
        builder.head -= data.size
        builder.Bytes[builder.head : builder.head + data.size] = data.tobytes()
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


class FlatModel:
    """Tensors are known by the number that `variable` and `constant` give them."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers: list[Any] = [_Constant()]  # the first one is that of all variables
        self._codes: dict[tuple[int, int], int] = {}

    def variable(
        self, shape: tuple[int, ...], name: str, quantized: Quantized | None = None
    ) -> int:
        """float32, or int8 where it is quantised."""
        return self._add(shape, "float32" if quantized is None else "int8", name, quantized, 0)

    def constant(
        self, values: npt.NDArray[Any], name: str, quantized: Quantized | None = None
    ) -> int:
        self._buffers.append(_Constant(np.ascontiguousarray(values).reshape(-1).view(np.uint8)))
        where = len(self._buffers) - 1
        return self._add(values.shape, str(values.dtype), name, quantized, where)

    def operator(
        self, kind: str, inputs: list[int], output: int, *, version: int = 1, **options: Any
    ) -> Any:
        """Append the operation `kind`, as in CONV_2D; gives its options, which may be changed."""
        code = getattr(schema.BuiltinOperator, kind)
        index = self._codes.setdefault((code, version), len(self._codes))
        holder, number = _OPTIONS.get(kind, (None, 0))
        filled = None if holder is None else getattr(schema, f"{holder}T")()
        for key, value in options.items():
            setattr(filled, key, value)
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=index, inputs=inputs, outputs=[output],
                builtinOptionsType=number, builtinOptions=filled,
            )
        )  # fmt: skip
        return filled

    def to_bytes(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The whole model."""
        codes = [
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=version)
            for code, version in self._codes
        ]
        graph = schema.SubGraphT(
            tensors=self._tensors, inputs=inputs, outputs=outputs, operators=self._operators
        )
        model = schema.ModelT(
            version=3, operatorCodes=codes, subgraphs=[graph], buffers=self._buffers
        )
        constants = sum(each.data.size for each in self._buffers if each.data is not None)
        builder = flatbuffers.Builder(constants + 2**20)
        builder.Finish(model.Pack(builder), FORMAT)
        return bytes(builder.Output())

    def _add(
        self,
        shape: tuple[int, ...],
        dtype: str,
        name: str,
        quantized: Quantized | None,
        buffer: int,
    ) -> int:
        self._tensors.append(
            schema.TensorT(
                shape=list(shape), type=_TYPES[dtype], buffer=buffer, name=name, hasRank=True,
                quantization=_parameters(quantized),
            )
        )  # fmt: skip
        return len(self._tensors) - 1


def _parameters(quantized: Quantized | None) -> Any:
    if quantized is None:
        return None
    return schema.QuantizationParametersT(
        scale=quantized.scale,
        zeroPoint=np.full(quantized.scale.shape, quantized.zero, np.int64),
        quantizedDimension=quantized.axis,
    )


def _option(name: str) -> tuple[str, int]:
    return name, getattr(schema.BuiltinOptions, name)


_OPTIONS = {
    "ADD": _option("AddOptions"),
    "CONCATENATION": _option("ConcatenationOptions"),
    "CONV_2D": _option("Conv2DOptions"),
    "DEPTHWISE_CONV_2D": _option("DepthwiseConv2DOptions"),
    "LEAKY_RELU": _option("LeakyReluOptions"),
    "MAX_POOL_2D": _option("Pool2DOptions"),
    "MEAN": _option("ReducerOptions"),
    "MUL": _option("MulOptions"),
    "RESIZE_NEAREST_NEIGHBOR": _option("ResizeNearestNeighborOptions"),
}
