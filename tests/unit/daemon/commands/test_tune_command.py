"""`vedette tune`: what it sees of small objects, what it proposes, and that it changes nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.commands import tune
from detector.api import ModelError
from detector.spec import DetectorSpec
from tests.support.marked import _encode
from tests.support.markers import Box, MarkerFinder, at, painted

WH = (960, 540)
SMALL = [at(x, y, 24, WH) for x in (300, 420, 540) for y in (200, 330)]  # 3.2 px in the input
LARGE = [at(480, 270, 300, WH)]
CONFIG = """\
version: 1
batching: {{max_batch: 16}}
cameras:
  gate: {{url: "file:{clip}", detect: {{fps: 5}}, file: {{loop: false, realtime: false}}}}
  yard: {{url: rtsp://10.0.0.5/x, enabled: false}}
"""


def tuned(
    folder: Path, boxes: Sequence[Box], *options: str, config: str = CONFIG, **doubles: Any
) -> int:
    clip = _encode(folder / "clip.mp4", painted(WH, boxes), 25)
    path = folder / "vedette.yaml"
    path.write_text(config.format(clip=clip))
    before = path.read_text()
    parser = argparse.ArgumentParser()
    tune.add_parser(parser.add_subparsers())
    args = parser.parse_args(["tune", str(path), *options])

    def build(spec: DetectorSpec) -> MarkerFinder:
        return MarkerFinder(spec.max_batch)

    code = tune.run(args, **{"build": build, **doubles})
    assert path.read_text() == before
    return code


def test_small_objects_are_said_to_be_small_and_ways_out_are_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuned(tmp_path, SMALL) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("gate: 3 pictures of 960x540, 18 objects (marker 18), ")
    assert "100% have less than 20 px" in lines[1]
    assert lines[2].startswith("  proposal: ")
    assert any("tiles: {size: " in line for line in lines[2:])
    assert any("crop: [0." in line for line in lines[2:])


def test_where_everything_is_large_nothing_is_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuned(tmp_path, LARGE) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "half are less than 40 px" in lines[1]
    assert lines[2] == "  nothing need be done"


def test_an_empty_scene_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuned(tmp_path, []) == 0
    assert capsys.readouterr().out == (
        "gate: 3 pictures of 960x540, no objects: nothing to propose\n"
    )


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuned(tmp_path, SMALL, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["input_size"]) == ("markers", 128)
    gate = said["cameras"]["gate"]
    assert gate["objects"] == {"marker": 18}
    assert gate["now"]["height_px"]["median"] == pytest.approx(3.2, abs=0.3)
    assert gate["now"]["rows"] == 1
    best = gate["proposals"][0]
    assert best["share_below_20_px"] <= gate["now"]["share_below_20_px"]
    assert best["enlarged"] > 1
    assert best["pictures_per_s"] == pytest.approx(5 * best["rows"], abs=0.1)


def test_a_recording_stands_in_for_a_camera(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = _encode(
        tmp_path / "other.mp4", painted((640, 480), [at(300, 200, 200, (640, 480))]), 12
    )
    assert tuned(tmp_path, [], "--camera", "yard", "--video", str(video)) == 0
    assert capsys.readouterr().out.startswith("yard: 2 pictures of 640x480, 2 objects")


def test_a_short_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuned(tmp_path, SMALL, "--seconds", "0.5") == 0
    assert capsys.readouterr().out.startswith("gate: 1 pictures")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--camera", "gat"], "--camera gat: is not in "),
        (["--camera", "gate", "--video", "no.mp4"], "--video no.mp4: is no file"),
        (["--camera", "gate", "--camera", "yard", "--video", "x"], "--video: say with --camera"),
    ],
)
def test_what_cannot_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert tuned(tmp_path, [], *options) == 2
    assert capsys.readouterr().err.startswith(words)


def test_a_camera_that_gives_no_picture_is_said_and_the_next_one_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise CaptureError(Cause.AUTH)

    assert tuned(tmp_path, [], "--json", open_source=refuse) == 1
    out, err = capsys.readouterr()
    assert err.startswith("gate: gives no picture: ")
    assert json.loads(out)["cameras"] == {"gate": {"error": "auth"}}


def test_without_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def build(_: DetectorSpec) -> MarkerFinder:
        raise ModelError("no weights")

    assert tuned(tmp_path, [], build=build) == 69
    assert capsys.readouterr().err == "no weights\n"


def test_a_file_with_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuned(tmp_path, [], config="version: 2\n") == 78
    assert "version" in capsys.readouterr().err
