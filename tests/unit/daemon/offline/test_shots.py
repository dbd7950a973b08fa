"""Pictures of a file, or in words why there are none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.offline.shots import UnreadableError, read_video
from detector.letterbox import InputSpec


def test_a_picture_too_small_for_its_crop_is_refused_in_words(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((1, 1, 3), np.uint8))
    part = (0.1, 0.1, 0.9, 0.9)
    with pytest.raises(UnreadableError, match=r"a picture of 0\.8x0\.8 has no pixels"):
        list(read_video(tmp_path / "a.png", InputSpec(32, 32), parts_of=lambda _: (part,)))
