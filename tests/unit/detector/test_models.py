from __future__ import annotations

import math
import subprocess
import sys

import pytest

from config.model_names import MODEL_NAMES
from detector.api import ModelError
from detector.models import DIALECTS, NAMES, find_model

# All variables of the Keras projects' networks for 20 classes, moving statistics included.
EFFICIENTDET = (
    3_886_253, 6_641_284, 8_107_625, 12_045_170, 20_749_237, 33_698_637, 51_941_216, 74_861_672,
)  # fmt: skip
YOLO = (
    10_654_029, 13_179_697, 15_725_507, 20_300_825, 30_634_761, 45_270_001, 62_198_281, 90_348_305,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *((f"efficientdet-d{size}", count) for size, count in enumerate(EFFICIENTDET)),
        *((f"efficientnet-yolov3-b{size}", count) for size, count in enumerate(YOLO)),
    ],
)
def test_every_size_of_the_article_has_the_parameters_of_the_original(
    name: str, parameters: int
) -> None:
    variables = find_model(name, "article").variables(20)
    assert sum(math.prod(shape) for shape in variables.values()) == parameters


def test_the_configuration_knows_the_same_names() -> None:
    assert MODEL_NAMES == NAMES
    assert {name for models in DIALECTS.values() for name in models} == set(NAMES)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_model_states_its_input(dialect: str) -> None:
    for name, model in DIALECTS[dialect].items():
        assert model.spec.name == name
        assert model.spec.input_size % 32 == 0


def test_a_dialect_changes_pixels_and_not_weights() -> None:
    """But for d7, which stands on another backbone in the article."""
    for size in range(7):
        name = f"efficientdet-d{size}"
        automl, article = (find_model(name, dialect) for dialect in ("automl", "article"))
        assert automl.variables(5) == article.variables(5)
        assert automl.spec.pixels != article.spec.pixels
    b7 = find_model("efficientdet-d7", "article").variables(5)
    assert any(name.startswith("efficientnet-b7/") for name in b7)


def test_the_articles_largest_sizes_have_inputs_of_their_own() -> None:
    sides = [find_model(f"efficientdet-d{size}", "article").spec.input_size for size in range(8)]
    assert sides == [512, 640, 768, 896, 1024, 1280, 1408, 1536]


@pytest.mark.parametrize(
    ("name", "dialect", "known"),
    [
        ("efficientnet-yolov3-b0", "automl", "article, article-stretched"),
        ("efficientdet-lite0", "article", "automl"),
        ("efficientdet-d7x", "", "automl, automl-advprop"),
    ],
)
def test_an_unknown_dialect_is_refused_with_the_known_ones(
    name: str, dialect: str, known: str
) -> None:
    with pytest.raises(ModelError, match=f"the dialect '{dialect}', only in {known}$"):
        find_model(name, dialect)


def test_asking_for_variables_does_not_load_tensorflow() -> None:
    program = (
        "import sys; from detector.models import find_model;"
        "find_model('efficientnet-yolov3-b0', 'article').variables(2);"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
