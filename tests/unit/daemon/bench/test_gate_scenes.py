"""What a gate must bear: drawn scenes, of which it misses nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from daemon.bench import gate, scenes
from daemon.bench.scenes import SCENES, WH, Walker


def test_the_boxes_are_where_the_figures_are(tmp_path: Path) -> None:
    walker = Walker(0, 40)
    x1, y1, x2, y2 = walker.box(5.0)
    assert (x1 + x2) / 2 == walker.x_px(5.0) == 40 * 5 - 16
    assert (y1, y2) == (200, 240)
    waiting = Walker(0, 40, halt_px=100, halt_s=10)
    assert waiting.x_px(2.9) == pytest.approx(100)
    assert waiting.x_px(10) == 100
    assert waiting.x_px(13.9) == pytest.approx(40 * 3.9 - 16)


def test_what_is_found_is_always_the_same_and_lies_in_the_picture() -> None:
    for scene in SCENES:
        found = list(scene.boxes())
        assert found == list(scene.boxes())
        assert len(found) == scenes.SECONDS * scenes.FPS
        for x1, y1, x2, y2 in (box for boxes in found for box in boxes):
            assert 0 <= x1 < x2 <= WH[0]
            assert 0 <= y1 < y2 <= WH[1]


@pytest.mark.parametrize("name", ["people walk", "creeps 0.2 px of 160x90", "infrared goes on"])
def test_a_gate_misses_no_event(name: str) -> None:
    """`vedette bench gate` has the other scenes."""
    figures = gate.drawn(next(scene for scene in SCENES if scene.name == name))
    assert figures["events"] > 0
    assert figures["missed"] == []
    assert figures["left_out"] < figures["pictures"]


def test_the_command_tells_every_scene_and_writes_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenes, "SCENES", SCENES[:2])
    monkeypatch.setattr(scenes, "SECONDS", 20.0)
    monkeypatch.setattr(gate, "_costs_ms", lambda: (0.3, 3.0))
    parser = argparse.ArgumentParser()
    gate.add_parser(parser.add_subparsers())
    written = tmp_path / "figures.json"
    args = parser.parse_args(["gate", "--drawn", "--json", str(written)])
    assert gate.run(args) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line[:28].strip() for line in said[1:3]] == ["nothing", "people walk"]
    assert said[3] == (
        "a picture of 1080p takes 0.30 ms, 0.10 of decoding it: 0.15 % of a core at 5 fps"
    )
    assert json.loads(written.read_text())["scenes"]["nothing"]["pictures"] == 100
