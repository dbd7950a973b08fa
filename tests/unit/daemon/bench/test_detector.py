from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.bench.detector import figures_of, table, take_turns
from daemon.cli import main

STAGES = ["preprocess", "forward", "postprocess"]


def test_everyone_takes_turns_and_the_first_two_do_not_count() -> None:
    calls: list[str] = []
    times_ms = take_turns({name: lambda name=name: calls.append(name) for name in "ab"}, 3)
    assert "".join(calls) == "ab" * 5
    assert {name: len(values) for name, values in times_ms.items()} == {"a": 3, "b": 3}
    assert min(times_ms["a"]) >= 0


def test_figures_are_medians_and_the_speed_up_is_that_of_each_turn() -> None:
    figures = figures_of(
        {
            "plain_keras": [80.0, 100.0, 400.0],  # the machine was busy in the last turn
            "bfloat16": [40.0, 50.0, 100.0],
            "bfloat16/preprocess": [5.0] * 3,
            "bfloat16/forward": [35.0] * 3,
            "bfloat16/postprocess": [10.0] * 3,
        },
        size=4,
    )
    assert figures["plain_keras"] == {"ms_per_image": 25.0}
    assert figures["precisions"] == {
        "bfloat16": {
            "ms_per_image": 12.5,
            "images_per_s": 80.0,
            "latency_ms": {"p50": 50.0, "p99": 99.0},
            "share": {"preprocess": 0.1, "forward": 0.7, "postprocess": 0.2},
            "speedup_over_plain_keras": 2.0,
        }
    }


def test_the_table_has_a_row_for_everyone() -> None:
    times_ms = {"plain_keras": [80.0], "float32": [40.0]}
    times_ms |= {f"float32/{stage}": [1.0] for stage in STAGES}
    text = table(
        {
            "model": "m",
            "weights": "random",
            "input_size": 64,
            "rounds": 1,
            "batches": {"4": figures_of(times_ms, 4)},
        }
    )
    assert [line.split()[:3] for line in text.splitlines()[2:]] == [
        ["4", "plain", "Keras"],
        ["4", "float32", "10.0"],
    ]
    assert "2.00×" in text


def test_the_command_measures_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    options = [
        "--input-size",
        "64",
        "--batch",
        "2",
        "--rounds",
        "1",
        "--precision",
        "float32",
        "int8",
    ]
    assert main(["bench", "detector", *options, "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert (figures["model"], figures["input_size"]) == ("efficientdet-lite0", 64)
    ours = figures["batches"]["2"]["precisions"]["float32"]
    assert list(ours["share"]) == STAGES
    assert sum(ours["share"].values()) == pytest.approx(1)
    assert ours["images_per_s"] == pytest.approx(1000 / ours["ms_per_image"])
    assert "plain Keras" in capsys.readouterr().out


def test_no_such_model_exits_69(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "detector", "--model", "nix"]) == 69
    assert "unknown model nix" in capsys.readouterr().err
