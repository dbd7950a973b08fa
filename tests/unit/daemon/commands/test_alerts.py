"""`vedette alerts`: the rules, with links that lead where people read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from daemon.cli import main

ROOT = Path(__file__).parents[4]
Said = pytest.CaptureFixture[str]


def runbooks(text: str) -> list[str]:
    groups = yaml.safe_load(text)["groups"]
    return [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]]


def test_without_an_address_they_are_the_rules_of_the_package(capsys: Said) -> None:
    assert main(["alerts"]) == 0
    assert capsys.readouterr().out == (ROOT / "config/prometheus/rules.yml").read_text()


def test_every_link_is_absolute_below_the_address_that_is_given(capsys: Said) -> None:
    assert main(["alerts", "--runbooks", "https://wiki.example.org/vedette/monitoring"]) == 0
    found = runbooks(capsys.readouterr().out)
    assert len(found) > 15
    base = "https://wiki.example.org/vedette/monitoring#"
    assert all(link.startswith(base) and link != base for link in found)
    assert f"{base}cameradown" in found


@pytest.mark.parametrize(
    "address", ["docs/", "ftp://host/x", "https://", "https://h/x#a", "https://h/a b", "http://h/{"]
)
def test_what_is_no_address_is_a_fault_of_usage(capsys: Said, address: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["alerts", "--runbooks", address])
    assert capsys.readouterr().out == ""
