"""`vedette train` as its user meets it: from pictures to weights, killed and resumed on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.drawn_data import write_drawn
from tests.support.waiting import until

VEDETTE = Path(sys.executable).parent / "vedette"
TIMEOUT_S = 240


def arguments(data: Path, out: Path, *more: str) -> list[str]:
    return [
        str(VEDETTE), "train", "--data", str(data), "--out", str(out), "--init", "random",
        "--input-size", "64", "--batch", "4", "--quiet", *more,
    ]  # fmt: skip


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def points(folder: Path) -> list[dict[str, float]]:
    log = folder / "log.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_run_that_is_killed_goes_on_along_the_same_curve(tmp_path: Path) -> None:
    data = write_drawn(tmp_path / "data", 16)
    options = ("--epochs", "15", "--dev", str(data), "--evaluate-every", "7.5", "--mosaic", "0.5")
    straight, broken = tmp_path / "straight", tmp_path / "broken"

    whole = run(arguments(data, straight, *options))
    assert whole.returncode == 0, whole.stderr
    assert whole.stderr == ""
    for name in ("best.safetensors", "curves.png", "model-card.md", "settings.json", "tensorboard"):
        assert (straight / name).exists(), name

    victim = subprocess.Popen(arguments(data, broken, *options), stdout=subprocess.DEVNULL)
    try:  # the measurement at step 30 comes with a checkpoint
        until(lambda: any(p["step"] >= 40 for p in points(broken)), timeout_s=TIMEOUT_S)
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    resumed = run([str(VEDETTE), "train", "--resume", str(broken), "--quiet"])
    assert resumed.returncode == 0, resumed.stderr
    assert "goes on after step 30" in resumed.stdout

    ours, theirs = points(broken), points(straight)
    assert [p["step"] for p in ours] == [p["step"] for p in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for name in ("total", "ap50"):
            if name in other:
                assert mine[name] == pytest.approx(other[name], rel=1e-3, abs=1e-3), (name, mine)


def test_an_interrupted_run_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    data = write_drawn(tmp_path / "data", 8)
    out = tmp_path / "run"
    process = subprocess.Popen(
        arguments(data, out, "--epochs", "5000"), stdout=subprocess.PIPE, text=True
    )
    until(lambda: bool(points(out)), timeout_s=TIMEOUT_S)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 128 + signal.SIGINT
    assert f"Go on with: vedette train --resume {out}" in told
    assert (out / "last.safetensors").exists()
    assert (out / "checkpoints" / "checkpoint").exists()
    started = time.monotonic()
    again = run(arguments(data, out))
    assert again.returncode == 2
    assert "holds a run: go on with --resume" in again.stderr
    assert time.monotonic() - started < TIMEOUT_S
