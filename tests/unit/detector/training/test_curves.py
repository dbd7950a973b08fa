"""What a run learnt is drawn, however short it was, without a warning of the plotting library."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.training.journal import Point

pytest.importorskip("matplotlib")
from detector.training.curves import draw

SHORT: list[Point] = [{"step": 3, "total": 2.0, "images_per_s": 12.0}]
MEASURED: list[Point] = [*SHORT, {"step": 3, "ap": 0.5, "ap50": 0.7}]


def ink(path: Path) -> int:
    """Pixels in colour: lines and marks, and no axes."""
    bgr = cv2.imread(str(path))
    assert bgr is not None
    return int((np.ptp(bgr, axis=2) > 60).sum())


def test_a_single_point_is_seen(tmp_path: Path) -> None:
    draw(SHORT, tmp_path / "one.png")
    assert ink(tmp_path / "one.png") > 20
    draw(MEASURED, tmp_path / "two.png")
    assert ink(tmp_path / "two.png") > ink(tmp_path / "one.png")


def test_nothing_is_drawn_of_nothing_and_no_warning_is_given(tmp_path: Path) -> None:
    draw([], tmp_path / "none.png")
    assert ink(tmp_path / "none.png") == 0
