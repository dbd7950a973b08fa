"""How objects and places in a picture are named: labels, fractions, polygons, filters."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from config.errors import FieldsError
from config.polygon import polygon_fault
from config.section import Section

PLACE_NAME = r"^[A-Za-z0-9_-]{1,32}$"

Fraction = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=256)]
Point = Annotated[list[Fraction], Field(min_length=2, max_length=2)]
PlaceName = Annotated[
    str, Field(pattern=PLACE_NAME, description="Letters, digits, _ and -: it becomes a label.")
]


def _checked_polygon(points: list[Point]) -> list[Point]:
    fault = polygon_fault([(x, y) for x, y in points])
    if fault:
        raise ValueError(fault)
    return points


Polygon = Annotated[
    list[Point], Field(min_length=3, max_length=64), AfterValidator(_checked_polygon)
]


class ObjectFilter(Section):
    """Which detections of one label are worth a message."""

    min_score: Annotated[
        float | None,
        Field(ge=0, le=1, description="Replaces model.score_threshold for this label."),
    ] = None
    min_area: Annotated[
        Fraction, Field(description="Smallest box, as a fraction of the picture.")
    ] = 0.0
    max_area: Annotated[
        Fraction, Field(description="Largest box, as a fraction of the picture.")
    ] = 1.0
    min_ratio: Annotated[float, Field(ge=0, description="Least width / height of the box.")] = 0.0
    max_ratio: Annotated[float, Field(gt=0, description="Greatest width / height of the box.")] = (
        1e6
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min_area > self.max_area:
            raise FieldsError("min_area must not exceed max_area", "min_area", "max_area")
        if self.min_ratio > self.max_ratio:
            raise FieldsError("min_ratio must not exceed max_ratio", "min_ratio", "max_ratio")
        return self
