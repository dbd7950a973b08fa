"""Programs that some tests need and not every machine has."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, *, package: str) -> str:
    """Path of a program of a Debian package.

    Without it the test is skipped, or fails where VEDETTE_TEST_REQUIRE_ALL=1 allows no gap.
    """
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed (Debian package {package})"
        if os.environ.get("VEDETTE_TEST_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
