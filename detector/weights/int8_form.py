"""The int8 form of weights: what was measured so that they can run in whole numbers.

It is a few thousand numbers in the header of the weights file, not a program: the network comes
from our own code, its kernels from the float numbers beside. So no file for an interpreter is ever
opened, and the form belongs to the numbers that it names by their SHA-256.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from detector.api import ModelError
from detector.models import Model
from detector.networks.sizes import DetectorSize
from detector.weights.description import Description

_VERSION = 1
_MOST_FEATURES = 10_000
_LARGEST = 1e6

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Int8Form:
    """`ranges` are the least and the greatest number that each feature map shall hold."""

    tensors_sha256: str  # of the float numbers it belongs to, as their description has it
    input_size: int  # side in pixels that was measured at
    pictures: int
    calibration: str  # on what, in words
    kept: tuple[str, ...]  # layers, by how their names begin, that stay in float32
    ranges: dict[str, Range]

    def to_text(self) -> str:
        """As a weights file keeps it; equal forms give equal text."""
        return json.dumps({"version": _VERSION, **asdict(self)}, separators=(",", ":"))


def read_form(description: Description) -> Int8Form | None:
    """That of a weights file, None without one. Raises ModelError for one that is of no use."""
    if not description.int8:
        return None
    try:
        form = _parsed(json.loads(description.int8))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        msg = f"the int8 form of the weights is of no use ({error}): make it with {_COMMAND}"
        raise ModelError(msg) from None
    if form.tensors_sha256 != description.sha256:
        msg = f"the int8 form in the file was made for other weights: make it anew with {_COMMAND}"
        raise ModelError(msg)
    return form


def usable_form(model: Model, description: Description) -> tuple[Int8Form | None, str | None]:
    """The form that weights of `model` bring, or why they cannot run in int8."""
    try:
        form = read_form(description)
        efficientdet_of(model)
    except ModelError as error:
        return None, str(error)
    return form, None if form else f"the weights have no int8 form: {_COMMAND} makes one"


def efficientdet_of(model: Model) -> DetectorSize:
    """Raises ModelError for the family that has no int8 form."""
    if not isinstance(model.spec, DetectorSize):
        raise ModelError("EfficientNet-YOLOv3 has no int8 form")
    return model.spec


_COMMAND = "`vedette weights quantize`"


def _parsed(stated: dict[str, Any]) -> Int8Form:
    """Raises ValueError, TypeError or KeyError, and AttributeError for what is no object."""
    if stated.pop("version") != _VERSION:
        raise ValueError("made by another version")
    if len(stated["ranges"]) > _MOST_FEATURES:
        raise ValueError("too many ranges")
    return Int8Form(
        **stated
        | {
            "tensors_sha256": str(stated["tensors_sha256"]),
            "input_size": int(stated["input_size"]),
            "pictures": int(stated["pictures"]),
            "calibration": str(stated["calibration"]),
            "kept": tuple(str(name) for name in stated["kept"]),
            "ranges": {str(name): _range(ends) for name, ends in stated["ranges"].items()},
        }
    )


def _range(stated: Any) -> Range:
    low, high = (float(value) for value in stated)
    if not -_LARGEST < low <= high < _LARGEST:
        raise ValueError("a range is none")
    return low, high
