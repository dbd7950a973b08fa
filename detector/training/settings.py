"""Everything that a training run is told: written beside its weights, and read again to resume.

The options of `vedette train` are these fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from detector.models import DIALECTS, NAMES, find_model
from detector.networks.sizes import YoloSize

Chance = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Bounds are those within which training makes sense at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: tuple[Path, ...] = Field(
        min_length=1, description="VOC folder, COCO file or list to learn from"
    )
    split: str | None = Field(None, description="part of the data, as VOC and COCO name it")
    dev: tuple[Path, ...] = Field(
        (), description="data to measure on while training, never learnt from"
    )
    dev_split: str | None = Field(None, description="part of the dev data")
    classes: tuple[str, ...] | None = Field(
        None, description="names of the classes, by default all of the data"
    )

    model: str = Field("efficientdet-lite0", description="architecture")
    dialect: str | None = Field(
        None, description=f"whose targets and losses: {', '.join(DIALECTS)}"
    )
    init: str = Field(
        "imagenet", description="what to begin with: imagenet, random, bundled or weights"
    )
    input_size: int | None = Field(
        None,
        ge=64,
        le=2048,
        multiple_of=32,
        description="side of the input in pixels, by default that of --init or the model",
    )

    epochs: float = Field(50, gt=0, le=10_000, description="times to see every picture")
    batch: int = Field(8, ge=1, le=1024, description="examples per step")
    accumulate: int = Field(1, ge=1, le=1024, description="steps to learn from at once")
    optimizer: Literal["adamw", "sgd"] = Field(
        "adamw", description="AdamW, or SGD with momentum 0.9"
    )
    learning_rate: float = Field(
        1e-3, gt=0, le=10, description="at its peak, after warm-up; then a cosine down to 0"
    )
    backbone_rate: float = Field(1.0, ge=0, le=1, description="share of it for the backbone")
    warmup_epochs: float = Field(1.0, ge=0, description="epochs in which the rate rises")
    schedule: Literal["cosine", "automl", "article"] = Field(
        "cosine",
        description="how the rate changes: a line and a cosine, or as one of the originals",
    )
    penalty: bool = Field(
        default=False, description="the originals' cost of large kernels, in place of weight decay"
    )
    weight_decay: float = Field(0.02, ge=0, lt=1, description="of kernels, in learning rates")
    clip_norm: float = Field(10.0, gt=0, description="longest gradient")
    average: float = Field(
        0.9998, ge=0, lt=1, description="share of the running average kept per step"
    )
    freeze_epochs: float = Field(0, ge=0, description="epochs before the backbone learns as well")
    frozen_stages: int = Field(
        0, ge=0, le=8, description="parts of the backbone that never learn: stem, then stages"
    )
    norm: Literal["train", "frozen-backbone", "frozen"] = Field(
        "train", description="which BatchNorm keeps its statistics"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of the inner layers")

    scale_min: float = Field(0.5, gt=0, le=4, description="smallest size, 1 just fits the input")
    scale_max: float = Field(
        1.5, gt=0, le=4, description="largest size; what is outside is cut off"
    )
    aspect: float = Field(0.15, ge=0, le=1, description="largest change of shape")
    flip: Chance = Field(0.5, description="chance to be mirrored")
    mosaic: Chance = Field(0.3, description="chance to be joined with three others")
    close_mosaic: Chance = Field(
        0.0, description="share of the run, at its end, in which pictures are no longer joined"
    )
    colour: Chance = Field(0.25, description="largest change of colours")
    degrade: Chance = Field(0.15, description="chance to be blurred, noisy or compressed")
    min_visible: Chance = Field(0.3, description="share of an object that must be left of it")
    rare: Chance = Field(
        0.0, description="show pictures more often whose classes are in fewer than this share"
    )

    matching: Literal["original", "low_quality", "dynamic", "aligned"] = Field(
        "original",
        description="low_quality: also the four best anchors of a box, from overlap 0.25; dynamic"
        " (SimOTA), aligned (TOOD): the few anchors that now answer best",
    )
    class_loss: Literal["focal", "varifocal"] = Field(
        "focal", description="varifocal: a score says how well its box fits"
    )
    iou_loss: Literal["iou", "giou", "diou", "ciou"] | None = Field(
        None, description="loss on whole boxes, besides their numbers"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="how much certainty is not asked for"
    )

    evaluate_every: float = Field(
        5, gt=0, description="epochs between measurements on the dev data"
    )
    patience: int = Field(
        0, ge=0, description="measurements without a better one before it ends; 0: never"
    )
    seed: int = Field(0, ge=0, description="of everything random")
    licence: str = Field(
        "not stated", description="of the weights, as they shall say of themselves"
    )
    training_data: str = Field(
        "not stated", description="what the weights shall say they have seen"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.model not in NAMES:
            _refuse(f"unknown model {self.model}; known are {', '.join(NAMES)}")
        if self.dialect is not None and self.dialect not in DIALECTS:
            _refuse(f"unknown dialect {self.dialect}; known are {', '.join(DIALECTS)}")
        if self.scale_min > self.scale_max:
            _refuse("scale_min is larger than scale_max")
        automl = self.chosen_dialect.startswith("automl")
        changed = [
            name
            for name in ("matching", "class_loss", "iou_loss", "label_smoothing")
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        if changed and not automl:
            _refuse(f"{changed[0]} is for the dialect automl alone")
        return self

    @property
    def chosen_dialect(self) -> str:
        """The first that knows the architecture, unless one was asked for."""
        return self.dialect or next(name for name, known in DIALECTS.items() if self.model in known)

    @property
    def is_yolo(self) -> bool:
        return isinstance(find_model(self.model, self.chosen_dialect).spec, YoloSize)


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)
