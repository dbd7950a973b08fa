"""An event as a receiver wants it: method, headers, body. Pure.

The forms are those that the receivers' own documentation describes: ntfy "Publishing" (headers,
attachments by PUT), Gotify `POST /message`, Slack "Incoming webhooks", which Mattermost,
Rocket.Chat and Discord (`/slack`) take too.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from config.webhook import WebhookConfig
from sinks.messages import EventMessage, json_line

_TAGS = {"person": "walking", "car": "car", "bicycle": "bike", "dog": "dog", "cat": "cat"}
_TEST = "TEST of vedette, nothing happened: "


@dataclass(frozen=True, slots=True)
class Letter:
    method: str
    headers: Mapping[str, str]
    body: bytes


def letter(
    config: WebhookConfig, event: EventMessage, jpeg: bytes | None, *, is_test: bool = False
) -> Letter:
    """`jpeg` is the object's picture, None where there is none; a test is marked as such."""
    if config.format == "json":
        return _json(event, jpeg, is_test=is_test)
    title = f"{_TEST if is_test else ''}{headline(event)}"
    link = camera_page(config.link, event.camera)
    if config.format == "ntfy":
        return _ntfy(config, event, jpeg, title=title, link=link)
    if config.format == "gotify":
        return _gotify(config, event, title=title, link=link)
    return _slack(event, title=title, link=link)


def headline(event: EventMessage) -> str:
    """What happened, as in `person entered driveway (gate)`."""
    place = event.zone if event.zone is not UNSET else event.line
    words = {
        "new": f"{event.label} at {event.camera}",
        "update": f"{event.label} still at {event.camera}",
        "end": f"{event.label} gone from {event.camera}",
        "entered": f"{event.label} entered {place} ({event.camera})",
        "left": f"{event.label} left {place} ({event.camera})",
        "loitering": f"{event.label} stays in {place} ({event.camera})",
        "crossed": f"{event.label} crossed {place} ({event.camera}), {event.direction}",
    }
    return words[event.phase]


def particulars(event: EventMessage) -> str:
    """When and how sure, as in `14:03:22, for 12 s, 93 % sure, lodge`."""
    at = time.strftime("%H:%M:%S", time.localtime(event.at_ns / 1e9))
    lasted = f", for {event.duration_s:.0f} s" if event.duration_s >= 1 else ""
    return f"{at}{lasted}, {event.best.score:.0%} sure, {event.node}"


def camera_page(link: str | None, camera: str) -> str | None:
    """Its page on the live page at `link`."""
    return None if link is None else f"{link.rstrip('/')}/camera/{quote(camera)}"


def _json(event: EventMessage, jpeg: bytes | None, *, is_test: bool) -> Letter:
    body = json_line(event).rstrip(b"\n")
    if is_test:
        body = b'{"test":true,' + body[1:]
    if jpeg is None:
        return Letter("POST", {"content-type": "application/json"}, body)
    boundary = f"vedette-{secrets.token_hex(16)}"
    parts = (
        ('name="event"', "application/json", body),
        (f'name="picture"; filename="{event.camera}.jpg"', "image/jpeg", jpeg),
    )
    whole = b"".join(_part(boundary, *part) for part in parts)
    form = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return Letter("POST", form, whole + f"--{boundary}--\r\n".encode())


def _part(boundary: str, name: str, kind: str, content: bytes) -> bytes:
    lines = (f"--{boundary}", f"Content-Disposition: form-data; {name}", f"Content-Type: {kind}")
    return b"".join([*(f"{line}\r\n".encode() for line in lines), b"\r\n", content, b"\r\n"])


def _ntfy(
    config: WebhookConfig, event: EventMessage, jpeg: bytes | None, *, title: str, link: str | None
) -> Letter:
    headers = {"Title": _header(title), "Tags": _TAGS.get(event.label, "eyes")}
    if config.priority is not None:
        headers["Priority"] = str(config.priority)
    if link is not None:
        headers["Click"] = link
    text = particulars(event)
    if jpeg is None:
        return Letter(
            "POST", headers | {"content-type": "text/plain; charset=utf-8"}, text.encode()
        )
    headers |= {"Message": _header(text), "Filename": f"{event.camera}.jpg"}
    return Letter("PUT", headers | {"content-type": "image/jpeg"}, jpeg)


def _header(text: str) -> str:
    """Words beyond ASCII as RFC 2047 has them, which ntfy reads."""
    if text.isascii():
        return text
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _gotify(config: WebhookConfig, event: EventMessage, *, title: str, link: str | None) -> Letter:
    wish: dict[str, Any] = {"title": title, "message": particulars(event)}
    if config.priority is not None:
        wish["priority"] = config.priority
    if link is not None:
        wish["extras"] = {"client::notification": {"click": {"url": link}}}
    return Letter("POST", {"content-type": "application/json"}, msgspec.json.encode(wish))


def _slack(event: EventMessage, *, title: str, link: str | None) -> Letter:
    text = f"*{_escaped(title)}*\n{_escaped(particulars(event))}"
    if link is not None:
        text += f"\n<{link}|live picture>"
    return Letter("POST", {"content-type": "application/json"}, msgspec.json.encode({"text": text}))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
