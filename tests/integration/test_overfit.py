"""Every family can learn what it is shown. Minutes of work: run by `make slow`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.drawn_data import write_drawn

VEDETTE = Path(sys.executable).parent / "vedette"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("model", "options"),  # the Keras projects' networks begin with nothing: that takes longer
    [
        ("efficientdet-lite0", ("--init", "imagenet", "--epochs", "400")),
        (
            "efficientdet-d0",
            ("--dialect", "article", "--init", "random", "--epochs", "500"),
        ),
        ("efficientnet-yolov3-b0", ("--init", "random", "--epochs", "1000")),
    ],
)
def test_eight_pictures_are_learnt_by_heart(
    model: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    data = write_drawn(tmp_path / "data", 8)
    out = tmp_path / "run"
    subprocess.run(
        [
            VEDETTE, "train", "--data", data, "--dev", data, "--out", out, "--model", model,
            *options, "--batch", "8", "--input-size", "128", "--evaluate-every", "100",
            "--warmup-epochs", "20", "--learning-rate", "0.002", "--weight-decay", "0",
            "--average", "0.9", "--scale-min", "1", "--scale-max", "1", "--aspect", "0",
            "--flip", "0", "--mosaic", "0", "--colour", "0", "--degrade", "0", "--quiet",
        ],
        check=True,
    )  # fmt: skip
    points = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert max(point["ap50"] for point in points if "ap50" in point) >= 0.95
