"""A probe as lines for people and as JSON for programs. Pure functions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from daemon.capture.http import Kind
from daemon.diagnosis.hints import costs, detect_fps, troubles
from daemon.diagnosis.probing import Probe

_CODECS = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "rawvideo": "uncompressed"}


def summary(probe: Probe) -> str:
    """One line: what a table has room for."""
    stream, figures = probe.stream, probe.figures
    rate = f"{figures.fps:.1f} fps" if figures.fps else "rate unknown"
    how = (
        stream.transport
        if stream.decoder == "software"
        else f"{stream.transport}, {stream.decoder}"
    )
    return (
        f"{_codec(probe)} {stream.width}×{stream.height}, {rate}, {how},"
        f" first picture after {probe.first_picture_s:.1f} s"
    )


def rows(probe: Probe) -> list[tuple[str, str]]:
    """Name and value of everything that was found out."""
    stream, figures = probe.stream, probe.figures
    video = [
        " ".join(filter(None, (_codec(probe), probe.profile))),
        f"{stream.width}×{stream.height}",
        probe.pixel_format,
    ]
    found = [
        ("video", ", ".join(filter(None, video))),
        ("stored", _stored(probe)),
        ("rate", _rate(probe)),
        ("keyframes", _keyframes(probe)),
        ("bit rate", _bit_rate(figures.bits_per_s)),
        ("B-frames", _share(figures.b_frames, figures.packets)),
        ("skippable", _share(figures.unreferenced, figures.packets)),
        ("transport", stream.transport),
        ("open", f"{probe.open_s:.2f} s, first picture after {probe.first_picture_s:.2f} s"),
        ("damaged", f"{figures.damaged or 'none'} of {figures.pictures} pictures"),
        ("decoding", _decoding(probe)),
    ]
    return [(name, value) for name, value in found if value]


def probe_json(probe: Probe) -> dict[str, Any]:
    """Units are in the names; rates in 1/s, times in seconds."""
    return {
        "stream": asdict(probe.stream)
        | {"stored": list(probe.stored_wh), "turned": probe.turned}
        | {"profile": probe.profile, "pixel_format": probe.pixel_format, "bits": probe.bits},
        "open_s": round(probe.open_s, 3),
        "first_picture_s": round(probe.first_picture_s, 3),
        "decode_s": probe.decode_s,
        "measured": asdict(probe.figures),
        "hints": [*troubles(probe), *costs(probe)],
        "suggested": {"detect": {"fps": detect_fps(probe.figures.fps)}},
    }


def _codec(probe: Probe) -> str:
    return _CODECS.get(probe.stream.codec, probe.stream.codec)


def _stored(probe: Probe) -> str:
    """Where the picture is seen another way than it is sent."""
    width, height = probe.stored_wh
    seen = (probe.stream.width, probe.stream.height)
    if not probe.turned and seen == (width, height):
        return ""
    is_square = sorted(seen) == sorted(probe.stored_wh)
    done = [probe.turned, "" if is_square else "its samples are no squares"]
    return f"{width}×{height}: {', '.join(filter(None, done))}"


def _rate(probe: Probe) -> str:
    transport = probe.stream.transport
    over_http = transport in (Kind.STREAM.value, Kind.STILL.value)
    named = [
        (probe.stream.fps, "asked for" if transport == Kind.STILL.value else "announced"),
        (None if over_http else probe.figures.fps_by_pts, "by timestamps"),
        (probe.figures.fps_by_arrival, "by arrival"),
    ]
    return ", ".join(f"{fps:.4g} fps {how}" for fps, how in named if fps)


def _keyframes(probe: Probe) -> str:
    figures = probe.figures
    if figures.keyframe_every == 1:
        return "every picture"
    if figures.keyframe_every is not None:
        every_s = figures.keyframe_every_s
        return f"every {figures.keyframe_every} pictures" + (
            f", {every_s:.1f} s" if every_s else ""
        )
    return "" if figures.b_frames is None else f"no second one in {figures.watched_s:.1f} s"


def _bit_rate(bits_per_s: float | None) -> str:
    if bits_per_s is None:
        return ""
    return (
        f"{bits_per_s / 1e6:.2f} Mbit/s" if bits_per_s >= 1e6 else f"{bits_per_s / 1e3:.0f} kbit/s"
    )


def _share(count: int | None, packets: int) -> str:
    if count is None:
        return ""
    return f"{count / packets:.0%} of pictures" if count else "none"


def _decoding(probe: Probe) -> str:
    if probe.decode_s is None:
        return ""
    text = f"{probe.decode_s * 1e3:.1f} ms of a core for a picture"
    fps = probe.figures.fps
    return f"{text}, {probe.decode_s * fps:.1%} of a core for all" if fps else text
