"""What part of its picture a camera's detector is shown, and in how many pieces."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from config.objects import Fraction
from config.section import Section

LEAST_CROP = 0.02  # of a side of the picture
_NO_CROP = "must be roi, or [x1, y1, x2, y2] in fractions of the picture (0 to 1)"
_NO_RECTANGLE = (
    "is no rectangle: write [left, top, right, bottom], each side at least"
    f" {LEAST_CROP:g} of the picture"
)


def _checked_crop(value: object) -> object:
    """One plain word for whatever is no crop: the two forms have no faults in common."""
    if value == "roi":
        return value
    corners = value if isinstance(value, list) and len(value) == 4 else []
    if not all(_is_fraction(corner) for corner in corners) or not corners:
        raise ValueError(_NO_CROP)
    x1, y1, x2, y2 = corners
    if x2 - x1 < LEAST_CROP or y2 - y1 < LEAST_CROP:
        raise ValueError(_NO_RECTANGLE)
    return [float(corner) for corner in corners]


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


Crop = Annotated[
    Annotated[list[Fraction], Field(min_length=4, max_length=4)] | Literal["roi"],
    BeforeValidator(_checked_crop),
]


class TilesConfig(Section):
    """Pieces that a picture is looked at in, beside the whole."""

    size: Annotated[
        int | None,
        Field(
            ge=64,
            le=7680,
            description="Side of a tile in pixels of the picture, no smaller than the model's"
            " input; left out: as small as the accelerator allows, as `tiles: auto`.",
        ),
    ] = None
    overlap: Annotated[
        float,
        Field(
            ge=0,
            le=0.5,
            description="Of a tile's side, that it has in common with the next one: an object that"
            " is no larger than this is whole in one of them.",
        ),
    ] = 0.2
    full: Annotated[
        bool, Field(description="Look at the whole picture too, for what is larger than a tile.")
    ] = True
    sweep_s: Annotated[
        float,
        Field(
            gt=0,
            le=60,
            description="With a gate, tiles in which nothing happens are looked at in turn, each"
            " at least this often.",
        ),
    ] = 2.0


def _spelt_out(value: object) -> object:
    if value == "auto":
        return {}
    if isinstance(value, str):
        raise ValueError("must be auto, or {size: PIXELS, overlap: 0.2, full: true}")  # noqa: TRY004
    return value


def _or_auto(schema: dict[str, Any]) -> None:
    schema["anyOf"].insert(1, {"const": "auto", "type": "string"})


Tiles = Annotated[
    TilesConfig | None, BeforeValidator(_spelt_out), Field(json_schema_extra=_or_auto)
]


class TilingConfig(Section):
    """What tiles may cost, all cameras together."""

    max_share: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="Share of the accelerator's time that tiles of cameras with `tiles: auto`"
            " may take; they get no more than other cameras leave.",
        ),
    ] = 0.5
