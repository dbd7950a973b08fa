"""Packages of common names: who else has them in the same environment."""

from __future__ import annotations

from daemon.diagnosis.environment import environment_finding
from daemon.diagnosis.finding import Verdict


def test_an_environment_of_its_own_is_well() -> None:
    owners = {name: ["vedette"] for name in ("config", "daemon", "detector", "sinks")}
    assert environment_finding(owners | {"numpy": ["numpy"]}).verdict is Verdict.OK


def test_packages_that_nobody_names_are_well() -> None:  # as in an editable installation
    assert environment_finding({}).verdict is Verdict.OK


def test_another_distribution_with_a_package_of_ours_is_named_with_the_way_out() -> None:
    finding = environment_finding(
        {"daemon": ["Vedette", "python-daemon", "python-daemon"], "config": ["config"]}
    )
    assert finding.verdict is Verdict.WARN
    assert "config/ is also in config, daemon/ is also in python-daemon:" in finding.detail
    assert "pipx install" in finding.todo


def test_this_environment_is_looked_at_where_nobody_is_given() -> None:
    assert environment_finding().what == "environment"
