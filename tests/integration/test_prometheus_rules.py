"""The alert rules as promtool sees them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.require import program

pytestmark = pytest.mark.integration

PROMETHEUS = Path(__file__).parents[2] / "config" / "prometheus"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool", package="prometheus"), *arguments],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--lint-fatal", "prometheus.yml"),
        ("check", "rules", "--lint-fatal", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_promtool_finds_nothing_to_say(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_fires_too_late_fails_its_test(tmp_path: Path) -> None:
    rules = (PROMETHEUS / "rules.yml").read_text()
    (tmp_path / "rules.yml").write_text(rules.replace("for: 1m", "for: 30m"))
    (tmp_path / "rules_test.yml").write_text((PROMETHEUS / "rules_test.yml").read_text())
    assert promtool("test", "rules", str(tmp_path / "rules_test.yml")).returncode == 1
