"""What a wheel holds: what the daemon needs, and nothing that only a developer runs."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIND = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"][
    "find"
]


def is_packed(package: str) -> bool:
    """By the rules of setuptools' `packages.find`."""
    included = any(fnmatch(package, pattern) for pattern in FIND["include"])
    return included and not any(fnmatch(package, pattern) for pattern in FIND["exclude"])


def imported(source: Path) -> Iterator[str]:
    """The packages and modules of ours that a file imports."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_developers_tools_are_not_in_the_wheel() -> None:
    assert not is_packed("daemon.dashboards")
    assert not is_packed("daemon.release")
    assert is_packed("daemon.commands")
    assert is_packed("detector.weights.foreign")


def test_nothing_in_the_wheel_imports_what_is_not() -> None:
    for top in ("config", "daemon", "detector", "sinks"):
        for source in (ROOT / top).rglob("*.py"):
            package = ".".join(source.relative_to(ROOT).parent.parts)
            if is_packed(package):
                missing = [
                    name
                    for name in imported(source)
                    if name.startswith("daemon.") and not is_packed(name)
                ]
                assert missing == [], source
