"""TensorFlow as this process uses it: threads, GPU memory, arithmetic that suits the machine."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from detector.api import ModelError

log = logging.getLogger(__name__)

_SHORT_CPU_ARITHMETIC = {"avx512_bf16", "amx_bf16"}


def configure(threads: int | None = None) -> None:
    """Take GPU memory as needed, and `threads` for the work inside an operation (all cores by
    default). Call before TensorFlow computes anything; later calls change nothing.
    """
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
    except RuntimeError as error:
        log.debug("tensorflow already initialised detail=%s", error)


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def choose_precision(asked: str, *, gpu: bool, cpu_flags: Iterable[str]) -> tuple[str, str]:
    """What `asked` comes to on this machine, and why. Raises ModelError for what it cannot do."""
    short_cpu = sorted(_SHORT_CPU_ARITHMETIC & set(cpu_flags))
    if asked == "auto":
        if gpu:
            return "float16", "GPU"
        if short_cpu:
            return "bfloat16", f"processor has {' and '.join(short_cpu)}"
        return "float32", "neither a GPU nor a processor with bfloat16 arithmetic"
    if asked == "float16" and not gpu:
        raise ModelError("precision float16 needs a GPU: set model.precision to auto")
    return asked, "asked for"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction sets of this processor; none where they cannot be read."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), ":")
    return frozenset(flags.partition(":")[2].split())
