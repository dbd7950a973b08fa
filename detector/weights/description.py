"""What a weights file says of itself: its header. No TensorFlow, and no tensor is read."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from detector.api import ModelError

_MAX_HEADER_BYTES = 4 * 1024**2
DEFAULT_DIALECT = "automl"  # of files that do not say


@dataclass(frozen=True, slots=True)
class Description:
    """Everything but the numbers."""

    architecture: str
    labels: tuple[str, ...]  # by class id
    input_size: int  # side in pixels that the weights were trained for
    input_convention: str  # how pixels become numbers, in words
    training_data: str
    licence: str
    source: str
    dialect: str = DEFAULT_DIALECT  # whose network it is, see `detector.models`
    sha256: str = ""  # over the tensors as stored; see `weights.native`

    def to_metadata(self) -> dict[str, str]:
        """As safetensors keeps it: strings only."""
        values = asdict(self) | {"labels": json.dumps(self.labels)}
        return {key: str(value) for key, value in values.items()}


def read_description(path: Path) -> Description:
    """The header alone. Raises ModelError."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            return parse_description(
                path, head + file.read(min(header_length(head), _MAX_HEADER_BYTES))
            )
    except OSError as error:
        raise unusable(path, error.strerror or "cannot be read") from None


def read_labels(path: Path) -> tuple[str, ...]:
    """Names by class id. Raises ModelError."""
    return read_description(path).labels


def parse_description(path: Path, data: bytes) -> Description:
    """From the first bytes of a file. Raises ModelError."""
    try:
        header = json.loads(data[8 : 8 + header_length(data)])
        return _from_metadata(header["__metadata__"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise unusable(path, "not a safetensors file with a description of its model") from None


def header_length(data: bytes) -> int:
    return int(struct.unpack("<Q", data[:8])[0]) if len(data) >= 8 else 0


def unusable(path: Path, reason: str) -> ModelError:
    """One line, whatever the file put into the reason."""
    return ModelError(f"{path}: {' '.join(reason.split())}")


def _from_metadata(metadata: dict[str, Any]) -> Description:
    """Raises ValueError, TypeError or KeyError where a field is missing or of the wrong kind."""
    stated = {"dialect": DEFAULT_DIALECT} | metadata
    values: dict[str, Any] = {field.name: stated[field.name] for field in fields(Description)}
    labels = json.loads(values["labels"])
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise ValueError("labels are not a list of names")
    if len(set(labels)) != len(labels):
        raise ValueError("labels repeat")
    return Description(
        **values | {"labels": tuple(labels), "input_size": int(values["input_size"])}
    )
