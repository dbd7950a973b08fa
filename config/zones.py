"""What an operator may write of objects that last: tracking, zones and lines. All in seconds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.errors import FieldsError
from config.objects import Fraction, Label, Labels, ObjectFilter, PlaceName, Point, Polygon
from config.section import Section

Anchor = Annotated[
    Literal["bottom_center", "center"],
    Field(description="Which point of an object's box counts: where it stands, or its middle."),
]


class TrackingConfig(Section):
    """How objects are followed from picture to picture."""

    enabled: Annotated[bool, Field(description="Give objects a number that lasts.")] = True
    confirm_after_s: Annotated[
        float,
        Field(
            ge=0, le=10, description="An object is one when it was seen twice and for this long."
        ),
    ] = 0.2
    forget_after_s: Annotated[
        float, Field(ge=0.1, le=60, description="An object unseen for this long is gone.")
    ] = 2.0


class _Place(Section):
    """What zones and lines have in common."""

    labels: Annotated[
        Labels | None, Field(description="Labels that count; all that are reported by default.")
    ] = None
    anchor: Anchor = "bottom_center"
    filters: Annotated[
        dict[Label, ObjectFilter], Field(description="Per label: score, size and shape limits.")
    ] = Field(default_factory=dict)
    min_area: Annotated[
        Fraction, Field(description="Smallest box that counts, as a fraction of the picture.")
    ] = 0.0


class ZoneConfig(_Place):
    """An area that objects enter and leave."""

    area: Annotated[Polygon, Field(description="Corners in fractions of the picture, in order.")]
    enter_after_s: Annotated[
        float, Field(ge=0, le=3600, description="An object has entered once it stayed this long.")
    ] = 0.3
    leave_after_s: Annotated[
        float, Field(ge=0, le=3600, description="It has left once it was outside this long.")
    ] = 1.0
    loiter_after_s: Annotated[
        float | None,
        Field(gt=0, le=604_800, description="It loiters once it was inside this long; else never."),
    ] = None


class LineConfig(_Place):
    """A line that objects cross, one way or the other."""

    start: Annotated[
        Point, Field(alias="from", description="Where it begins, in fractions of the picture.")
    ]
    to: Annotated[Point, Field(description="Where it ends.")]
    left: Annotated[
        PlaceName, Field(description="What going to the left is called, looking along from → to.")
    ] = "left"
    right: Annotated[PlaceName, Field(description="What going to the right is called.")] = "right"

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        if self.start == self.to:
            raise FieldsError("is where the line begins too", "to", "from")
        if self.left == self.right:
            raise FieldsError("must differ, or nobody knows which way it went", "right", "left")
        return self


Zones = Annotated[
    dict[PlaceName, ZoneConfig], Field(max_length=32, description="Areas to watch, by name.")
]
Lines = Annotated[
    dict[PlaceName, LineConfig], Field(max_length=32, description="Lines to count at, by name.")
]
