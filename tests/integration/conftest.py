"""What several files here ask of each of their tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.support.capture_rig import nothing_left_behind


@pytest.fixture
def nothing_leaks(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """No test leaves a thread or descriptor behind, or shows the canary password anywhere."""
    caplog.set_level(logging.DEBUG)
    with nothing_left_behind():
        yield
    assert "canary" not in caplog.text + "".join(capfd.readouterr())
