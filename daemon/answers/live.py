"""The last picture each camera was judged by: written by the inference side, looked at by HTTP.

Only references are kept; a picture is converted, drawn and encoded by whoever looks at it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from daemon.pipeline.frame import Frame, Picture
from detector.detections import Detections


@dataclass(frozen=True, slots=True)
class Sight:
    """One answered frame. `detections` are in pixels of `source_wh`, their class ids index
    `labels`, those of the model that answered; `captured_s` and `inferred_s` are monotonic,
    `captured_ns` is wall clock; `number` rises by one per sight of a camera.
    """

    picture: Picture
    source_wh: tuple[int, int]
    detections: Detections
    labels: tuple[str, ...]
    captured_s: float
    captured_ns: int
    inferred_s: float
    number: int


@dataclass(slots=True)
class _Tile:
    changed: threading.Condition = field(default_factory=threading.Condition)
    sight: Sight | None = None
    number: int = 0


class LiveBoard:
    """The newest sight of every camera. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tiles: dict[str, _Tile] = {}

    def show(
        self,
        frame: Frame,
        detections: Detections,
        labels: tuple[str, ...],
        *,
        inferred_s: float,
    ) -> Sight:
        """Replace the sight of the frame's camera and wake who waits for it; a few microseconds.
        Returns the new one.
        """
        tile = self._tile(frame.camera)
        with tile.changed:
            tile.number += 1
            sight = tile.sight = Sight(
                frame.picture,
                frame.letterbox.source_wh,
                detections,
                labels,
                frame.captured_s,
                frame.captured_ns,
                inferred_s,
                tile.number,
            )
            tile.changed.notify_all()
        return sight

    def latest(self, camera: str) -> Sight | None:
        """None where nothing was answered yet."""
        tile = self._tiles.get(camera)
        return tile.sight if tile else None

    def newer(self, camera: str, than: int, timeout_s: float) -> Sight | None:
        """The newest sight once its number is not `than`; None if none comes within `timeout_s`."""
        tile = self._tile(camera)

        def fresh() -> bool:
            return tile.sight is not None and tile.sight.number != than

        with tile.changed:
            return tile.sight if tile.changed.wait_for(fresh, timeout_s) else None

    def remove(self, camera: str) -> None:
        """Forget a camera that was taken out of the configuration."""
        with self._lock:
            self._tiles.pop(camera, None)

    def _tile(self, camera: str) -> _Tile:
        tile = self._tiles.get(camera)
        if tile is None:
            with self._lock:
                tile = self._tiles.setdefault(camera, _Tile())
        return tile
