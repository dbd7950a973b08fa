"""Messages about packages that are missing lead to what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from detector import extras

ROOT = Path(__file__).parents[3]


def test_every_extra_that_is_named_is_one_of_the_project() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        name
        for top in ("daemon", "detector")
        for source in (ROOT / top).rglob("*.py")
        for name in re.findall(r"extras\.add\(.(\w+).\)", source.read_text())
    }
    assert named == {"cluster", "gpu", "train"}
    assert named <= set(known)


def test_no_message_says_that_a_registry_has_vedette() -> None:
    for top in ("config", "daemon", "detector", "sinks"):
        for source in (ROOT / top).rglob("*.py"):
            assert "pip install 'vedette" not in source.read_text(), source


def test_it_leads_to_a_section_of_the_documentation() -> None:
    (page, anchor) = re.findall(r"\((docs/\S+\.md)#(\w+)\)", extras.add("train"))[0]
    assert f"\n## {anchor.capitalize()}\n" in (ROOT / page).read_text()
