"""Load a text as if it were the operator's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError
from config.loader import Loaded, load


def load_text(folder: Path, text: str | bytes, env: Mapping[str, str] | None = None) -> Loaded:
    """Raises ConfigError; bytes are written as they are. No variable is set unless in `env`."""
    path = folder / "cameras.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, env or {})


def faults_of(folder: Path, text: str | bytes, env: Mapping[str, str] | None = None) -> list[str]:
    """The lines an operator would see, without the name of the file; none where it loads."""
    try:
        load_text(folder, text, env)
    except ConfigError as exc:
        name = f"{folder / 'cameras.yaml'}:"
        lines = str(exc).splitlines()
        assert all(line.startswith(name) for line in lines)
        return [line.removeprefix(name).lstrip() for line in lines]
    return []
