from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.dashboards import FILES, dashboard, panels
from tests.support.promql import faults

ROOT = Path(__file__).parents[4]
PROMETHEUS = ROOT / "config" / "prometheus"
NOTES = (ROOT / "docs/monitoring.md").read_text()
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
EXPECTATIONS: list[dict[str, Any]] = [
    expected
    for test in yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    for expected in test["alert_rule_test"]
]

every_alert = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@every_alert
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["service"] == "vedette"
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["description"].endswith(".")


@every_alert
def test_a_description_names_the_labels_that_the_alert_has(rule: dict[str, Any]) -> None:
    texts = " ".join(rule["annotations"].values())
    shown = set(re.findall(r"\$labels\.(\w+)", texts))
    fired = [
        alert["exp_labels"].keys()
        for expected in EXPECTATIONS
        for alert in expected["exp_alerts"]
        if expected["alertname"] == rule["alert"]
    ]
    assert fired
    assert all(shown <= labels for labels in fired)


@every_alert
def test_every_alert_has_a_runbook(rule: dict[str, Any]) -> None:
    anchor = rule["alert"].lower()
    assert rule["annotations"]["runbook_url"] == f"docs/monitoring.md#{anchor}"
    assert f"### {rule['alert']}\n" in NOTES


def test_every_runbook_has_an_alert() -> None:
    assert re.findall(r"^### (\w+)$", NOTES, re.MULTILINE) == [rule["alert"] for rule in RULES]


@every_alert
def test_every_series_and_label_of_an_alert_exists(rule: dict[str, Any]) -> None:
    assert faults(rule["expr"]) == []


@every_alert
def test_every_alert_is_tested_to_fire_and_to_keep_quiet(rule: dict[str, Any]) -> None:
    expected = [e["exp_alerts"] for e in EXPECTATIONS if e["alertname"] == rule["alert"]]
    assert any(expected), "fires"
    assert not all(expected), "keeps quiet"


def test_frames_that_are_left_out_on_purpose_raise_no_alert() -> None:
    for rule in RULES:
        for matchers in re.findall(r"vedette_frames_dropped_total\{([^}]*)\}", rule["expr"]):
            if rule["alert"] == "FrameDropsHigh":
                assert matchers in ('reason!~"fps_cap|gated"', 'reason=~"fps_cap|gated"')
            else:
                assert "fps_cap" not in matchers


def test_the_example_scrapes_under_the_name_that_the_rules_look_for() -> None:
    example = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert example["rule_files"] == ["rules.yml"]
    names = {job["job_name"] for job in example["scrape_configs"]}
    looked_for = {name for rule in RULES for name in re.findall(r'job="(\w+)"', rule["expr"])}
    assert names == looked_for


def test_the_runbooks_point_at_panels_that_exist() -> None:
    there = {
        (dashboard(path)["title"].removeprefix("vedette / ").split()[0], panel["title"])
        for path in FILES
        for panel in panels(dashboard(path))
    }
    pointed = re.findall(r"\*(Fleet|Camera|Accelerator|Output) /\s([^*]+)\*", NOTES)
    assert pointed
    for page, title in pointed:
        assert any(page == p and t.startswith(title) for p, t in there), f"{page} / {title}"
