"""What is odd or costly about a stream that works, and how its camera is configured.

Pure functions over a probe: `troubles` want a change, `costs` are for those who count processors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from config.camera import CameraConfig, DetectConfig
from config.urls import RTSP_SCHEMES, scheme_of
from daemon.capture.http import Kind
from daemon.diagnosis.probing import Probe

RARE_KEYFRAMES_S = 4.0
_LIE = 0.15  # of the rate; less is the jitter of a few seconds
_ROUND = 0.02  # of the rate: so near to a whole number, that is what is meant
_LARGE = 1920 * 1080


def troubles(probe: Probe) -> Iterator[str]:
    """The gravest first."""
    if probe.figures.damaged:
        yield _damage(probe)
    yield from _rates(probe)
    yield from _keyframes(probe)
    if probe.live and probe.figures.b_frames:
        yield (
            "The camera sends B-frames: each picture waits for later ones. Turn them off (profile"
            " Baseline or Main, B-frames 0)."
        )


def costs(probe: Probe) -> Iterator[str]:
    """What makes decoding dear."""
    if probe.stream.codec == "hevc":
        yield (
            "H.265 took 1.7 times the work of H.264 to decode in our measurements: where the"
            " processor is the limit, set the camera to H.264."
        )
    if (probe.bits or 0) > 8:
        yield (
            f"{probe.bits} bits per sample took 1.5 times the work of 8 in our measurements, and"
            " the detector sees 8: set the camera to 8 bits."
        )
    width, height = probe.stored_wh
    if width * height > _LARGE:
        yield (
            f"{width}×{height} is decoded whole and then scaled down to"
            " the detector's input: a smaller second stream of the camera may do."
        )


def detect_fps(fps: float | None) -> float:
    """For `detect.fps`: the usual one, or what the stream brings if that is less."""
    usual: float = DetectConfig().fps
    if fps is None:
        return usual
    whole = round(fps)
    if whole and abs(fps - whole) <= _ROUND * fps:
        return min(usual, float(whole))
    return min(usual, max(0.1, int(fps * 10) / 10))


def snippet(camera: CameraConfig, probe: Probe, *, name: str = "camera") -> str:
    """The lines of a configuration for this camera."""
    lines = [
        "cameras:",
        f"  {name}:",
        f"    url: {_quoted(camera.url)}",
    ]
    if camera.credential is not None:
        lines.append(f"    credential: {_quoted(camera.credential)}")
    if scheme_of(camera.url) in RTSP_SCHEMES:
        lines.append(f"    transport: {camera.transport}")
    lines.append(f"    detect: {{fps: {detect_fps(probe.figures.fps):g}}}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A YAML string; $ would begin a variable."""
    return json.dumps(text.replace("$", "$$"), ensure_ascii=False)


def _damage(probe: Probe) -> str:
    seen = f"{probe.figures.damaged} of {probe.figures.pictures} pictures came damaged"
    if probe.stream.transport == "udp":
        return f"{seen}: packets are lost on the way. Try transport tcp."
    if probe.stream.transport == "tcp":
        return f"{seen}: the camera or the network cannot keep up. Lower the bit rate."
    return f"{seen}."


def _rates(probe: Probe) -> Iterator[str]:
    announced, by_pts = probe.stream.fps, probe.figures.fps_by_pts
    by_arrival = probe.figures.fps_by_arrival
    measured = probe.figures.fps
    if probe.stream.transport == Kind.STILL.value:
        if announced and measured and measured < (1 - _LIE) * announced:
            yield (
                f"{announced:g} pictures a second were asked for, and {measured:.1f} came: the"
                " camera takes its time for each. Lower detect.fps, or take its stream."
            )
        return
    if announced and measured and _differ(announced, measured):
        yield (
            f"The stream announces {announced:g} fps and brings {measured:.1f}: go by the measured"
            " rate. In the dark cameras slow down to expose longer."
        )
    if by_pts and by_arrival and _differ(by_pts, by_arrival):
        yield (
            f"The timestamps tell of {by_pts:.1f} fps, {by_arrival:.1f} arrive: the network or the"
            " camera cannot keep up, or the camera's clock is off."
        )
    if by_pts is None and probe.live:
        yield "The pictures carry no usable timestamps: their times of arrival are used instead."


def _keyframes(probe: Probe) -> Iterator[str]:
    figures = probe.figures
    if not probe.live or figures.keyframe_every == 1:
        return
    remedy = "Set the camera's keyframe interval (GOP, I-frame interval) to a second or two."
    if figures.keyframe_every_s is not None:
        if figures.keyframe_every_s > RARE_KEYFRAMES_S:
            yield (
                f"Keyframes are {figures.keyframe_every_s:.1f} s apart: as long may it take to the"
                f" first picture, and damage stays as long. {remedy}"
            )
    elif (waited_s := probe.first_picture_s - probe.open_s) > RARE_KEYFRAMES_S:
        yield (
            f"It took {waited_s:.0f} s until a keyframe came, and as long may it take after every"
            f" loss. {remedy}"
        )
    elif figures.b_frames is not None and figures.watched_s > RARE_KEYFRAMES_S:
        yield f"No second keyframe came within {figures.watched_s:.0f} s. {remedy}"


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > _LIE * max(one, other)
