"""The weights that a configuration asks for, and the arithmetic that they would run in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from config.schema import ModelConfig
from daemon.diagnosis.finding import Finding, fail, ok, warn
from detector import extras
from detector.api import ModelError
from detector.models import find_model
from detector.processor import (
    GPU_DEVICES,
    choose_precision,
    cpu_flags,
    may_have_gpu,
    require_avx,
)
from detector.weights import bundled
from detector.weights.description import Description, read_description
from detector.weights.int8_form import usable_form

_PRECISION = "precision"


def read_model(model: ModelConfig) -> tuple[Finding, Description | None]:
    """The header of the weights; the tensors are checked when the daemon starts."""
    what, change = "weights", "see model.weights and model.name"
    try:
        path = bundled.resolve(model.name, model.weights)
        description = read_description(path)
    except ModelError as error:
        return fail(what, str(error), change), None
    if description.architecture != model.name:
        detail = f"{path.name} holds {description.architecture}, not {model.name}"
        return fail(what, detail, change), description
    if model.sha256 is not None and _sha256(path) != model.sha256:
        detail = f"{path.name} is not the file that model.sha256 means"
        return fail(what, detail, "fetch it again, or correct model.sha256"), description
    labels = description.labels
    shown = ", ".join(labels[:6]) + (" …" if len(labels) > 6 else "")
    return ok(what, f"{path.name}, {len(labels)} labels: {shown}"), description


def arithmetic_finding(
    model: ModelConfig,
    description: Description | None,
    *,
    gpu: Callable[[], bool] | None = None,
    devices: Sequence[Path] = GPU_DEVICES,
) -> Finding:
    """What `model.precision` comes to. Where that may be TensorFlow's business, it is imported to
    ask for a GPU, which takes seconds.
    """
    flags = cpu_flags()
    try:
        worth_asking = model.precision != "int8" and may_have_gpu(devices)
        has_gpu = worth_asking and (gpu or _tensorflow_sees_gpu)()
        no_int8 = _no_int8(description)
        precision, why = choose_precision(
            model.precision, gpu=has_gpu, flags=flags, no_int8=no_int8
        )
        if precision != "int8":
            require_avx(flags)
    except ModelError as error:
        return fail(_PRECISION, str(error), "see model.precision")
    detail = f"{precision} ({why})"
    if worth_asking and not has_gpu:
        todo = f"{extras.add('gpu')}, then see `nvidia-smi`; in the service, gpu.conf"
        return warn(_PRECISION, f"{detail}; the NVIDIA GPU of this machine is not seen", todo)
    return ok(_PRECISION, f"{detail}, on {'the GPU' if has_gpu else 'the processor'}")


def _no_int8(description: Description | None) -> str | None:
    if description is None:
        return "the weights cannot be read"
    found = find_model(description.architecture, description.dialect)
    return usable_form(found, description)[1]


def _tensorflow_sees_gpu() -> bool:
    from detector.startup import quiet_start, require_address_space

    require_address_space()
    with quiet_start():
        from detector.graph.runtime import has_gpu

        return has_gpu()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
