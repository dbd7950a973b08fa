"""How a detector is made from plain parameters. Asking for labels does not load TensorFlow."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from detector.api import ModelError, buckets_up_to
from detector.models import Model, check_name, find_model
from detector.processor import choose_precision, cpu_flags, require_avx
from detector.startup import quiet_start
from detector.weights.bundled import resolve
from detector.weights.description import read_description, unusable
from detector.weights.native import Weights, load

if TYPE_CHECKING:
    from detector.boxes.selection import Nms
    from detector.graph.compiled import CompiledDetector

log = logging.getLogger(__name__)


def labels_of(name: str, weights: str | Path) -> tuple[str, ...]:
    """Names by class id of the weights that would be used. Raises ModelError."""
    check_name(name)
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
    nms: Nms = "hard",
) -> CompiledDetector:
    """A detector for batches of up to `max_batch`; `warm_up` makes it ready.

    `weights` is `bundled` or a path; `input_size` a multiple of 32, the weights' own by default;
    `nms` see `selection`. Raises ModelError.
    """
    check_name(name)
    path = resolve(name, weights)
    model, loaded = open_weights(path, name=name, sha256=sha256)
    labels = loaded.description.labels
    gpu = start_tensorflow(threads)
    from detector.boxes.selection import Selection
    from detector.graph.compiled import CompiledDetector
    from detector.graph.plan import Plan, stages_for

    arithmetic, why = choose_precision(precision, gpu=gpu, flags=cpu_flags())
    family = model.family(len(labels), input_size or loaded.description.input_size)
    selection = Selection(score_threshold, iou_threshold, max_detections, nms=nms)
    stages = stages_for(family, loaded.arrays, selection, precision=arithmetic, xla=gpu)
    log.info(
        "detector built model=%s input=%d precision=%s reason=%r weights=%s",
        name, family.input_spec.width, arithmetic, why, path.name,
    )  # fmt: skip
    return CompiledDetector(
        Plan(stages),
        name=name,
        precision=arithmetic,
        labels=labels,
        weights_sha256=loaded.sha256,
        input_spec=family.input_spec,
        buckets=buckets_up_to(max_batch),
    )


def open_weights(
    path: Path, *, name: str | None = None, sha256: str | None = None
) -> tuple[Model, Weights]:
    """A checked weights file and the architecture that it is for, in the file's dialect.

    Raises ModelError, also where the file is not for `name` or has another `sha256`.
    """
    description = read_description(path)
    if name not in (None, description.architecture):
        raise unusable(path, f"holds {description.architecture}, not {name}")
    try:
        model = find_model(description.architecture, description.dialect)
    except ModelError as error:
        raise unusable(path, str(error)) from None
    return model, load(path, model.variables(len(description.labels)), sha256=sha256)


def start_tensorflow(threads: int | None = None) -> bool:
    """Quietly, with our settings; says whether it found a GPU. Raises ModelError."""
    require_avx(cpu_flags())
    with quiet_start():
        from detector.graph.runtime import configure, has_gpu

        configure(threads)
        return has_gpu()
