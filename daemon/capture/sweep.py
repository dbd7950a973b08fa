"""Which tiles of a picture are looked at, where a gate knows what has changed.

Those in which something changed a moment ago, those with an object, and the others in turn, one by
one, no more often than it takes so that none stays unseen for longer than `tiles.sweep_s`. Pure;
the camera's thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from config.looking import TilesConfig
from daemon.capture.gate import SIZE_WH, ChangeGate, Why
from detector.letterbox import Rect

_MARGIN = 0.1  # of a box's side: an object at a border of tiles is looked at from both
Wh = tuple[int, int]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class Sweep:
    """One stream's."""

    def __init__(self) -> None:
        self._seen_s: dict[Rect, float] = {}
        self._turn_s = float("-inf")  # when one was looked at because it was its turn

    def worth(
        self,
        parts: Sequence[Rect | None],
        why: Why,
        *,
        gate: ChangeGate,
        tiles: TilesConfig | None,
        wh: Wh,
        boxes: Floats,
        now_s: float,
    ) -> Sequence[Rect | None]:
        """Of the parts of a picture of size `wh`, those that are looked at, where `gate` has
        judged it so; `boxes` [N, 4] are of the newest answer.
        """
        if why is Why.STILL:  # for the look at the view alone
            return parts[:1]
        if tiles is None or len(parts) == 1:
            return parts
        first, rest = (list(parts[:1]), parts[1:]) if tiles.full else ([], parts)
        places = [part for part in rest if part is not None]
        if why in (Why.CHANGE, Why.HOLD, Why.OBJECT):
            changed, sweep_s = gate.changed(), tiles.sweep_s
            return first + self.some(places, wh, changed, boxes, now_s, sweep_s=sweep_s)
        return first + self.all(places, now_s)

    def all(self, tiles: Sequence[Rect], now_s: float) -> list[Rect]:
        """Every tile is looked at."""
        self._seen_s = dict.fromkeys(tiles, now_s)
        return list(tiles)

    def some(
        self,
        tiles: Sequence[Rect],
        wh: Wh,
        changed: Bools,
        boxes: Floats,
        now_s: float,
        *,
        sweep_s: float,
    ) -> list[Rect]:
        """Of `tiles`, in pixels of a picture of size `wh`, at least one: `changed` [90, 160] are
        places of it, `boxes` [N, 4] objects in it.
        """
        seen_s = {tile: self._seen_s.get(tile, float("-inf")) for tile in tiles}
        wanted = set(_with_change(tiles, wh, changed)) | set(_with_object(tiles, boxes))
        wanted |= {tile for tile, at_s in seen_s.items() if now_s - at_s >= sweep_s}
        others = [tile for tile in tiles if tile not in wanted]
        spacing_s = sweep_s / (len(others) + 1)
        if others and (not wanted or now_s - self._turn_s >= spacing_s):
            wanted.add(min(others, key=seen_s.__getitem__))
            self._turn_s = now_s
        self._seen_s = seen_s | dict.fromkeys(wanted, now_s)
        return [tile for tile in tiles if tile in wanted]


def _with_change(tiles: Sequence[Rect], wh: Wh, changed: Bools) -> list[Rect]:
    scale = np.array([SIZE_WH[0] / wh[0], SIZE_WH[1] / wh[1]] * 2)
    found = []
    for tile in tiles:
        x1, y1, x2, y2 = np.array(tile) * scale
        if changed[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].any():
            found.append(tile)
    return found


def _with_object(tiles: Sequence[Rect], boxes: Floats) -> list[Rect]:
    if not len(boxes):
        return []
    margin = _MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    places = np.array(tiles).reshape(-1, 1, 4)
    apart = (low >= places[..., 2:]) | (high <= places[..., :2])
    return [tile for tile, sides in zip(tiles, apart, strict=True) if not sides.any(axis=1).all()]
