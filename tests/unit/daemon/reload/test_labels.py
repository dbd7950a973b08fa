"""Labels that the model does not have are faults of the file, with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import Loaded, load
from daemon.reload.labels import check_labels, label_faults

LABELS = ("person", "bicycle", "car", "motorcycle", "bus")


def loaded(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "c.yaml"
    path.write_text("version: 1\n" + text)
    return load(path, {})


def faults(tmp_path: Path, text: str) -> list[str]:
    found = label_faults(loaded(tmp_path, text), LABELS)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in found]


def test_labels_of_the_model_are_no_fault(tmp_path: Path) -> None:
    text = """\
cameras:
  gate:
    url: synthetic://64x48
    objects: {labels: [person, bus], filters: {bus: {min_score: 0.5}}}
  porch:
    url: synthetic://64x48
    objects: {filters: {car: {min_score: 0.5}}}
  yard: {url: "synthetic://64x48"}
"""
    check_labels(loaded(tmp_path, text), LABELS)
    assert faults(tmp_path, text) == []


def test_unknown_labels_of_zones_and_lines_are_named(tmp_path: Path) -> None:
    text = """\
cameras:
  gate:
    url: synthetic://64x48
    zones: {d: {area: [[0, 0], [1, 0], [1, 1]], labels: [car, persn]}}
    lines: {l: {from: [0, 0], to: [1, 1], filters: {buss: {min_score: 0.5}}}}
"""
    misspelt, filtered = faults(tmp_path, text)
    assert misspelt.startswith("c.yaml:5:63: cameras.gate.zones.d.labels[1]: the model has no")
    assert filtered.startswith("c.yaml:6:59: cameras.gate.lines.l.filters.buss: the model has no")


def test_every_unknown_label_is_named_where_it_stands(tmp_path: Path) -> None:
    text = """\
cameras:
  gate:
    url: synthetic://64x48
    objects: {labels: [person, persn]}
  lawn:
    url: synthetic://64x48
    objects:
      filters:
        motorbike: {min_score: 0.5}
        car: {min_score: 0.5}
  yard:
    url: synthetic://64x48
    objects: {labels: [ufo]}
"""
    misspelt, renamed, unknown = faults(tmp_path, text)
    assert misspelt == (
        "c.yaml:5:32: cameras.gate.objects.labels[1]: "
        "the model has no label persn (did you mean person?)"
    )
    assert renamed == (
        "c.yaml:10:20: cameras.lawn.objects.filters.motorbike: "
        "the model has no label motorbike (did you mean motorcycle?)"
    )
    assert unknown == (
        "c.yaml:14:24: cameras.yard.objects.labels[0]: "
        "the model has no label ufo (it has person, bicycle, car, motorcycle, bus)"
    )


def test_a_label_of_the_defaults_is_one_fault_however_many_inherit_it(tmp_path: Path) -> None:
    text = """\
defaults:
  objects: {labels: [persn]}
cameras:
  gate: {url: "synthetic://64x48"}
  yard: {url: "synthetic://64x48"}
"""
    (fault,) = faults(tmp_path, text)
    assert fault == (
        "c.yaml:3:22: defaults.objects.labels[0]: "
        "the model has no label persn (did you mean person?)"
    )


def test_a_label_to_record_must_be_one_of_the_models_too(tmp_path: Path) -> None:
    text = """\
cameras:
  gate: {url: "synthetic://64x48", record: {snapshots: true, on: [persn]}}
"""
    (fault,) = faults(tmp_path, text)
    assert "cameras.gate.record.on[0]: the model has no label persn" in fault


def test_all_faults_are_raised_at_once(tmp_path: Path) -> None:
    text = """\
cameras:
  gate: {url: "synthetic://64x48", objects: {labels: [persn, ufo]}}
"""
    with pytest.raises(ConfigError) as raised:
        check_labels(loaded(tmp_path, text), LABELS)
    assert len(raised.value.faults) == 2


def test_a_model_with_many_labels_is_not_listed_whole(tmp_path: Path) -> None:
    text = """\
cameras:
  gate: {url: "synthetic://64x48", objects: {labels: [ufo]}}
"""
    (fault,) = label_faults(loaded(tmp_path, text), [f"class{n}" for n in range(80)])
    assert fault.message.endswith("class10, class11)")
