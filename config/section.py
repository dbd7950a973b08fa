"""What every mapping of the configuration file has in common."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Hidden:
    """Marks a field whose value is not shown to those who may read the configuration: it says
    where a secret is kept.
    """


class Section(BaseModel):
    """A mapping of the file: unknown keys are faults, values never change after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        serialize_by_alias=True,  # shown as it is written
    )
