"""Labels between which a detector wavers over one object: car, truck, van; bicycle, motorcycle."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

_FAMILIES = (
    frozenset({"car", "truck", "bus", "van", "vehicle", "pickup", "lorry"}),
    frozenset({"bicycle", "motorcycle", "motorbike", "moped", "scooter"}),
    frozenset({"person", "pedestrian", "rider", "cyclist"}),
    frozenset({"cat", "dog", "sheep", "cow", "horse", "bear", "animal", "fox", "deer"}),
)


@lru_cache(maxsize=16)
def families(labels: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """A number [L] for each label, the same for labels of one family; not to be written into."""
    lone = len(_FAMILIES)
    numbers = []
    for position, label in enumerate(labels):
        known = [n for n, family in enumerate(_FAMILIES) if label.lower() in family]
        numbers.append(known[0] if known else lone + position)
    return np.array(numbers, np.int64)
