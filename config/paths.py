"""Paths of the file, made absolute while it is validated: relative ones start at its folder.

The loader passes `context={"directory": Path}` to pydantic; without it paths stay as written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def absolute(path: Path, info: ValidationInfo) -> Path:
    """`path`, seen from the folder of the file that is being loaded; raises ValueError for none."""
    if path == Path():
        raise ValueError("must not be empty")
    directory = (info.context or {}).get("directory")
    return path if directory is None else Path(directory) / path


def is_weights_name(weights: str) -> bool:
    """A plain word, as `bundled`, is a name; anything with a / or a dot is a path."""
    return _NAME.fullmatch(weights) is not None


def absolute_weights(weights: str, info: ValidationInfo) -> str:
    """Names stay as they are."""
    return weights if is_weights_name(weights) else str(absolute(Path(weights), info))


FilePath = Annotated[Path, Field(strict=False), AfterValidator(absolute)]
WeightsPath = Annotated[str, AfterValidator(absolute_weights)]
