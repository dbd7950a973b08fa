"""The optional packages of vedette: how a message says that they are missing."""

from __future__ import annotations


def add(extra: str) -> str:
    """What to do to have those of an extra of pyproject.toml. Where vedette was installed from only
    its user knows: no registry has it.
    """
    return f"install vedette with its extra `{extra}` (docs/install.md#extras)"
