"""Whether the Python environment is vedette's own: its packages have names that others take too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions

from daemon.diagnosis.finding import Finding, ok, warn

PACKAGES = ("config", "daemon", "detector", "sinks")


def environment_finding(owners: Mapping[str, Sequence[str]] | None = None) -> Finding:
    """`owners` are the distributions of each package; None looks them up."""
    if owners is None:
        owners = packages_distributions()
    shared = [
        f"{package}/ is also in {other}"
        for package in PACKAGES
        for other in sorted(set(owners.get(package, ())))
        if _normalised(other) != "vedette"
    ]
    if not shared:
        return ok("environment", "no other distribution has packages of vedette's names")
    return warn(
        "environment",
        ", ".join(shared) + ": one may have overwritten files of the other",
        "install vedette into an environment of its own: `pipx install`, `uv tool install`",
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
