"""What each receiver gets, by the words of its own documentation."""

from __future__ import annotations

import json
import re
import time
from email import message_from_bytes
from email.header import decode_header
from typing import Any

import pytest

from config.webhook import WebhookConfig
from sinks.messages import EventMessage
from sinks.webhook.letter import Letter, headline, letter
from tests.support import messages

LINK = "https://cameras.example.org/vedette/"


def event(about: str = "object", phase: str = "new", **fields: Any) -> EventMessage:
    message = messages.event(about=about, phase=phase, **fields).message
    assert isinstance(message, EventMessage)
    return message


def written(
    form: str, *, jpeg: bytes | None = None, is_test: bool = False, about: Any = None, **more: Any
) -> Letter:
    config = WebhookConfig.model_construct(format=form, **{"priority": None, "link": None} | more)
    return letter(config, about or event(), jpeg, is_test=is_test)


def test_json_is_the_message_with_its_kind() -> None:
    sent = written("json")
    body = json.loads(sent.body)
    assert (sent.method, sent.headers) == ("POST", {"content-type": "application/json"})
    assert (body["kind"], body["event"], body["phase"]) == ("event", "object", "new")
    assert (body["camera"], body["label"], body["event_seq"]) == ("gate", "person", 1)
    assert "test" not in body
    assert json.loads(written("json", is_test=True).body)["test"] is True


def test_json_with_a_picture_is_a_form_of_two_parts() -> None:
    jpeg = b"\xff\xd8 --vedette \r\n \xff\xd9"
    sent = written("json", jpeg=jpeg)
    head = f"content-type: {sent.headers['content-type']}\r\n\r\n".encode()
    first, second = message_from_bytes(head + sent.body).get_payload()
    assert first["content-disposition"] == 'form-data; name="event"'
    assert json.loads(first.get_payload())["camera"] == "gate"
    assert second["content-disposition"] == 'form-data; name="picture"; filename="gate.jpg"'
    assert second.get_content_type() == "image/jpeg"
    assert jpeg in sent.body


def test_ntfy_gets_title_priority_tags_and_click_as_headers_and_the_text_as_body() -> None:
    sent = written("ntfy", priority=4, link=LINK)
    assert sent.method == "POST"
    assert sent.headers["Title"] == "person at gate"
    assert (sent.headers["Priority"], sent.headers["Tags"]) == ("4", "walking")
    assert sent.headers["Click"] == "https://cameras.example.org/vedette/camera/gate"
    assert re.fullmatch(r"\d\d:\d\d:\d\d, for 3 s, 91% sure, lodge", sent.body.decode())


def test_ntfy_gets_a_picture_by_put_with_its_name_and_the_text_as_headers() -> None:
    sent = written("ntfy", jpeg=b"jpeg")
    assert (sent.method, sent.body, sent.headers["Filename"]) == ("PUT", b"jpeg", "gate.jpg")
    assert sent.headers["Message"].endswith("91% sure, lodge")
    assert "Priority" not in sent.headers


def test_ntfy_gets_words_beyond_ascii_as_rfc_2047_has_them() -> None:
    title = written("ntfy", about=event(label="Fußgänger")).headers["Title"]
    assert title.isascii()
    ((text, charset),) = decode_header(title)
    assert text.decode(charset) == "Fußgänger at gate"


def test_gotify_gets_title_message_priority_and_a_click() -> None:
    body = json.loads(written("gotify", priority=8, link=LINK).body)
    assert body["title"] == "person at gate"
    assert body["priority"] == 8
    assert body["message"].endswith("lodge")
    url = body["extras"]["client::notification"]["click"]["url"]
    assert url.endswith("/camera/gate")
    assert set(json.loads(written("gotify").body)) == {"title", "message"}


def test_slack_gets_one_text_in_which_nothing_can_be_forged() -> None:
    sent = written("slack", link=LINK, about=event(label="<!channel> & co"))
    body = json.loads(sent.body)
    assert list(body) == ["text"]
    assert body["text"].startswith("*&lt;!channel&gt; &amp; co at gate*\n")
    assert body["text"].endswith("<https://cameras.example.org/vedette/camera/gate|live picture>")


@pytest.mark.parametrize("form", ["ntfy", "gotify", "slack"])
def test_a_test_says_so_where_a_person_reads_it(form: str) -> None:
    sent = written(form, is_test=True)
    assert "TEST of vedette" in sent.body.decode() + sent.headers.get("Title", "")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (event(), "person at gate"),
        (event(phase="update"), "person still at gate"),
        (event(phase="end"), "person gone from gate"),
        (event("zone", "entered", zone="drive"), "person entered drive (gate)"),
        (event("zone", "left", zone="drive"), "person left drive (gate)"),
        (event("zone", "loitering", zone="drive"), "person stays in drive (gate)"),
        (event("line", "crossed", line="door", direction="in"), "person crossed door (gate), in"),
    ],
)
def test_what_happened_is_said_in_a_line(one: EventMessage, words: str) -> None:
    assert headline(one) == words


def test_times_are_those_of_this_machine() -> None:
    one = event()
    clock = time.strftime("%H:%M:%S", time.localtime(one.at_ns / 1e9))
    assert written("ntfy", about=one).body.decode().startswith(clock)
