"""One colour per label, the same in every picture, recording and list of the page (colours.js)."""

from __future__ import annotations

from functools import lru_cache

Colour = tuple[int, int, int]

KNOWN = {
    "person": "#ffd23f",
    "car": "#4cc9f0",
    "truck": "#5e9bff",
    "bus": "#b794ff",
    "motorcycle": "#2ee6c5",
    "bicycle": "#8be36b",
    "dog": "#ff9a5c",
    "cat": "#ff7aa8",
    "bird": "#f4f1de",
}
OTHERS = (
    *("#ff9f9f", "#ffb86b", "#e8e36a", "#b6f09c", "#7ff0c9", "#8fe3ff"),
    *("#a5b8ff", "#d0a8ff", "#ff9be8", "#ffc2a6", "#d8d8a8", "#a8d8d0"),
)


@lru_cache(maxsize=1024)
def colour(label: str) -> Colour:
    """BGR. All are light, for they lie on a dark edge."""
    code = KNOWN.get(label) or OTHERS[_sum(label) % len(OTHERS)]
    red, green, blue = bytes.fromhex(code[1:])
    return (blue, green, red)


def _sum(label: str) -> int:
    total = 0
    for byte in label.encode():
        total = (total * 31 + byte) % 4093
    return total
