"""`vedette weights quantize`: what it measures on, what it refuses, what it leaves behind."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon import cli
from detector.build import build_detector
from detector.spec import DetectorSpec
from detector.weights.description import read_description
from detector.weights.int8_form import Int8Form, read_form
from detector.weights.native import relabel
from tests.golden import recorded


class Command:
    """The command on small weights, and what it says."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.weights = folder / "small.safetensors"
        about = read_description(recorded.INTERIM)
        relabel(recorded.INTERIM, self.weights, replace(about, input_size=64))
        self._capsys = capsys
        self.said = self.complained = ""

    def __call__(self, *options: object) -> int:
        code = cli.main(["weights", "quantize", str(self.weights), *map(str, options)])
        self.said, self.complained = self._capsys.readouterr()
        return code

    def scenes(self, count: int, name: str = "scenes") -> Path:
        """Pictures that have nothing in common."""
        folder = self.folder / name
        folder.mkdir()
        rng = np.random.default_rng(0)
        for number in range(count):
            coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
            assert cv2.imwrite(str(folder / f"{number:03}.png"), cv2.resize(coarse, (96, 72)))
        return folder

    @property
    def form(self) -> Int8Form:
        form = read_form(read_description(self.weights))
        assert form is not None
        return form


@pytest.fixture
def quantize(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, capsys)


def test_weights_run_in_int8_afterwards_and_in_float32_as_before(quantize: Command) -> None:
    digest = read_description(quantize.weights).sha256
    assert quantize("--data", quantize.scenes(40)) == 0
    assert read_description(quantize.weights).sha256 == digest
    assert (quantize.form.pictures, quantize.form.input_size) == (40, 64)
    assert quantize.form.calibration == "pictures of scenes"
    assert hashlib.sha256(quantize.weights.read_bytes()).hexdigest() in quantize.said
    assert "agreement with float32" in quantize.said
    detector = build_detector(
        DetectorSpec(
            name="efficientdet-lite0", weights=quantize.weights, precision="int8",
            iou_threshold=0.5, max_detections=10, max_batch=1,
        )
    )  # fmt: skip
    detector.warm_up()


def test_equal_pictures_give_equal_files(quantize: Command) -> None:
    scenes = quantize.scenes(40)
    for name in ("one", "other"):
        assert quantize("--data", scenes, "-o", quantize.folder / name) == 0
    one, other = ((quantize.folder / name).read_bytes() for name in ("one", "other"))
    assert one == other
    assert read_description(quantize.weights).int8 == "", "-o leaves the source as it is"


def test_so_many_pictures_are_taken_evenly(quantize: Command) -> None:
    assert quantize("--data", quantize.scenes(50), "--pictures", "35") == 0
    assert quantize.form.pictures == 35


@pytest.mark.parametrize(("count", "reason"), [(31, "31 pictures are too few: at least 32")])
def test_too_few_pictures_are_refused(quantize: Command, count: int, reason: str) -> None:
    before = quantize.weights.read_bytes()
    assert quantize("--data", quantize.scenes(count)) == 2
    assert reason in quantize.complained
    assert quantize.weights.read_bytes() == before


def test_pictures_of_one_scene_are_refused_with_a_way_out(quantize: Command) -> None:
    folder = quantize.folder / "same"
    folder.mkdir()
    for number in range(40):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 100 + number % 8, np.uint8))
    assert quantize("--data", folder) == 2
    assert "too much alike: 1 scenes, at least 16" in quantize.complained
    assert "--widen" in quantize.complained


def test_a_camera_widens_what_was_measured_before(quantize: Command) -> None:
    config = quantize.folder / "cameras.json"
    scene = "synthetic://rehearsal?size=64x48&fps=10&objects=2&seed=3"
    cameras = {"gate": {"url": scene}, "yard": {"url": scene, "enabled": False}}
    config.write_text(json.dumps({"version": 1, "cameras": cameras}))
    assert quantize("--data", quantize.scenes(40)) == 0
    before = quantize.form
    assert quantize("--camera", config, "--frames", "2", "--widen") == 0
    after = quantize.form
    assert after.pictures == 42
    assert after.calibration == "pictures of scenes; frames of 1 cameras"
    for name, (low, high) in before.ranges.items():
        assert after.ranges[name][0] <= low <= high <= after.ranges[name][1]
    assert quantize("--camera", f"{config}:gat", "--widen") == 2
    assert "there is no camera gat (did you mean `gate`?)" in quantize.complained


def test_there_must_be_something_to_widen(quantize: Command) -> None:
    assert quantize("--data", quantize.scenes(2), "--widen") == 69
    assert "no earlier int8 form" in quantize.complained


def test_labels_tell_what_is_lost(quantize: Command) -> None:
    scenes = quantize.scenes(40)
    pictures = sorted(scenes.glob("*.png"))
    coco = {
        "images": [
            {"id": n, "file_name": path.name, "width": 96, "height": 72}
            for n, path in enumerate(pictures)
        ],
        "annotations": [
            {"id": n + 1, "image_id": n, "category_id": 1, "bbox": [10, 10, 40, 40], "iscrowd": 0}
            for n in range(len(pictures))
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    (scenes / "labels.json").write_text(json.dumps(coco))
    assert quantize("--data", scenes / "labels.json") == 0
    assert "40 labelled pictures" in quantize.said
    assert "AP50 person" in quantize.said


def test_pictures_that_cannot_be_decoded_are_named_and_left_out(quantize: Command) -> None:
    scenes = quantize.scenes(40)
    (scenes / "000.png").write_bytes(b"no picture")
    assert quantize("--data", scenes) == 0
    assert "000.png cannot be decoded" in quantize.complained
    assert quantize.form.pictures == 39


def test_nothing_to_look_at_is_a_mistake_of_usage(quantize: Command) -> None:
    assert quantize() == 2
    assert "give --data or --camera" in quantize.complained
    assert quantize("--data", quantize.folder / "nowhere") == 2


def test_a_place_that_cannot_be_written_is_told_before_the_work(quantize: Command) -> None:
    assert quantize("--data", quantize.scenes(1), "-o", quantize.folder / "no" / "file") == 2
    assert "cannot be written: choose another file with -o" in quantize.complained


def test_a_configuration_of_no_use_has_its_own_exit_code(quantize: Command) -> None:
    (quantize.folder / "bad.yaml").write_text("version: 2\n")
    assert quantize("--camera", quantize.folder / "bad.yaml") == 78
