"""What the reader of a format hands on: what is written there, not yet compared with pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from detector.datasets.errors import Fault


@dataclass(frozen=True, slots=True)
class ListedBox:
    """One object, or a region to ignore; x1, y1, x2, y2 in pixels, not checked."""

    label: str
    xyxy_px: tuple[float, float, float, float]
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """`stated_wh` is the size that the boxes refer to, where the format says it."""

    image: Path
    boxes: list[ListedBox] = field(default_factory=list)
    image_id: int | None = None
    stated_wh: tuple[int, int] | None = None
    unlabelled: tuple[str, ...] = ()  # classes that nobody looked for


@dataclass(frozen=True, slots=True)
class Listing:
    """`labels` in the order that the format gives them; entries that make no sense are faults."""

    labels: tuple[str, ...]
    pictures: list[ListedPicture]
    faults: list[Fault]


def numbers(values: object) -> tuple[float, float, float, float]:
    """Four coordinates. Raises ValueError for anything else."""
    try:
        x, y, right, bottom = (float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        raise ValueError("its box is not four numbers") from None
    return x, y, right, bottom
