"""The weights that a configuration asks for, and the arithmetic that they would run in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from config.schema import ModelConfig
from daemon.diagnosis.finding import Finding, fail, ok, warn
from detector.api import ModelError
from detector.processor import choose_precision, cpu_flags, require_avx
from detector.weights import bundled
from detector.weights.description import Description, read_description

_NVIDIA = Path("/dev/nvidiactl")


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
    asked: str, *, gpu: Callable[[], bool] | None = None, nvidia: Path = _NVIDIA
) -> Finding:
    """What `model.precision` comes to. Imports TensorFlow to ask for a GPU: takes seconds."""
    flags = cpu_flags()
    try:
        require_avx(flags)
        has_gpu = (gpu or _tensorflow_sees_gpu)()
        precision, why = choose_precision(asked, gpu=has_gpu, flags=flags)
    except ModelError as error:
        return fail("tensorflow", str(error), "see model.precision")
    detail = f"{precision} ({why})"
    if nvidia.exists() and not has_gpu:
        todo = "`pip install 'vedette[gpu]'`, then see `nvidia-smi`; in the service, gpu.conf"
        return warn("tensorflow", f"{detail}; the NVIDIA GPU of this machine is not seen", todo)
    return ok("tensorflow", f"{detail}, on {'the GPU' if has_gpu else 'the processor'}")


def _tensorflow_sees_gpu() -> bool:
    from detector.startup import quiet_start

    with quiet_start():
        from detector.graph.runtime import has_gpu

        return has_gpu()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
