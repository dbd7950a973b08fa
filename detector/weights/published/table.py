"""The weights that google/automl publishes, by the name under which they are fetched."""

from __future__ import annotations

from dataclasses import dataclass

BASE_URL = "https://storage.googleapis.com/cloud-tpu-checkpoints/efficientdet/"


@dataclass(frozen=True, slots=True)
class Published:
    """One checkpoint, trained on COCO 2017: `path` below BASE_URL; `ap` in percent on val2017 as
    its authors give it.
    """

    name: str
    architecture: str
    path: str
    ap: float
    input_size: int | None = None  # pixels, where it is not the architecture's own


# fmt: off
_FULL = {
    "d0": 34.3, "d1": 40.2, "d2": 43.5, "d3": 46.8, "d4": 49.3, "d5": 51.2, "d6": 52.1, "d7": 53.4,
    "d7x": 54.4,
}
_LITE = {
    "lite0": 26.41, "lite1": 31.50, "lite2": 35.06, "lite3": 38.77, "lite3x": 42.64, "lite4": 43.18,
}
_AT_640 = {"d2": 41.7, "d3": 44.0, "d4": 45.7, "d5": 46.6, "d6": 47.9}
# fmt: on


def _table() -> list[Published]:
    rows = []
    for size, ap in _FULL.items():
        name = f"efficientdet-{size}"
        rows.append(Published(name, name, f"coco2/{name}.tar.gz", ap))
    for size, ap in _LITE.items():
        name = f"efficientdet-{size}"
        rows.append(Published(name, name, f"coco/{name}.tgz", ap))
    for size, ap in _AT_640.items():
        name = f"efficientdet-{size}"
        rows.append(Published(f"{name}-640", name, f"coco640/{name}-640.tar.gz", ap, 640))
    return rows


PUBLISHED: dict[str, Published] = {row.name: row for row in _table()}
