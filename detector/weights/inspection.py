"""What `vedette weights info` tells of a file."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from pathlib import Path

from safetensors import SafetensorError, safe_open

from config.files import open_regular
from detector.api import ModelError
from detector.models import find_model
from detector.weights.description import Description, read_description, unusable
from detector.weights.foreign.formats import Format, format_of
from detector.weights.int8_form import read_form
from detector.weights.native import load

_TYPES = {"F16": "float16", "F32": "float32"}
Rows = list[tuple[str, str]]  # heading and text


def inspect(path: Path) -> Rows:
    """Raises ModelError for a file of ours that is damaged or does not fit its architecture."""
    kind = format_of(path)
    return _native(path) if kind is Format.NATIVE else _foreign(path, kind)


def _native(path: Path) -> Rows:
    description = read_description(path)
    try:
        model = find_model(description.architecture, description.dialect)
    except ModelError:
        checked = "no: this version does not know the architecture"
    else:
        load(path, model.variables(len(description.labels)))
        checked = "complete, undamaged, fits the architecture"
    numbers = _numbers_by_type(path)
    return [
        ("architecture", description.architecture),
        ("dialect", description.dialect),
        ("parameters", f"{sum(numbers.values()):,}"),
        ("labels", f"{len(description.labels)}: {', '.join(description.labels)}"),
        *_rows_of_choice(description),
        ("int8", _int8(description)),
        ("input", f"{description.input_size}×{description.input_size}"),
        ("pixels", description.input_convention),
        ("on disk", ", ".join(f"{count:,} {name}" for name, count in numbers.items())),
        ("data", description.training_data),
        ("licence", description.licence),
        ("source", description.source),
        ("checked", checked),
        *_file_rows(path),
    ]


def _int8(description: Description) -> str:
    """What the form for int8 was measured on, or why it cannot be used."""
    try:
        form = read_form(description)
    except ModelError as error:
        return str(error)
    if form is None:
        return "no: `vedette weights quantize` makes them fit for it"
    kept = f"; in float32 stay {', '.join(form.kept)}" if form.kept else ""
    return f"measured on {form.pictures} pictures ({form.calibration}){kept}"


def _rows_of_choice(description: Description) -> Rows:
    """What it says of its answers, where it does."""
    scores = zip(description.labels, description.thresholds, strict=False)
    groups = ("/".join(group) for group in description.groups)
    rows = [
        ("thresholds", ", ".join(f"{label} {score:.2f}" for label, score in scores)),
        ("one object", ", ".join(groups)),
    ]
    return [row for row in rows if row[1]]


def _foreign(path: Path, kind: Format) -> Rows:
    rows = [("kind", kind.words)]
    if kind.refusal:
        rows.append(("import", f"cannot be imported: it {kind.refusal}"))
    else:
        rows.append(("import", f"vedette weights import {path} -o NAME.safetensors"))
    return rows + (_file_rows(path) if path.is_file() else [])


def _numbers_by_type(path: Path) -> Counter[str]:
    numbers: Counter[str] = Counter()
    try:
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 (the file is no mapping)
                tensor = file.get_slice(name)
                stored = tensor.get_dtype()
                numbers[_TYPES.get(stored, stored)] += math.prod(tensor.get_shape())
    except SafetensorError as error:
        raise unusable(path, f"damaged ({error})") from None
    return numbers


def _file_rows(path: Path) -> Rows:
    with open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return [("size", f"{path.stat().st_size:,} bytes"), ("sha256", digest)]
