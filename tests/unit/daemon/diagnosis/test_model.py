"""Weights that would be refused at the start are named before it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from config.schema import ModelConfig
from daemon.diagnosis.finding import Verdict
from daemon.diagnosis.model import arithmetic_finding, read_model
from detector.weights import bundled
from detector.weights.description import read_description
from tests.golden import recorded

DESCRIPTION = read_description(recorded.INTERIM)  # has no int8 form


def test_bundled_weights_are_described() -> None:
    finding, description = read_model(ModelConfig())
    assert finding.verdict is Verdict.OK
    assert "6 labels: person, bicycle" in finding.detail
    assert description is not None
    assert "person" in description.labels


def test_weights_that_are_not_there_fail(tmp_path: Path) -> None:
    finding, description = read_model(ModelConfig(weights=str(tmp_path / "none.safetensors")))
    assert (finding.verdict, description) == (Verdict.FAIL, None)
    assert "none.safetensors: No such file" in finding.detail


def test_weights_of_another_model_fail() -> None:
    path = bundled.resolve("efficientdet-lite0", "bundled")
    finding, description = read_model(ModelConfig(name="efficientdet-d0", weights=str(path)))
    assert finding.verdict is Verdict.FAIL
    assert "holds efficientdet-lite0, not efficientdet-d0" in finding.detail
    assert description is not None


def test_weights_must_be_the_ones_that_are_meant() -> None:
    path = bundled.resolve("efficientdet-lite0", "bundled")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_model(ModelConfig(sha256=right))[0].verdict is Verdict.OK
    assert read_model(ModelConfig(sha256="0" * 64))[0].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("asked", "gpu", "verdict", "words"),
    [
        ("auto", True, "ok", "float16 (GPU), on the GPU"),
        ("float16", False, "fail", "needs a GPU"),
    ],
)
def test_arithmetic_follows_from_what_is_asked_and_there(
    tmp_path: Path, asked: str, gpu: bool, verdict: str, words: str
) -> None:
    found = arithmetic_finding(
        ModelConfig(precision=asked), DESCRIPTION, gpu=lambda: gpu, devices=[tmp_path]
    )
    assert found.verdict == verdict
    assert words in found.detail


def test_a_gpu_that_tensorflow_does_not_see_is_told(tmp_path: Path) -> None:
    found = arithmetic_finding(
        ModelConfig(precision="float32"), DESCRIPTION, gpu=lambda: False, devices=[tmp_path]
    )
    assert found.verdict is Verdict.WARN
    assert "extra `gpu`" in found.todo
    seen = arithmetic_finding(ModelConfig(), DESCRIPTION, gpu=lambda: True, devices=[tmp_path])
    assert seen.verdict is Verdict.OK


def test_int8_is_nothing_to_ask_tensorflow_for(tmp_path: Path) -> None:
    def gpu() -> bool:
        raise AssertionError

    asked = ModelConfig(precision="int8")
    found = arithmetic_finding(asked, DESCRIPTION, gpu=gpu, devices=[tmp_path])
    assert found.verdict is Verdict.FAIL
    assert "vedette weights quantize" in found.detail
    nothing = arithmetic_finding(ModelConfig(), DESCRIPTION, gpu=gpu, devices=[])
    assert "on the processor" in nothing.detail
    assert arithmetic_finding(asked, None, devices=[]).verdict is Verdict.FAIL
