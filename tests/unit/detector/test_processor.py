from __future__ import annotations

from pathlib import Path

import pytest

from detector.api import ModelError
from detector.processor import choose_precision, cpu_flags, may_have_gpu, require_avx


@pytest.mark.parametrize(
    ("gpu", "flags", "precision"),
    [
        (True, {"avx512_bf16"}, "float16"),
        (False, {"avx2", "avx512_bf16"}, "bfloat16"),
        (False, {"amx_bf16"}, "bfloat16"),
        (False, {"avx2"}, "float32"),
        (False, set(), "float32"),
    ],
)
def test_auto_takes_the_fastest_that_the_machine_has(
    gpu: bool, flags: set[str], precision: str
) -> None:
    assert choose_precision("auto", gpu=gpu, flags=flags, no_int8="none")[0] == precision


def test_the_reason_names_the_instruction_sets() -> None:
    flags = {"avx512_bf16", "amx_bf16"}
    _, why = choose_precision("auto", gpu=False, flags=flags, no_int8=None)
    assert why == "processor has amx_bf16 and avx512_bf16"


@pytest.mark.parametrize("dots", ["avx512_vnni", "avx_vnni", "asimddp"])
def test_auto_takes_int8_where_weights_and_processor_are_made_for_it(dots: str) -> None:
    flags = {"avx512_bf16", dots}
    chosen, why = choose_precision("auto", gpu=False, flags=flags, no_int8=None)
    assert (chosen, dots in why) == ("int8", True)
    chosen, why = choose_precision("auto", gpu=False, flags=flags, no_int8="run this")
    assert chosen == "bfloat16"
    assert why.endswith(f"not int8, although the processor has {dots}: run this")
    assert choose_precision("auto", gpu=True, flags=flags, no_int8=None)[0] == "float16"


def test_int8_that_the_weights_do_not_have_is_refused_with_a_way_out() -> None:
    assert choose_precision("int8", gpu=False, flags=set(), no_int8=None)[0] == "int8"
    with pytest.raises(ModelError, match=r"^precision int8: run this; or set model.precision"):
        choose_precision("int8", gpu=False, flags={"avx512_vnni"}, no_int8="run this")


def test_tensorflow_is_asked_for_a_gpu_only_where_there_may_be_one(tmp_path: Path) -> None:
    assert not may_have_gpu([tmp_path / "nvidiactl"])
    assert may_have_gpu([tmp_path / "nvidiactl", tmp_path])


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_taken(asked: str) -> None:
    assert choose_precision(asked, gpu=False, flags=frozenset(), no_int8=None) == (
        asked,
        "asked for",
    )


def test_float16_needs_a_gpu() -> None:
    assert choose_precision("float16", gpu=True, flags=frozenset(), no_int8=None)[0] == "float16"
    with pytest.raises(ModelError, match=r"needs a GPU: set model\.precision to auto"):
        choose_precision("float16", gpu=False, flags={"avx512_bf16"}, no_int8=None)


def test_flags_are_those_of_the_first_processor(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu amx_bf16\nprocessor\t: 1\nflags\t\t: x\n")
    assert cpu_flags(cpuinfo) == {"fpu", "amx_bf16"}
    cpuinfo.write_text("processor\t: 0\nFeatures\t: fp asimd asimddp\n")
    assert cpu_flags(cpuinfo) == {"fp", "asimd", "asimddp"}


def test_an_unknown_processor_has_no_flags(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("model name : other\n")
    assert cpu_flags(tmp_path / "cpuinfo") == frozenset()
    assert cpu_flags(tmp_path / "missing") == frozenset()


def test_a_processor_without_avx_is_refused_before_tensorflow_aborts() -> None:
    with pytest.raises(ModelError, match="needs a processor with AVX"):
        require_avx({"fpu", "sse4_2"})
    require_avx({"fpu", "avx"})
    require_avx({"fp", "asimd"})  # Arm


def test_a_processor_that_tells_nothing_is_trusted() -> None:
    require_avx(frozenset())
