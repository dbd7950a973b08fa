"""`vedette notify test`: one marked event to each webhook, and what came of it in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.cli import main
from tests.support.daemon_process import free_port
from tests.support.receiver import Receiver, Reply, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def file(folder: Path, **hooks: dict[str, object]) -> str:
    path = folder / "vedette.yaml"
    cameras = {"gate": {"url": "rtsp://10.0.0.5/"}}
    path.write_text(json.dumps({"version": 1, "cameras": cameras, "sinks": {"webhook": hooks}}))
    return str(path)


def test_every_webhook_gets_a_test_that_says_so(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = {"labels": ["car"]}
    path = file(
        tmp_path,
        archive={"url": f"{receiver.url}/in", "picture": True, "rules": [rule]},
        phone={"url": f"{receiver.url}/topic", "format": "ntfy"},
    )
    assert main(["notify", "test", path]) == 0
    first, second = receiver.posts
    parts = first.parts()
    event = json.loads(str(parts["event"].get_payload()))
    assert (event["test"], event["camera"], event["label"]) == (True, "gate", "person")
    assert parts["picture"].get_content_type() == "image/jpeg"
    assert second.headers["title"].startswith("TEST of vedette")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" took the test")[0] for line in said] == [
        f"webhook.archive: 127.0.0.1:{receiver.port}",
        f"webhook.phone: 127.0.0.1:{receiver.port}",
    ]


def test_one_of_them_is_enough(receiver: Receiver, tmp_path: Path) -> None:
    hooks = {name: {"url": f"{receiver.url}/{name}"} for name in ("phone", "office")}
    for word in ("office", "webhook.office"):
        assert main(["notify", "test", file(tmp_path, **hooks), "--sink", word]) == 0
    assert [post.path for post in receiver.posts] == ["/office", "/office"]


def test_what_is_not_taken_is_said_with_the_way_out(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.replies = [Reply(401), Reply(307, (("location", "http://127.0.0.1:9/"),))]
    hooks = {
        "locked": {"url": receiver.url},
        "moved": {"url": receiver.url},
        "nobody": {"url": f"http://127.0.0.1:{free_port()}/"},
        "keyless": {"url": receiver.url, "secret": f"file:{tmp_path}/none"},
    }
    assert main(["notify", "test", file(tmp_path, **hooks)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert "answers 401 (see `credential`): not taken" in said[0]
    assert "redirects to another address, which is not followed (see `url`): not sent" in said[1]
    assert "refuses the connection: not sent" in said[2]
    assert "none" in said[3]
    assert len(receiver.posts) == 2


def test_where_there_is_nothing_to_test_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notify", "test", file(tmp_path)]) == 2
    assert main(["notify", "test", file(tmp_path, a={"url": "https://e.org"}), "--sink", "b"]) == 2
    said = capsys.readouterr().err
    assert "there is no webhook or mqtt below sinks to test" in said
    assert "there is no sink b to test (there is: webhook.a)" in said


def test_a_file_with_faults_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify", "test", file(tmp_path, a={"url": "ftp://e.org"})]) == 78
    assert "sinks.webhook.a.url" in capsys.readouterr().err
