"""The detectors that `model.name` may ask for: the one list of their names."""

from __future__ import annotations

from config.hints import did_you_mean

MODEL_NAMES = (
    *(f"efficientdet-d{size}" for size in ("0", "1", "2", "3", "4", "5", "6", "7", "7x")),
    *(f"efficientdet-lite{size}" for size in ("0", "1", "2", "3", "3x", "4")),
    *(f"efficientnet-yolov3-b{size}" for size in range(8)),
)
_IN_SHORT = "efficientdet-d0 to -d7x, efficientdet-lite0 to -lite4, efficientnet-yolov3-b0 to -b7"


def known_model(name: str) -> str:
    """The name itself; raises ValueError for one that is not in the list."""
    if name not in MODEL_NAMES:
        hint = did_you_mean(name, MODEL_NAMES) or f" (known: {_IN_SHORT})"
        msg = f"is not a known model{hint}"
        raise ValueError(msg)
    return name
