"""Where fetched weights are kept on this machine, and what was first received under each name."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from detector.api import ModelError
from detector.weights.description import unusable
from detector.weights.files import replacing


@dataclass(frozen=True, slots=True)
class Pin:
    """The download that was accepted first; every later one must be the same."""

    sha256: str
    size: int  # bytes
    url: str


def folder() -> Path:
    """$XDG_DATA_HOME/vedette/weights, below ~/.local/share by default. Raises ModelError."""
    home = os.environ.get("XDG_DATA_HOME", "")
    try:
        data = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    except RuntimeError:
        raise ModelError("no folder for weights: neither XDG_DATA_HOME nor HOME is set") from None
    return data / "vedette" / "weights"


def weights_file(name: str) -> Path:
    return folder() / f"{name}.safetensors"


def pin_file(name: str) -> Path:
    return folder() / f"{name}.lock.json"


def read_pin(name: str) -> Pin | None:
    """None before the first download. Raises ModelError where the file cannot be understood."""
    path = pin_file(name)
    try:
        return Pin(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise unusable(path, "not a lock file; remove it to accept any download again") from None


def write_pin(name: str, pin: Pin) -> None:
    with replacing(pin_file(name)) as temporary:
        temporary.write_text(json.dumps(asdict(pin), indent=2) + "\n")
