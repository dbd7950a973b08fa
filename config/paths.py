"""Paths of the file, made absolute while it is validated: relative ones start at its folder.

The loader passes `context={"directory": Path}` to pydantic; without it paths stay as written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo


def absolute(path: Path, info: ValidationInfo) -> Path:
    """`path`, seen from the folder of the file that is being loaded; raises ValueError for none."""
    if path == Path():
        raise ValueError("must not be empty")
    directory = (info.context or {}).get("directory")
    return path if directory is None else Path(directory) / path


def absolute_weights(weights: str, info: ValidationInfo) -> str:
    """`bundled` stays, anything else is a path."""
    return weights if weights == "bundled" else str(absolute(Path(weights), info))


FilePath = Annotated[Path, Field(strict=False), AfterValidator(absolute)]
WeightsPath = Annotated[str, AfterValidator(absolute_weights)]
