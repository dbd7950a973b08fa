"""Probes of streams that nobody had to open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.books.states import StreamInfo
from daemon.diagnosis.probing import Probe
from daemon.diagnosis.tally import Figures

STREAM = StreamInfo("h264", 1920, 1080, 25.0, "tcp", "software")
FIGURES = Figures(
    pictures=125,
    packets=126,
    damaged=0,
    watched_s=5.0,
    fps_by_pts=25.0,
    fps_by_arrival=25.0,
    keyframe_every=50,
    keyframe_every_s=2.0,
    bits_per_s=4e6,
    b_frames=0,
    unreferenced=0,
)
PROBE = Probe(
    stream=STREAM,
    stored_wh=(1920, 1080),
    turned="",
    profile="High",
    pixel_format="yuv420p",
    bits=8,
    open_s=0.3,
    first_picture_s=0.5,
    decode_s=0.004,
    figures=FIGURES,
)


def probe_of(
    *, stream: dict[str, Any] | None = None, figures: dict[str, Any] | None = None, **fields: Any
) -> Probe:
    """A faultless 1080p camera over TCP, but for what is given."""
    return replace(
        PROBE,
        stream=replace(STREAM, **(stream or {})),
        figures=replace(FIGURES, **(figures or {})),
        **fields,
    )
