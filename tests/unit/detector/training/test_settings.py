"""Settings that cannot be meant are refused; the others come back from their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from detector.models import find_model
from detector.training.initial import usual_input_size
from detector.training.settings import Settings


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"data": []}, "at least 1 item"),
        ({"model": "efficientdet-d9"}, "unknown model efficientdet-d9; known are"),
        ({"dialect": "esperanto"}, "unknown dialect esperanto"),
        ({"scale_min": 2.0, "scale_max": 1.0}, "scale_min is larger"),
        ({"input_size": 100}, "multiple of 32"),
        ({"batch": 0}, "greater than or equal to 1"),
        ({"learning_rate": "fast"}, "valid number"),
        ({"dialect": "article", "model": "efficientdet-d0", "matching": "low_quality"}, "automl"),
        ({"model": "efficientnet-yolov3-b0", "iou_loss": "giou"}, "automl alone"),
        ({"colour": 1.5}, "less than or equal to 1"),
        ({"speed": 3}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Settings(**{"data": ["somewhere"]} | given)


@pytest.mark.parametrize("model", ["efficientdet-lite0", "efficientnet-yolov3-b0"])
def test_settings_come_back_from_their_file(model: str) -> None:
    settings = Settings(
        data=(Path("a"), Path("b")), dev=(Path("c"),), classes=("cat", "dog"), model=model
    )
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("model", "dialect"),
    [("efficientdet-d0", "automl"), ("efficientnet-yolov3-b0", "article")],
)
def test_a_model_has_its_usual_dialect(model: str, dialect: str) -> None:
    assert Settings(data=(Path("a"),), model=model).chosen_dialect == dialect


@pytest.mark.parametrize(("init", "side"), [("bundled", 512), ("random", 320), ("imagenet", 320)])
def test_the_input_is_that_of_the_weights_to_begin_with(init: str, side: int) -> None:
    model = find_model("efficientdet-lite0", "automl")
    assert usual_input_size("efficientdet-lite0", init, model) == side
