from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign_weights as foreign
from tests.support.weights_command import Import

NAME = "efficientdet-lite0"


@pytest.fixture(scope="package")
def arrays() -> dict[str, Any]:
    """Two classes."""
    return foreign.random_arrays(NAME, 2)


@pytest.fixture(scope="package")
def mine(tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Any]) -> Path:
    """The same as a file."""
    return foreign.write_npz(tmp_path_factory.mktemp("weights") / "mine.npz", arrays)


@pytest.fixture(scope="package")
def coco_arrays() -> dict[str, Any]:
    return foreign.random_arrays(NAME, 90)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    return Import(tmp_path, capsys)
