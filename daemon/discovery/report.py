"""What was found, as lines for people, YAML to paste and JSON for programs. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from config.rtsp_urls import takes_login
from config.urls import host_of, is_link_local
from daemon.discovery.camera import Camera, Stream
from daemon.discovery.choice import choose

_CODECS = {"H264": "H.264", "H265": "H.265", "HEVC": "H.265", "JPEG": "MJPEG", "MPEG4": "MPEG-4"}
_OFF_S = 5.0  # a clock that is further off than this is worth a word


def lines(camera: Camera) -> Iterator[str]:
    """A camera in a few lines."""
    about = " ".join(filter(None, (camera.model or camera.name, camera.firmware)))
    unnamed = "a camera without a name" if camera.answered else "no camera that answers"
    yield f"{camera.address}  {about or unnamed}"
    chosen = choose(camera.streams)
    for stream in camera.streams:
        mark = "*" if chosen and stream is chosen[0] else " "
        yield f"  {mark} {stream.name:<16} {_what(stream):<34} {stream.url or stream.fault}"
    if chosen:
        yield f"  for detection: {chosen[0].name}, as {chosen[1]}"
    if camera.clock_ahead_s is not None and abs(camera.clock_ahead_s) > _OFF_S:
        off = "ahead of" if camera.clock_ahead_s > 0 else "behind"
        yield f"  its clock is {_duration(abs(camera.clock_ahead_s))} {off} ours: set NTP there"
    if camera.trouble:
        yield f"  {camera.trouble}{f' → {camera.advice}' if camera.advice else ''}"
    elif not camera.streams:
        yield "  it names no stream with pictures"


def yaml(cameras: Sequence[Camera], credential: str | None) -> str:
    """The `cameras:` of a configuration; empty where no stream can be named."""
    blocks = []
    names: set[str] = set()
    for camera in cameras:
        chosen = choose(camera.streams)
        if chosen and chosen[0].url:
            names.add(name := _unused(_slug(camera), names))
            blocks += _block(name, chosen[0].url, credential)
    return "\n".join(["cameras:", *blocks]) if blocks else ""


def as_json(cameras: Iterable[Camera]) -> dict[str, Any]:
    return {"cameras": [_camera_json(camera) for camera in cameras]}


def _camera_json(camera: Camera) -> dict[str, Any]:
    chosen = choose(camera.streams)
    return {
        "address": camera.address,
        "answered": camera.answered,
        "name": camera.name,
        "model": camera.model,
        "firmware": camera.firmware,
        "service": camera.service,
        "clock_ahead_s": camera.clock_ahead_s,
        "streams": [
            {
                "name": stream.name,
                "url": stream.url,
                "codec": stream.codec,
                "width": stream.width,
                "height": stream.height,
                "fps": stream.fps,
                "kbit_per_s": stream.kbit_per_s,
                "fault": stream.fault,
                "for_detection": bool(chosen and stream is chosen[0]),
            }
            for stream in camera.streams
        ],
        "why": chosen[1] if chosen else "",
        "trouble": camera.trouble,
        "advice": camera.advice,
    }


def _what(stream: Stream) -> str:
    codec = _CODECS.get(stream.codec, stream.codec)
    size = f"{stream.width}×{stream.height}" if stream.pixels else ""
    fps = f"{stream.fps:g} fps" if stream.fps else ""
    rate = f"{stream.kbit_per_s} kbit/s" if stream.kbit_per_s else ""
    return ", ".join(filter(None, (codec, size, fps, rate)))


def _block(name: str, url: str, credential: str | None) -> list[str]:
    block = [f"  {name}:", f"    url: {_quoted(url)}"]
    if credential is not None:
        block.append(f"    credential: {_quoted(credential)}")
    elif takes_login(url):
        block.append(f"    credential: file:{name}.login")
    if is_link_local(host_of(url)):
        block.append("    allow_link_local: true")
    return block


def _quoted(text: str) -> str:
    """A YAML string; $ would begin a variable."""
    return json.dumps(text.replace("$", "$$"), ensure_ascii=False)


def _slug(camera: Camera) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", (camera.name or camera.model).lower()).strip("_")
    return words[:24].strip("_") or "camera"


def _unused(name: str, names: set[str]) -> str:
    number = 2
    free = name
    while free in names:
        free, number = f"{name}_{number}", number + 1
    return free


def _duration(seconds: float) -> str:
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
