"""What this machine's processor can do, and the arithmetic that follows from it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from detector.api import ModelError

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "asimddp"}  # sums of products of int8; the last is Arm's
GPU_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/nvmap"), Path("/dev/dxg"))


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction sets of an x86 or Arm processor; none where they cannot be read."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), ":")
    return frozenset(flags.partition(":")[2].split())


def require_avx(flags: Set[str]) -> None:
    """TensorFlow ends the process when it is imported on x86 without AVX. Raises ModelError
    instead.
    """
    if "fpu" in flags and "avx" not in flags:
        raise ModelError(
            "TensorFlow needs a processor with AVX: a virtual machine may have to pass it on"
        )


def may_have_gpu(devices: Sequence[Path] = GPU_DEVICES) -> bool:
    """Whether it is worth asking TensorFlow, which takes seconds to load."""
    return any(device.exists() for device in devices)


def choose_precision(
    asked: str, *, gpu: bool, flags: Set[str], no_int8: str | None
) -> tuple[str, str]:
    """What `asked` comes to on this machine, and why. `no_int8` is why the weights cannot run in
    int8, if so. Raises ModelError for what the machine or the weights cannot do.
    """
    if asked == "float16" and not gpu:
        raise ModelError("precision float16 needs a GPU: set model.precision to auto")
    if asked == "int8" and no_int8 is not None:
        msg = f"precision int8: {no_int8}; or set model.precision to auto"
        raise ModelError(msg)
    if asked != "auto":
        return asked, "asked for"
    if gpu:
        return "float16", "GPU"
    dots = sorted(_INT8_FLAGS & flags)
    if dots and no_int8 is None:
        return "int8", f"processor has {' and '.join(dots)}, the weights have an int8 form"
    beside = f"; not int8, although the processor has {dots[0]}: {no_int8}" if dots else ""
    if found := sorted(_BFLOAT16_FLAGS & flags):
        return "bfloat16", f"processor has {' and '.join(found)}{beside}"
    return "float32", f"neither a GPU nor a processor with bfloat16 arithmetic{beside}"
