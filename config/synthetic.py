"""`synthetic://NAME?size=640x360&fps=10&objects=4&seed=1`: a camera made of arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.hints import did_you_mean

_PARAMETERS = ("size", "fps", "objects", "seed")


@dataclass(frozen=True, slots=True)
class SyntheticSpec:
    """What a synthetic camera shows; sizes in pixels. The same seed gives the same pictures."""

    width: int = 640
    height: int = 360
    fps: float = 10.0
    objects: int = 4
    seed: int = 1


def parse_synthetic(url: str) -> SyntheticSpec:
    """Raises ValueError with a message for the operator."""
    parts = urlsplit(url)
    if parts.scheme != "synthetic" or not re.fullmatch(r"[\w.-]{0,64}", parts.netloc):
        raise ValueError("must look like synthetic://NAME?size=640x360&fps=10&objects=4&seed=1")
    if parts.path.strip("/") or parts.fragment:
        raise ValueError("must not hold a path after the name of the synthetic camera")
    given = _parameters(parts.query)
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", given.get("size", "640x360"), re.ASCII)
    if size is None:
        raise ValueError("needs size=WIDTHxHEIGHT, as in size=640x360")
    return SyntheticSpec(
        width=_whole("width in size", size[1], 16, 7680),
        height=_whole("height in size", size[2], 16, 4320),
        fps=_fps(given.get("fps", "10")),
        objects=_whole("objects", given.get("objects", "4"), 0, 64),
        seed=_whole("seed", given.get("seed", "1"), 0, 2**31 - 1),
    )


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in _PARAMETERS:
            msg = f"has an unknown parameter{did_you_mean(name, _PARAMETERS)}"
            raise ValueError(msg)
        if name in given:
            msg = f"has {name} twice"
            raise ValueError(msg)
        given[name] = value
    return given


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        msg = f"needs {name} between {low} and {high}"
        raise ValueError(msg)
    return int(text)


def _fps(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text) or not 0.1 <= float(text) <= 240:
        raise ValueError("needs fps between 0.1 and 240")
    return float(text)
