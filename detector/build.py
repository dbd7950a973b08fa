"""How a detector is made from its specification. Asking for labels does not load TensorFlow."""

from __future__ import annotations

import logging
from pathlib import Path

from detector.api import ModelError
from detector.batched import BatchedDetector
from detector.buckets import buckets_up_to
from detector.engine import Engine
from detector.graph.lanes import available_cores
from detector.models import Model, check_name, find_model
from detector.processor import choose_precision, cpu_flags, may_have_gpu, require_avx
from detector.spec import DetectorSpec
from detector.startup import quiet_start, require_address_space
from detector.weights.bundled import resolve
from detector.weights.description import read_description, unusable
from detector.weights.int8_form import Int8Form, efficientdet_of, usable_form
from detector.weights.native import Weights, load

log = logging.getLogger(__name__)


def labels_of(name: str, weights: str | Path) -> tuple[str, ...]:
    """Names by class id of the weights that would be used. Raises ModelError."""
    check_name(name)
    return read_description(resolve(name, weights)).labels


def build_detector(spec: DetectorSpec) -> BatchedDetector:
    """A detector for batches of up to `spec.max_batch`; `warm_up` makes it ready.

    Raises ModelError.
    """
    check_name(spec.name)
    path = resolve(spec.name, spec.weights)
    model, loaded = open_weights(path, name=spec.name, sha256=spec.sha256)
    form, no_int8 = usable_form(model, loaded.description)
    gpu = spec.precision != "int8" and may_have_gpu() and start_tensorflow(spec.threads)
    arithmetic, why = choose_precision(spec.precision, gpu=gpu, flags=cpu_flags(), no_int8=no_int8)
    side = spec.input_size or loaded.description.input_size
    if arithmetic == "int8" and form is not None:
        engine = _int8_engine(spec, model, loaded, form)
    else:
        engine = _graph_engine(spec, model, loaded, arithmetic)
    log.info(
        "detector built model=%s input=%d precision=%s reason=%r weights=%s",
        spec.name, side, arithmetic, why, path.name,
    )  # fmt: skip
    return BatchedDetector(
        engine,
        name=spec.name,
        precision=arithmetic,
        labels=loaded.description.labels,
        thresholds=loaded.description.scores_from(spec.score_threshold),
        weights_sha256=loaded.sha256,
        input_spec=model.spec.pixels.input_spec(side),
        buckets=buckets_up_to(spec.max_batch),
    )


def _graph_engine(spec: DetectorSpec, model: Model, loaded: Weights, precision: str) -> Engine:
    gpu = start_tensorflow(spec.threads)
    from detector.graph.plan import Plan, stages_for

    description = loaded.description
    family = model.family(len(description.labels), spec.input_size or description.input_size)
    selection = spec.selection(description)
    return Plan(stages_for(family, loaded.arrays, selection, precision=precision, xla=gpu))


def _int8_engine(spec: DetectorSpec, model: Model, loaded: Weights, form: Int8Form) -> Engine:
    from detector.int8.assembly import assemble
    from detector.int8.engine import LiteRtEngine

    description = loaded.description
    assembly = assemble(
        efficientdet_of(model),
        loaded.arrays,
        num_classes=len(description.labels),
        input_size=spec.input_size or description.input_size,
        form=form,
    )
    cores = spec.threads or available_cores()
    return LiteRtEngine(
        assembly, spec.selection(description), cores=cores, max_batch=spec.max_batch
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
    require_address_space()
    with quiet_start():
        from detector.graph.runtime import configure, has_gpu

        configure(threads)
        return has_gpu()
