"""The detectors that `model.name` may ask for: the one list of their names."""

from __future__ import annotations

from config.hints import did_you_mean

MODEL_NAMES = ("efficientdet-d0", "efficientdet-lite0")


def known_model(name: str) -> str:
    """The name itself; raises ValueError for one that is not in the list."""
    if name not in MODEL_NAMES:
        msg = f"is not a known model{did_you_mean(name, MODEL_NAMES)}"
        raise ValueError(msg)
    return name
