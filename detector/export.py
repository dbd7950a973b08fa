"""A detector for other runtimes: one file or folder with everything inside, from bytes to boxes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from detector.boxes.selection import Selection
from detector.build import open_weights
from detector.graph.folding import FoldedOps
from detector.graph.stages import Stages
from detector.networks.ops import Tensor
from detector.startup import quiet_start

Form = Literal["saved_model", "tflite"]


class Found(NamedTuple):
    """What an exported model answers; rows past `count` are zero."""

    boxes: Tensor  # float32 [B, N, 4] x1, y1, x2, y2 in input pixels
    scores: Tensor  # float32 [B, N], best first; infinity where the network overflowed
    classes: Tensor  # int32 [B, N], lines of labels.txt
    count: Tensor  # int32 [B]


class PortableOps(FoldedOps):
    """`FoldedOps` for runtimes that are fast at adding two feature maps, but not any number."""

    def weighted(self, xs: Sequence[Tensor], names: Sequence[str]) -> list[Tensor]:
        weights = [np.maximum(self._arrays[name], 0) for name in names]
        total = np.float32(sum(weights) + 1e-4)
        return [x * (weight / total) for x, weight in zip(xs, weights, strict=True)]

    def add(self, xs: Sequence[Tensor]) -> Tensor:
        return functools.reduce(tf.add, xs)


def export(
    weights: Path,
    out: Path,
    *,
    form: Form,
    selection: Selection,
    input_size: int | None = None,
    batch: int | None = None,
) -> None:
    """Write `out`: a SavedModel folder, or a LiteRT file that needs no ops but the builtin ones.

    It takes uint8 RGB `pixels` [batch, H, W, 3] and treats all of them as picture: scale yours to
    fit, and fill the rest with the mean colour. A LiteRT file has a `batch` of 1 by default, a
    SavedModel takes any. The labels lie beside, one per line. Raises ModelError, OSError.
    """
    model, loaded = open_weights(weights)
    description = loaded.description
    family = model.family(len(description.labels), input_size or description.input_size)
    stages = Stages(family, PortableOps(loaded.arrays), selection, xla=True)  # fixed shapes
    module = _module(stages, batch or (1 if form == "tflite" else None))
    labels = "".join(f"{label}\n" for label in description.labels)
    if form == "saved_model":
        try:
            tf.saved_model.save(module, str(out), signatures=module.serve)
        except tf.errors.OpError as error:
            raise OSError(error.message) from error
        labels_file = out / "assets.extra" / "labels.txt"
        labels_file.parent.mkdir(exist_ok=True)
    else:
        converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve], module)
        with quiet_start():
            out.write_bytes(converter.convert())
        labels_file = out.with_name(f"{out.stem}.labels.txt")
    labels_file.write_text(labels, encoding="utf-8")


def _module(stages: Stages, batch: int | None) -> Tensor:
    spec = stages.family.input_spec
    everything = tf.constant([[0, 0, spec.width, spec.height]])

    def serve(pixels: Tensor) -> dict[str, Tensor]:
        content = tf.tile(everything, [tf.shape(pixels)[0], 1])
        return _padded(stages, pixels, content)._asdict()

    module = tf.Module()
    module.serve = tf.function(serve, autograph=False).get_concrete_function(
        tf.TensorSpec([batch, spec.height, spec.width, 3], tf.uint8, "pixels")
    )
    return module


def _padded(stages: Stages, pixels: Tensor, content: Tensor) -> Found:
    kept = stages(pixels, content)
    rows = tf.range(kept.score.shape[1])[None, :]
    meant = rows < kept.count[:, None]
    return Found(
        tf.where(meant[:, :, None], kept.xyxy, 0.0),
        tf.where(meant, kept.score, 0.0),
        tf.where(meant, kept.class_id, 0),
        kept.count,
    )
