"""Which classes of a trained head are kept, in which order and under which names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from config.hints import did_you_mean
from detector.networks.efficientdet import ANCHORS_PER_CELL

# COCO numbers its 80 categories from 1 to 90; these ten numbers were never used.
_COCO_SLOTS = 90
_COCO_UNUSED = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
COCO_LABELS = tuple(
    """person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,
stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,
umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,
skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,
sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,
toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,
clock,vase,scissors,teddy bear,hair drier,toothbrush""".replace("\n", "").split(",")
)
_COCO_CHANNELS = [number - 1 for number in range(1, 91) if number not in _COCO_UNUSED]
_MAX_LABEL = 64  # as the configuration has it

_HEAD = ("class_net/class-predict/pointwise_kernel", "class_net/class-predict/bias")


class LabelsError(ValueError):
    """The labels asked for cannot be had from this file; the message is one line."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Kept classes: their names, and which of the file's classes each of them is."""

    labels: tuple[str, ...]
    channels: tuple[int, ...]


def choose(num_classes: int, labels: Sequence[str] | None, *, official: bool = True) -> Classes:
    """What `labels` means for a file of `num_classes` classes. Raises LabelsError.

    An `official` file of 90 classes is taken for COCO's, and labels choose from its 80 categories,
    all by default. Any other file has exactly as many classes as there must be labels.
    """
    _check(labels)
    coco = official and num_classes == _COCO_SLOTS
    if coco and (labels is None or len(labels) != _COCO_SLOTS):
        return _coco(COCO_LABELS if labels is None else labels)
    if labels is None:
        msg = f"has {num_classes} classes of its own: name them with --labels"
        raise LabelsError(msg)
    if len(labels) != num_classes:
        msg = f"has {num_classes} classes, but --labels gives {len(labels)} names"
        raise LabelsError(msg)
    return Classes(tuple(labels), tuple(range(num_classes)))


def keep(
    arrays: Mapping[str, npt.NDArray[np.float32]], num_classes: int, classes: Classes
) -> dict[str, npt.NDArray[np.float32]]:
    """The same network with only the channels of `classes` in its class head.

    Channels are anchor-major: all classes of the first anchor, then those of the second.
    """
    if classes.channels == tuple(range(num_classes)):
        return dict(arrays)
    kept = dict(arrays)
    for name in _HEAD:
        by_class = kept[name].reshape(*kept[name].shape[:-1], ANCHORS_PER_CELL, num_classes)
        chosen = by_class[..., list(classes.channels)]
        kept[name] = np.ascontiguousarray(chosen.reshape(*kept[name].shape[:-1], -1))
    return kept


def _coco(labels: Sequence[str]) -> Classes:
    channel_of = dict(zip(COCO_LABELS, _COCO_CHANNELS, strict=True))
    for label in labels:
        if label not in channel_of:
            msg = f"has no class {label!r}{did_you_mean(label, COCO_LABELS)}"
            raise LabelsError(msg)
    return Classes(tuple(labels), tuple(channel_of[label] for label in labels))


def _check(labels: Sequence[str] | None) -> None:
    fault = None
    for label in labels or ():
        if not 1 <= len(label) <= _MAX_LABEL or not label.isprintable():
            fault = f"label {label!r} is not of 1 to {_MAX_LABEL} printable characters"
    if labels is not None and not labels:
        fault = "no labels are given"
    elif labels is not None and len(set(labels)) != len(labels):
        fault = f"label {next(x for x in labels if list(labels).count(x) > 1)!r} is given twice"
    if fault is not None:
        raise LabelsError(fault)
