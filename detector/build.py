"""How a detector is made from plain parameters. Asking for labels does not load TensorFlow."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from detector.api import ModelError, buckets_up_to
from detector.network import variables
from detector.processor import choose_precision, cpu_flags, require_avx
from detector.sizes import SIZES, DetectorSize
from detector.startup import quiet_start
from detector.weights.bundled import resolve
from detector.weights.description import read_description, unusable
from detector.weights.native import load

if TYPE_CHECKING:
    from detector.compiled import CompiledDetector

log = logging.getLogger(__name__)


def labels_of(name: str, weights: str | Path) -> tuple[str, ...]:
    """Names by class id of the weights that would be used. Raises ModelError."""
    _size(name)
    return read_description(resolve(name, weights)).labels


def build_detector(
    *,
    name: str,
    weights: str | Path,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    max_batch: int,
    input_size: int | None = None,
    precision: str = "auto",
    sha256: str | None = None,
    threads: int | None = None,
) -> CompiledDetector:
    """A detector for batches of up to `max_batch`; `warm_up` makes it ready.

    `weights` is `bundled` or a path; `input_size` a multiple of 32, the weights' own by default.
    Raises ModelError.
    """
    spec = _size(name)
    path = resolve(name, weights)
    description = read_description(path)
    if description.architecture != name:
        raise unusable(path, f"holds {description.architecture}, not {name}")
    labels = description.labels
    loaded = load(path, variables(spec, len(labels)), sha256=sha256)

    flags = cpu_flags()
    require_avx(flags)
    with quiet_start():
        from detector.compiled import CompiledDetector
        from detector.efficientdet import EfficientDet
        from detector.plan import Plan, Selection
        from detector.runtime import configure, has_gpu

        configure(threads)
        gpu = has_gpu()
    arithmetic, why = choose_precision(precision, gpu=gpu, flags=flags)
    family = EfficientDet(
        spec, num_classes=len(labels), input_size=input_size or description.input_size
    )
    selection = Selection(score_threshold, iou_threshold, max_detections)
    plan = Plan(family, loaded.arrays, selection, precision=arithmetic, xla=gpu)
    log.info(
        "detector built model=%s input=%d precision=%s reason=%r weights=%s",
        name, family.input_spec.width, arithmetic, why, path.name,
    )  # fmt: skip
    return CompiledDetector(
        plan,
        name=name,
        precision=arithmetic,
        labels=labels,
        weights_sha256=loaded.sha256,
        input_spec=family.input_spec,
        buckets=buckets_up_to(max_batch),
    )


def _size(name: str) -> DetectorSize:
    if name not in SIZES:
        msg = f"unknown model {name}; known are {', '.join(SIZES)}"
        raise ModelError(msg)
    return SIZES[name]
