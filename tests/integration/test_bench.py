"""The benchmarks run, and their figures agree with themselves; how good they are is not tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import main
from tests.support.rtsp_server import STREET

pytestmark = pytest.mark.integration


def figures_of(arguments: list[str], file: Path) -> dict[str, Any]:
    assert main(["bench", *arguments, "--json", str(file)]) == 0
    figures: dict[str, Any] = json.loads(file.read_text())
    return figures


def test_pipeline_figures_account_for_every_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pipeline", "--cameras", "4", "--fps", "20", "--seconds", "2", "--size", "320x240"]
    figures = figures_of(arguments, tmp_path / "figures.json")
    frames = figures["frames"]
    assert figures["conserved"] is True
    assert frames["captured"] == pytest.approx(4 * 20 * 2, abs=12)
    # What was in flight when the books were read moves the sum by a few frames.
    assert frames["inferred"] + sum(frames["dropped"].values()) == pytest.approx(
        frames["captured"], abs=12
    )
    assert frames["published"] == pytest.approx(frames["inferred"], abs=12)
    assert figures["ceiling_fps"] == pytest.approx(300, rel=0.01)
    assert 0 < figures["worst_fair_share"] <= 1.1
    assert figures["cpu_us_per_frame"] > 0
    assert set(figures["latency_ms"]) == {
        "age_at_dispatch",
        "queue",
        "infer",
        "publish",
        "total",
        "added",
    }
    for stage in figures["latency_ms"].values():
        assert 0 <= stage["p50"] <= stage["p95"] <= stage["p99"]
    assert "4 cameras × 20 fps, simulated detector" in capsys.readouterr().out


def test_viewers_get_pictures_while_the_pipeline_is_measured(tmp_path: Path) -> None:
    arguments = ["pipeline", "--cameras", "2", "--fps", "10", "--seconds", "2", "--size", "320x240"]
    figures = figures_of([*arguments, "--viewers", "4"], tmp_path / "figures.json")
    assert figures["viewers"] == 4
    assert 10 < figures["watched_fps"] <= 41  # two viewers of each camera, ten a second
    assert figures["inferred_fps"] == pytest.approx(20, rel=0.1)
    assert figures["conserved"] is True


def test_overload_is_dropped_as_overwritten_and_nothing_else(tmp_path: Path) -> None:
    arguments = ["pipeline", "--cameras", "4", "--fps", "20", "--seconds", "2", "--size", "320x240"]
    slow = ["--batch-ms", "100", "--image-ms", "0", "--max-batch", "2"]
    figures = figures_of([*arguments, *slow], tmp_path / "figures.json")
    assert figures["ceiling_fps"] == pytest.approx(20)
    dropped = {reason for reason, count in figures["frames"]["dropped"].items() if count}
    assert dropped == {"overwritten"}
    assert figures["conserved"] is True


def test_capture_figures_name_both_ratios(tmp_path: Path) -> None:
    figures = figures_of(["capture", "--file", str(STREET)], tmp_path / "figures.json")
    assert set(figures) >= {"whole_over_bare", "capped_over_whole"}


def test_a_real_detector_in_int8_answers_the_clip(tmp_path: Path) -> None:
    arguments = ["pipeline", "--detector", "real", "--precision", "int8", "--clip"]
    few = ["--cameras", "1", "--fps", "5", "--seconds", "2", "--max-batch", "1"]
    figures = figures_of([*arguments, *few], tmp_path / "figures.json")
    assert figures["precision"] == "int8"
    assert figures["frames"]["published"] > 0
    assert figures["conserved"] is True
