"""Which series an expression reads, and which of them there are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector

ROOT = Path(__file__).parents[2]
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
NAME = re.compile(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()")
WORDS = {"and", "or", "unless", "bool", "group_left", "group_right"}
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "service"}}
OF_EVERY_TARGET = {"job", "instance"}


@cache
def known_series() -> dict[str, frozenset[str]]:
    """Label names by series: of the pages that tests hold to the registries, and process_*."""
    known = {name: frozenset(labels) for name, labels in OF_PROMETHEUS.items()}
    pages = [(ROOT / "docs" / page).read_text() for page in ("metrics.md", "fleet-metrics.md")]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", "\n".join(pages), re.MULTILINE)
    for name, kind, cell in rows:
        labels = frozenset(re.findall(r"`(\w+)`", cell)) | OF_EVERY_TARGET
        if kind == "histogram":
            known[f"{name}_bucket"] = labels | {"le"}
            known |= {f"{name}_{part}": labels for part in ("sum", "count")}
        else:
            known[name] = labels
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for family in registry.collect():
        known |= {sample.name: frozenset(OF_EVERY_TARGET) for sample in family.samples}
    return known


def faults(expr: str) -> list[str]:
    """Series and labels in `expr` that do not exist."""
    known = known_series()
    text = re.sub(r"\[[^\]]*\]", "", re.sub(r'"[^"]*"', "", expr))
    bare = SELECTOR.sub(lambda found: f" {found[1] or ''} ", GROUPING.sub(" ", text))
    names = set(NAME.findall(bare)) - WORDS
    found = [f"no series {name}" for name in sorted(names - known.keys())]
    for name, matchers in SELECTOR.findall(text):
        labels = set(re.findall(r"(\w+)\s*[=!]", matchers))
        found += [f"{name} has no label {label}" for label in labels - known.get(name, labels)]
    there = frozenset[str]().union(*(known.get(name, ()) for name in names))
    for group in GROUPING.findall(text):
        labels = {label.strip() for label in group.split(",")} - {""}
        found += [f"nothing has a label {label}" for label in sorted(labels - there)]
    return found
