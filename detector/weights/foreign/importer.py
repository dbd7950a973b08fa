"""From a file of another project to one of ours: open, identify, read, choose classes, write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from detector.models import DIALECTS, find_model
from detector.networks.pixels import PixelRule, Rgb
from detector.weights import native
from detector.weights.description import DEFAULT_DIALECT, Description, unusable
from detector.weights.files import replacing
from detector.weights.foreign.classes import choose, keep
from detector.weights.foreign.matching import (
    Track,
    check_numbers,
    check_size,
    identify,
    read_arrays,
)
from detector.weights.foreign.opening import open_foreign
from detector.weights.foreign.tensors import ForeignTensors

_NOT_SAID = "not stated by the source"
_SMALLER_INPUT = re.compile(r"efficientdet-d\d-640")
_ARTICLE_TENSOR = "block1a_dwconv/depthwise_kernel"  # as Keras' own EfficientNet names it
_PLACES = {
    "top_left": "scaled to fit with its aspect ratio, placed top left",
    "center": "scaled to fit with its aspect ratio, placed in the middle",
    "stretch": "stretched to the input",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller knows better than the file; None leaves it to the file."""

    model: str | None = None  # of `detector.models`
    dialect: str | None = None  # likewise
    labels: tuple[str, ...] | None = None
    input_size: int | None = None  # pixels, a multiple of 32


@dataclass(frozen=True, slots=True)
class Imported:
    """A network ready to be written, and what was found out about its source."""

    arrays: native.Arrays
    description: Description
    kind: str  # of the source, in words
    num_classes: int  # of the source

    @property
    def num_parameters(self) -> int:
        return sum(array.size for array in self.arrays.values())


class _Network(NamedTuple):
    """What a source holds, under our names."""

    arrays: native.Arrays
    architecture: str
    dialect: str
    num_classes: int


def import_weights(source: Path, wanted: Wanted, track: Track = iter) -> Imported:
    """Read `source` whole. Raises ModelError (TensorsError), LabelsError, and OSError where the
    disk has no room to unpack it.
    """
    with open_foreign(source) as tensors:
        check_size(source, tensors)
        if _ARTICLE_TENSOR in tensors.entries:
            network = _article(source, wanted.model)
        else:
            network = _official(source, tensors, wanted, track)
    dialect = _dialect(source, network.dialect, wanted.dialect)
    spec = find_model(network.architecture, dialect).spec
    official = network.dialect == DEFAULT_DIALECT
    classes = choose(network.num_classes, wanted.labels, official=official)
    description = Description(
        architecture=network.architecture,
        labels=classes.labels,
        input_size=wanted.input_size or _smaller_input(source) or spec.input_size,
        input_convention=_convention(spec.pixels),
        training_data=_NOT_SAID,
        licence=_NOT_SAID,
        source=f"imported from {source.name} ({tensors.kind})",
        dialect=dialect,
    )
    kept = keep(network.arrays, network.num_classes, classes)
    return Imported(kept, description, tensors.kind, network.num_classes)


def write(path: Path, imported: Imported, *, half: bool = False) -> None:
    """Put the weights file, in `half` the size if wanted, in place of what `path` may hold.
    Raises OSError.
    """
    with replacing(path) as temporary:
        native.save(temporary, imported.arrays, imported.description, half=half)


def _official(source: Path, tensors: ForeignTensors, wanted: Wanted, track: Track) -> _Network:
    """google/automl's names, in whatever format."""
    match = identify(source, tensors, wanted.model)
    arrays = read_arrays(tensors, match, track)
    check_numbers(source, arrays, match.keys)
    return _Network(arrays, match.spec.name, DEFAULT_DIALECT, match.num_classes)


def _article(source: Path, model: str | None) -> _Network:
    """The Keras projects' names; these files can only be read as a whole."""
    from detector.weights.article_h5 import read_article_h5

    read = read_article_h5(source)
    if model not in (None, read.architecture):
        raise unusable(source, f"holds {read.architecture}, not {model}")
    check_numbers(source, read.arrays, {name: name for name in read.arrays})
    return _Network(read.arrays, read.architecture, read.dialect, read.num_classes)


def _dialect(source: Path, found: str, wanted: str | None) -> str:
    """Dialects of one project have the same tensors: which of them it is, only the caller knows."""
    if wanted is None:
        return found
    if wanted.partition("-")[0] != found.partition("-")[0]:
        others = [name for name in DIALECTS if name.startswith(found)]
        raise unusable(source, f"is of the dialect {' or '.join(others)}, not {wanted}")
    return wanted


def _smaller_input(source: Path) -> int | None:
    """Of a source that carries the name of a published variant for 640 pixels."""
    return 640 if _SMALLER_INPUT.search("/".join(source.absolute().parts[-2:])) else None


def _convention(pixels: PixelRule) -> str:
    text = (
        f"RGB, (x - {_channels(pixels.mean_rgb)}) / {_channels(pixels.std_rgb)},"
        f" {_PLACES[pixels.align]}"
    )
    if pixels.align == "stretch":
        return text
    return f"{text}, {'zero' if pixels.fill is None else f'grey {pixels.fill}'} around it"


def _channels(rgb: Rgb) -> str:
    red, green, blue = (f"{channel:g}" for channel in rgb)
    return red if red == green == blue else f"({red}, {green}, {blue})"
