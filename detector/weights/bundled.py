"""Which file `weights: bundled`, `weights: NAME` and `weights: PATH` mean."""

from __future__ import annotations

from pathlib import Path

from config.hints import did_you_mean
from config.paths import is_weights_name
from detector.api import ModelError
from detector.weights.published.cache import weights_file
from detector.weights.published.table import PUBLISHED

_FILES = {"efficientdet-lite0": "efficientdet-lite0-street.safetensors"}


def resolve(name: str, weights: str | Path) -> Path:
    """The path that `weights` means for the model `name`.

    Raises ModelError where none are bundled with it, or named ones are not on this machine.
    """
    if str(weights) == "bundled":
        return _bundled(name)
    return _fetched(str(weights)) if is_weights_name(str(weights)) else Path(weights)


def _bundled(name: str) -> Path:
    if name not in _FILES:
        shipped = ", ".join(sorted(_FILES))
        msg = (
            f"no weights are shipped for {name} (only for {shipped}):"
            " set model.weights to the path of a .safetensors file"
        )
        if name in PUBLISHED:
            msg += f", or run `vedette weights fetch {name}` and set it to {name}"
        raise ModelError(msg)
    return Path(__file__).parent / _FILES[name]


def _fetched(weights: str) -> Path:
    """A word that no weights are published under is the path of a file in the current folder."""
    if weights not in PUBLISHED:
        if Path(weights).exists():
            return Path(weights)
        msg = f"weights {weights} are not known{did_you_mean(weights, ['bundled', *PUBLISHED])}"
        raise ModelError(msg)
    path = weights_file(weights)
    if not path.is_file():
        msg = f"weights {weights} are not on this machine: run `vedette weights fetch {weights}`"
        raise ModelError(msg)
    return path
