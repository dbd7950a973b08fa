"""What this machine's processor can do, and the arithmetic that follows from it. No TensorFlow."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from detector.api import ModelError

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction sets of an x86 processor; none for another, or where they cannot be read."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), ":")
    return frozenset(flags.partition(":")[2].split())


def require_avx(flags: Set[str]) -> None:
    """TensorFlow ends the process when it is imported without AVX. Raises ModelError instead."""
    if flags and "avx" not in flags:
        raise ModelError(
            "TensorFlow needs a processor with AVX: a virtual machine may have to pass it on"
        )


def choose_precision(asked: str, *, gpu: bool, flags: Set[str]) -> tuple[str, str]:
    """What `asked` comes to on this machine, and why. Raises ModelError for what it cannot do."""
    if asked == "float16" and not gpu:
        raise ModelError("precision float16 needs a GPU: set model.precision to auto")
    if asked != "auto":
        return asked, "asked for"
    if gpu:
        return "float16", "GPU"
    if found := sorted(_BFLOAT16_FLAGS & flags):
        return "bfloat16", f"processor has {' and '.join(found)}"
    return "float32", "neither a GPU nor a processor with bfloat16 arithmetic"
