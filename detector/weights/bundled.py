"""Which file `weights: bundled` means."""

from __future__ import annotations

from pathlib import Path

from detector.api import ModelError

_FILES = {"efficientdet-lite0": "efficientdet-lite0-street.safetensors"}


def resolve(name: str, weights: str | Path) -> Path:
    """The path that `weights` means. Raises ModelError where none are bundled with `name`."""
    if str(weights) != "bundled":
        return Path(weights)
    if name not in _FILES:
        shipped = ", ".join(sorted(_FILES))
        msg = (
            f"no weights are shipped for {name} (only for {shipped}):"
            " set model.weights to the path of a .safetensors file"
        )
        raise ModelError(msg)
    return Path(__file__).parent / _FILES[name]
