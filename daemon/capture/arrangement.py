"""Which rows a camera's next picture is made into. The camera's thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from daemon.seats.seat import Seat
from daemon.seats.view import Layout, View, Wh
from detector.letterbox import InputSpec, Rect

log = logging.getLogger(__name__)


class Arrangement:
    """Keeps the layout of one camera until its view, its share of the accelerator, the picture or
    the input is another; the log says what tiles there are from then on.
    """

    def __init__(self) -> None:
        self._made_for: tuple[View, Wh, int, int] | None = None
        self._layout = Layout((None,))

    def parts(self, seat: Seat, wh: Wh, spec: InputSpec) -> Sequence[Rect | None]:
        """In pixels of a picture of this size, None for all of it; at least one."""
        view, side, most_rows = seat.view, max(spec.height, spec.width), seat.most_rows
        wanted = (view, wh, side, most_rows)
        if wanted != self._made_for:
            before, self._made_for = self._layout, wanted
            self._layout = view.layout(wh, side=side, most_rows=most_rows)
            if view.tiles is not None and self._layout != before:
                _tell(seat.name, self._layout, wanted)
        return self._layout.parts


def _tell(camera: str, layout: Layout, made_for: tuple[View, Wh, int, int]) -> None:
    _, (width, height), side, most_rows = made_for
    if layout.tile_px is None:
        log.info("no tiles camera=%s picture=%dx%d most_rows=%d", camera, width, height, most_rows)
        return
    log.info(
        "tiles camera=%s rows=%d tile_px=%.0f picture=%dx%d enlarged=%.2f",
        camera, len(layout.parts), layout.tile_px, width, height, side / layout.tile_px,
    )  # fmt: skip
    wanted = layout.wanted_px
    if wanted is not None and layout.tile_px > max(wanted, side) + 1:
        log.warning(
            "tiles are larger than asked for, as all of a picture go in one batch: raise"
            " batching.max_batch camera=%s asked_px=%d tile_px=%.0f max_batch=%d",
            camera, wanted, layout.tile_px, most_rows,
        )  # fmt: skip
