from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.api import ModelError
from detector.build import open_weights
from detector.models import find_model
from detector.weights.description import read_description
from detector.weights.int8_form import Int8Form, read_form, usable_form
from detector.weights.native import load
from tests.golden import recorded
from tests.support.int8_weights import form_of, with_form

WAY_OUT = "`vedette weights quantize`"


def test_a_form_comes_back_as_it_was_written_and_no_number_is_touched(tmp_path: Path) -> None:
    path = with_form(recorded.INTERIM, tmp_path / "with.safetensors")
    assert read_form(read_description(path)) == form_of(recorded.INTERIM)
    (_, before), (model, after) = open_weights(recorded.INTERIM), open_weights(path)
    assert after.description.sha256 == before.description.sha256
    assert after.sha256 != before.sha256
    assert all((after.arrays[name] == before.arrays[name]).all() for name in before.arrays)
    assert usable_form(model, after.description)[1] is None
    load(path, model.variables(6), sha256=after.sha256)


def test_weights_without_a_form_get_a_way_out() -> None:
    model, loaded = open_weights(recorded.INTERIM)
    assert read_form(loaded.description) is None
    assert usable_form(model, loaded.description) == (
        None, f"the weights have no int8 form: {WAY_OUT} makes one",
    )  # fmt: skip


def test_the_family_without_int8_is_named() -> None:
    model = find_model("efficientnet-yolov3-b0", "article")
    description = read_description(recorded.INTERIM)
    assert "YOLOv3 has no int8 form" in str(usable_form(model, description)[1])


def test_a_form_of_other_weights_is_refused() -> None:
    form = replace(form_of(recorded.INTERIM), tensors_sha256="0" * 64)
    description = replace(read_description(recorded.INTERIM), int8=form.to_text())
    with pytest.raises(ModelError, match=f"made for other weights: make it anew with {WAY_OUT}"):
        read_form(description)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"ranges": {"a": [1, 0]}}, {"ranges": {"a": [0, float("nan")]}},
        {"ranges": {"a": [0, 1e30]}}, {"ranges": {"a": [0]}}, {"ranges": []}, {"kept": 1},
        {"surplus": 1}, {"ranges": {str(n): [0, 1] for n in range(10_001)}},
        {"input_size": "wide"}, {"pictures": None},
    ],
)  # fmt: skip
def test_a_form_that_is_none_is_refused_in_a_line(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(form_of(recorded.INTERIM).to_text()) | change)
    description = replace(read_description(recorded.INTERIM), int8=text)
    with pytest.raises(ModelError, match=f"of no use .*make it with {WAY_OUT}$"):
        read_form(description)


@pytest.mark.parametrize("text", ["{", "[]", "1", "null"])
def test_text_that_is_no_form_is_refused(text: str) -> None:
    description = replace(read_description(recorded.INTERIM), int8=text)
    with pytest.raises(ModelError, match="of no use"):
        read_form(description)


def test_equal_forms_are_equal_text() -> None:
    form = form_of(recorded.INTERIM)
    assert Int8Form(**{k: getattr(form, k) for k in form.__slots__}).to_text() == form.to_text()
