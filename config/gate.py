"""What an operator may write of the gate: which pictures need not go to the detector."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.objects import Polygon
from config.section import Section


class GateConfig(Section):
    """Pictures in which nothing has changed are left out."""

    enabled: Annotated[
        bool, Field(description="Leave out pictures in which nothing has changed.")
    ] = False
    ignore: Annotated[
        list[Polygon],
        Field(
            max_length=32,
            description="Areas where changes do not count, as the clock that a camera writes.",
        ),
    ] = Field(default_factory=list)
    hold_s: Annotated[
        float, Field(ge=0.5, le=60, description="Stays open for this long after a change.")
    ] = 3.0
    heartbeat_s: Annotated[
        float, Field(ge=1, le=10, description="Looks at a picture at least this often.")
    ] = 8.0
