"""`vedette try` on a small video, with a detector whose person walks from left to right."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.commands import rehearse
from detector.api import ModelError
from detector.detections import Detections
from detector.spec import DetectorSpec
from tests.support.clips import encode
from tests.support.fakes import FakeDetector

CAMERA = """\
version: 1
cameras:
  gate:
    url: rtsp://10.0.0.5/x
    detect: {fps: 10}
    zones: {yard: {area: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]], enter_after_s: 0.1}}
    lines: {door: {from: [0.5, 0], to: [0.5, 1], left: in, right: out}}
"""


class Walker(FakeDetector):
    """The person is three pixels farther to the right in every picture."""

    shown = 0

    def detect(self, pixels: Any, letterboxes: Sequence[Any]) -> list[Detections]:
        answers = []
        for _ in letterboxes:
            x = 3.0 * self.shown
            self.shown += 1
            box = np.array([[x, 10, x + 8, 40]], np.float32)
            answers.append(Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int32)))
        return answers


class Latecomer(Walker):
    """There is nobody in the first second."""

    def detect(self, pixels: Any, letterboxes: Sequence[Any]) -> list[Detections]:
        first = self.shown
        answers = super().detect(pixels, letterboxes)
        return [Detections.none() if first + n < 8 else answer for n, answer in enumerate(answers)]


def rehearsed(
    folder: Path,
    *options: str,
    config: str = CAMERA,
    video: Path | None = None,
    detector: type[Walker] = Walker,
) -> tuple[int, list[DetectorSpec]]:
    path = folder / "vedette.yaml"
    path.write_text(config)
    if video is None:
        video = folder / "walk.mp4"
        encode(video, frames=20, size=(64, 48), fps=10)
    asked: list[DetectorSpec] = []

    def build(spec: DetectorSpec) -> FakeDetector:
        asked.append(spec)
        return detector(spec.max_batch)

    parser = argparse.ArgumentParser()
    rehearse.add_parser(parser.add_subparsers())
    words = ["try", str(path), "--camera", "gate", "--video", str(video), *options]
    return rehearse.run(parser.parse_args(words), build=build), asked


def test_events_are_told_with_the_time_in_the_video_and_counts_in_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, asked = rehearsed(tmp_path)
    said = capsys.readouterr()
    assert code == 0
    assert asked[0].weak == 0.25
    lines = said.out.splitlines()
    assert lines[0] == "00:00.20 person 1 came"
    assert any("person 1 entered yard" in line for line in lines)
    assert any("person 1 crossed door in" in line for line in lines)
    assert lines[-2].endswith("person 1 is gone after 1.9 s (interrupted)")
    assert lines[-1] == "in the end: person 1; yard: person 1; door: person in 1, out 0"
    assert said.err == "walk.mp4: answered 20, events 5\n"


def test_json_lines_are_those_that_would_be_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rehearsed(tmp_path, "--json")[0] == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["kind"] for line in lines} == {"event", "count"}
    assert [line["event_seq"] for line in lines[:-1]] == [1, 2, 3, 4, 5]
    assert lines[-1]["lines"] == {"door": {"person": {"in": 1, "out": 0}}}


def test_a_gate_says_what_it_would_save_and_miss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every change is ignored, so that whoever comes after the first seconds is missed."""
    everywhere = "[[0, 0], [1, 0], [1, 1], [0, 1]]"
    gate = f"gate: {{enabled: true, hold_s: 0.5, ignore: [{everywhere}]}}"
    config = CAMERA.replace("fps: 10", f"fps: 10, {gate}")
    code, _ = rehearsed(tmp_path, config=config, detector=Latecomer)
    said = capsys.readouterr()
    assert code == 0
    assert said.out == "in the end: nothing; yard: nothing; door: nobody crossed\n"
    assert said.err.splitlines() == [
        "walk.mp4: answered 5, events 0",
        "gate: left out 15 of 20 pictures (75%); looked at 0 still ones, 0 of them with news",
        "gate: missed 2 of 2 events",
        "  missed: 00:01.00 person 1 came",
        "  missed: 00:01.00 person 1 entered yard",
    ]


def test_a_gate_that_sees_the_change_misses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CAMERA.replace("fps: 10", "fps: 10, gate: {enabled: true}")
    assert rehearsed(tmp_path, config=config)[0] == 0
    said = capsys.readouterr()
    assert "person 1 crossed door in" in said.out
    assert "gate: missed 0 of 3 events" in said.err


@pytest.mark.parametrize(
    ("config", "video", "code", "complaint"),
    [
        (CAMERA.replace("gate:", "gates:"), None, 2, "did you mean `gates`?"),
        (CAMERA.replace("fps: 10", "fps: x"), None, 78, "must be a number"),
        (CAMERA + "    objects: {labels: [persn]}\n", None, 78, "has no label persn"),
        (CAMERA, Path("/nowhere/walk.mp4"), 1, "/nowhere/walk.mp4: "),
    ],
)
def test_what_cannot_be_tried_says_why(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    config: str,
    video: Path | None,
    code: int,
    complaint: str,
) -> None:
    assert rehearsed(tmp_path, config=config, video=video)[0] == code
    assert complaint in capsys.readouterr().err


def test_without_a_model_the_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def built(*_: object) -> None:
        raise ModelError("the weights cannot be read")

    monkeypatch.setattr(rehearse, "_built", built)
    assert rehearsed(tmp_path)[0] == 69
    assert "cannot be read" in capsys.readouterr().err
