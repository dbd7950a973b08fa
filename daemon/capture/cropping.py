"""A rectangle of a decoded frame, without copying it: the planes begin elsewhere."""

from __future__ import annotations

import math

import av
from av.filter import Graph

from daemon.capture.appearance import Appearance, Wh
from detector.letterbox import Rect

StoredRect = tuple[int, int, int, int]  # x, y, width, height in stored pixels
_GRID = 4  # stored pixels: no plane of any format has coarser samples, interlaced ones included


def stored_rect(part: Rect, seen: Appearance, stored_wh: Wh) -> StoredRect:
    """The smallest rectangle on the grid around `part`, which is in pixels as they are seen."""
    (width, height), (wide, high) = seen.shown_wh, stored_wh
    x1, y1, x2, y2 = part
    fractions = (x1 / width, y1 / height, x2 / width, y2 / height)
    x1, y1, x2, y2 = seen.orientation.stored(fractions)
    left, right = _outward(x1 * wide, x2 * wide, wide)
    top, bottom = _outward(y1 * high, y2 * high, high)
    return left, top, right - left, bottom - top


def seen_rect(rect: StoredRect, seen: Appearance, stored_wh: Wh) -> Rect:
    """What it shows, in pixels as they are seen: exactly."""
    (width, height), (wide, high) = seen.shown_wh, stored_wh
    x, y, across, down = rect
    fractions = (x / wide, y / high, (x + across) / wide, (y + down) / high)
    x1, y1, x2, y2 = seen.orientation.seen(fractions)
    return x1 * width, y1 * height, x2 * width, y2 * height


def _outward(low: float, high: float, limit: int) -> tuple[int, int]:
    slack = 1e-6  # what a division and a multiplication may cost
    first = max(0, math.floor((low + slack) / _GRID) * _GRID)
    last = min(limit, math.ceil((high - slack) / _GRID) * _GRID)
    return (first, last) if first < last else ((last - 1) // _GRID * _GRID, last)


class Cropper:
    """One rectangle of the frames of one stream. One thread.

    FFmpeg's filter moves the pointers of the planes and keeps a reference to the frame.
    """

    def __init__(self, rect: StoredRect) -> None:
        self._rect = rect
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def crop(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Raises av.FFmpegError where the frame has no such rectangle."""
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if self._graph is None or kind != self._made_for:
            self._graph, self._made_for = _graph(frame, self._rect), kind
        self._graph.push(frame)
        cropped = self._graph.pull()
        assert isinstance(cropped, av.VideoFrame)  # noqa: S101 - a graph of video
        return cropped


def _graph(frame: av.VideoFrame, rect: StoredRect) -> Graph:
    x, y, width, height = rect
    graph = Graph()
    graph.threads = 1  # there is nothing to compute
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    crop = graph.add("crop", f"{width}:{height}:{x}:{y}:exact=1")
    sink = graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    return graph
