"""What a weights file says of itself: its header. No tensor is read."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from config.files import open_regular
from detector.api import ModelError

_LISTS = ("labels", "thresholds", "groups")
_MAX_HEADER_BYTES = 4 * 1024**2
USUAL_SCORE = 0.4  # where neither a configuration nor the weights say
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
    thresholds: tuple[float, ...] = ()  # scores to report from, by class id, where it knows them
    groups: tuple[tuple[str, ...], ...] = ()  # labels of which an object has one only
    sha256: str = ""  # over the tensors as stored; see `weights.native`
    int8: str = ""  # what was measured of them for int8, if it was; see `weights.int8_form`

    def to_metadata(self) -> dict[str, str]:
        """As safetensors keeps it: strings only."""
        values = asdict(self)
        lists = {name: json.dumps(values[name]) for name in _LISTS}
        if not self.int8:
            del values["int8"]
        return {key: str(value) for key, value in (values | lists).items()}

    def scores_from(self, stated: float | None) -> tuple[float, ...]:
        """By class id, the score that a label is reported from: what is stated, or else the file's
        own threshold, or else a usual one.
        """
        if stated is None and self.thresholds:
            return self.thresholds
        return (USUAL_SCORE if stated is None else stated,) * len(self.labels)

    def group_numbers(self) -> tuple[int, ...]:
        """By class id: equal for labels of one group, as `selection` takes it; () for none."""
        if not self.groups:
            return ()
        first = {label: members[0] for members in self.groups for label in members}
        return tuple(self.labels.index(first.get(label, label)) for label in self.labels)


def read_description(path: Path) -> Description:
    """The header alone. Raises ModelError."""
    try:
        with open_regular(path) as file:
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
    stated = {"dialect": DEFAULT_DIALECT, "thresholds": "[]", "groups": "[]", "int8": ""} | metadata
    values: dict[str, Any] = {field.name: stated[field.name] for field in fields(Description)}
    labels = json.loads(values["labels"])
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise ValueError("labels are not a list of names")
    if len(set(labels)) != len(labels):
        raise ValueError("labels repeat")
    return Description(
        **values
        | {
            "labels": tuple(labels),
            "input_size": int(values["input_size"]),
            "thresholds": _thresholds(json.loads(values["thresholds"]), labels),
            "groups": _groups(json.loads(values["groups"]), labels),
        }
    )


def _thresholds(stated: list[float], labels: list[str]) -> tuple[float, ...]:
    if stated and len(stated) != len(labels):
        raise ValueError("thresholds are not as many as labels")
    if not all(0 <= score <= 1 for score in stated):
        raise ValueError("thresholds are not from 0 to 1")
    return tuple(float(score) for score in stated)


def _groups(stated: list[list[str]], labels: list[str]) -> tuple[tuple[str, ...], ...]:
    members = [label for group in stated for label in group]
    if len(set(members)) != len(members) or not set(members) <= set(labels):
        raise ValueError("groups are not of labels, each in one at most")
    return tuple(tuple(group) for group in stated if group)
