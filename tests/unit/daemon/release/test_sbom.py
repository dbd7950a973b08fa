"""The bill of materials names what a server runs, and nothing else."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from daemon.release.sbom import bom

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def versions() -> dict[str, str]:
    return {part["name"]: part["version"] for part in bom(NOW)["components"]}


def test_every_dependency_is_named_with_the_version_that_was_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)
    there = versions()
    for line in project["dependencies"]:
        name = re.split(r"[<>=~\[;]", line)[0].strip()
        assert there[name] == tested[name]


def test_what_is_for_development_is_not_part_of_it() -> None:
    assert not {"pytest", "mypy", "ruff", "selenium", "vedette"} & versions().keys()


def test_the_libraries_that_read_what_strangers_send_are_named() -> None:
    assert {"ffmpeg", "opencv", "libzmq", "hdf5"} <= versions().keys()


def test_every_reference_leads_somewhere_and_the_root_to_all() -> None:
    document = bom(NOW)
    root = document["metadata"]["component"]
    refs = {part["bom-ref"] for part in [root, *document["components"]]}
    assert len(refs) == len(document["components"]) + 1
    needs = {entry["ref"]: entry["dependsOn"] for entry in document["dependencies"]}
    reached, todo = set(), [root["bom-ref"]]
    while todo:
        ref = todo.pop()
        if ref not in reached:
            reached.add(ref)
            todo += needs.get(ref, [])
    assert reached == refs


def test_the_same_parts_have_the_same_serial_number() -> None:
    assert bom(NOW)["serialNumber"] == bom(datetime.now(UTC))["serialNumber"]
