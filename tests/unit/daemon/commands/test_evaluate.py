"""`vedette evaluate` over small files, with a detector that answers one box per picture."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from daemon.commands import evaluate
from detector.api import InferenceError, ModelError
from detector.extras import add
from detector.spec import DetectorSpec
from detector.weights.description import Description
from detector.weights.native import save
from tests.support.data_sets import coco_document, make_picture, write_coco
from tests.support.fakes import FakeDetector

HIT = (8, 6, 16, 30)  # x, y, width, height of what the fake always finds: a person at 0.9

ABOUT = Description(
    architecture="efficientdet-lite0",
    labels=("person", "car"),
    input_size=320,
    input_convention="",
    training_data="",
    licence="",
    source="",
)


class Bench:
    """A data set of one picture, weights for two labels, and the command with a fake detector."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[DetectorSpec] = []
        self.error: Exception | None = None
        self.weights = folder / "mine.safetensors"
        save(self.weights, {"x": np.zeros(1, np.float32)}, ABOUT)
        make_picture(folder / "a.jpg")
        self.write(coco_document([HIT, (40, 2, 20, 40)]))

    def write(self, document: dict[str, Any]) -> None:
        write_coco(self.folder / "dev.json", document)

    def build(self, wanted: DetectorSpec) -> FakeDetector:
        self.asked.append(wanted)
        if self.error is not None:
            raise self.error
        return FakeDetector(wanted.max_batch)

    def run(self, *options: object) -> int:
        parser = argparse.ArgumentParser()
        evaluate.add_parser(parser.add_subparsers())
        words = ["evaluate", "--data", self.folder / "dev.json", "--weights", self.weights]
        return evaluate.run(parser.parse_args([*map(str, [*words, *options])]), build=self.build)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_figures_are_printed_and_written(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run("--json", tmp_path / "f.json", "--group", "any=person,car") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    times = figures.pop("latency_ms")
    half = pytest.approx(51 / 101)  # one of two persons, and nothing else
    best = {"best_f1": pytest.approx(2 / 3), "threshold": pytest.approx(0.9)}
    assert set(times) == {"batch_1", "batch_8"}
    assert figures == {
        "model": "fake",
        "weights": str(bench.weights),
        "weights_sha256": "0" * 64,
        "input_size": 32,
        "precision": "float32",
        "images": 1,
        "ap": half,
        "ap50": half,
        "ap75": half,
        "ap_small": half,
        "ap_medium": None,
        "ap_large": None,
        "classes": {
            "person": {"ap": half, "ap50": half, "boxes": 2} | best,
            "car": {"ap": None, "ap50": None, "boxes": 0, "best_f1": None, "threshold": None},
        },
        "groups": {"any": {"ap50": half, "boxes": 2} | best},
        "heights": {
            name: {"boxes": boxes, "ap": ap, "ap50": ap}
            for name, boxes, ap in (
                ("0-8", 0, None),
                ("8-16", 1, pytest.approx(1)),
                ("16-32", 1, 0),
                ("32-64", 0, None),
                ("64-128", 0, None),
                ("128-256", 0, None),
                ("256-", 0, None),
            )
        },
        "shown": {
            "pictures": 1,
            "objects": 2,
            "boxes": 1,
            "right": 1,
            "pairs": 0,
            "second": 0,
            "loose": 0,
            "empty": 0,
            "alarms": 0,
            "pairs_per_100": 0,
            "second_per_100": 0,
            "loose_per_100": 0,
            "alarms_per_empty": None,
        },
        "thresholds": {"person": 0.4, "car": 0.4},
        "faults": 0,
    }
    out, err = capsys.readouterr()
    assert "person                 2   0.505   0.505     0.667     0.900" in out
    assert "8-16                   1   1.000   1.000" in out
    assert "shown by default: person 0.40, car 0.40" in out
    assert "1 boxes, 1 right, of 2 objects" in out
    assert "per 100 objects: pairs 0.000, second boxes 0.000, loose 0.000" in out
    assert "false alarms: 0 in 0 pictures without objects (– each)" in out
    assert err == ""


def test_what_is_shown_is_decided_by_the_weights(bench: Bench, tmp_path: Path) -> None:
    about = replace(ABOUT, thresholds=(0.95, 0.2))
    save(bench.weights, {"x": np.zeros(1, np.float32)}, about)
    assert bench.run("--json", tmp_path / "f.json") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["thresholds"] == {"person": 0.95, "car": 0.2}
    assert figures["shown"]["boxes"] == 0
    assert figures["classes"]["person"]["ap50"] > 0


def test_two_models_are_compared(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run("--json", tmp_path / "f.json", "--compare", bench.weights) == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["compare"]["ap"] == figures["ap"]
    assert figures["difference"]["ap"] == 0
    assert figures["difference"]["classes"]["person"] == {"ap": 0, "ap50": 0}
    assert set(figures["difference"]["latency_ms"]) == {"batch_1", "batch_8"}
    assert "first less other" in capsys.readouterr().out


def test_pictures_of_the_result_are_written(bench: Bench, tmp_path: Path) -> None:
    assert bench.run("--plot", tmp_path / "p.png", "--worst", tmp_path / "w.png") == 0
    assert cv2.imread(str(tmp_path / "p.png")) is not None
    assert cv2.imread(str(tmp_path / "w.png")) is not None


def test_the_options_reach_the_detector(bench: Bench) -> None:
    assert bench.run("--input-size", 448, "--precision", "float32", "--iou", 0.6) == 0
    assert bench.asked == [
        DetectorSpec(
            name="efficientdet-lite0",
            weights=bench.weights,
            input_size=448,
            precision="float32",
            score_threshold=0.01,
            iou_threshold=0.6,
            max_detections=100,
            max_batch=8,
        )
    ]


def test_faults_are_told_and_counted_and_fatal_only_if_wanted(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.write(coco_document([HIT] + [(1, 1, -5, 5)] * 20))
    assert bench.run("--json", tmp_path / "f.json") == 0
    assert json.loads((tmp_path / "f.json").read_text())["faults"] == 20
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"vedette evaluate: {tmp_path}/a.jpg: box 2, person (1, 1, -4, 6): ")
    assert lines[-1] == "vedette evaluate: and 8 further faults"
    assert bench.run("--strict") == 1
    assert len(bench.asked) == 1  # nothing was built for nothing


def test_a_picture_that_does_not_decode_counts_as_fault(bench: Bench, tmp_path: Path) -> None:
    data = (tmp_path / "a.jpg").read_bytes()
    broken = data[:20] + bytes(len(data) - 22) + data[-2:]
    frame_at = data.index(b"\xff\xc0")
    (tmp_path / "b.jpg").write_bytes(data[: frame_at + 19] + broken[frame_at + 19 :])
    document = coco_document([HIT])
    document["images"].append({"id": 8, "file_name": "b.jpg"})
    bench.write(document)
    assert bench.run("--json", tmp_path / "f.json") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["images"], figures["faults"]) == (1, 1)
    assert bench.run("--strict") == 1


def test_labels_of_one_side_only_are_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    categories = [{"id": 90, "name": "person"}, {"id": 3, "name": "dog"}]
    bench.write(coco_document([HIT], categories=categories))
    assert bench.run() == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "vedette evaluate: labels that the model does not know are left out: dog",
        "vedette evaluate: the data have nothing of 1 labels that the model knows",
    ]
    assert "dog" not in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "nowhere"), "nowhere: does not exist"),
        (("--split", "dev"), "leave the split out"),
        (("--classes", "dog"), "the model knows none of the data's labels: dog (known: person"),
        (("--group", "vehicle=car,bus"), "--group vehicle: there is no label bus (known: person"),
        (("--group", "car=car"), "--group car: is the name of a label already"),
        (("--json", "no/such/f.json"), "no/such/f.json: there is no folder no/such"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    bench: Bench, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert bench.run(*options) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("vedette evaluate: ")
    assert said in err
    assert bench.asked == []


@pytest.mark.parametrize("option", [("--group", "vehicle"), ("--worst-count", "0"), ("--iou", "2")])
def test_an_option_out_of_bounds_is_a_usage_error(bench: Bench, option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.run(*option)


def test_classes_may_come_from_a_file(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("car\nperson\n")
    assert bench.run("--classes", tmp_path / "names.txt", "--json", tmp_path / "f.json") == 0
    assert [*json.loads((tmp_path / "f.json").read_text())["classes"]] == ["car", "person"]


def test_failures_have_their_exit_codes(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run("--compare", tmp_path / "none.safetensors") == 69
    bench.error = ModelError("mine.safetensors: truncated")
    assert bench.run() == 69
    bench.error = InferenceError("oom", "8 GiB asked for")
    assert bench.run() == 1
    bench.error = None
    assert bench.run("--json", tmp_path) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_missing_packages_are_named_with_the_way_out(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "find_spec", lambda name: None)
    assert bench.run() == 1
    said = f"vedette evaluate: packages are missing: {add('train')}\n"
    assert capsys.readouterr().err == said
