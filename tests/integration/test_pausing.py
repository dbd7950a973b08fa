"""Detection of one camera paused and resumed over HTTP in a real daemon that has a token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinks.messages import EventMessage, Message, StatusMessage
from tests.support.daemon_process import Subscriber, free_port, running_daemon
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-some-length-0123456789"
SMALL = {"model": {"input_size": 128}, "batching": {"max_age_ms": 5000}}
CAMERA = {"url": "synthetic://scene?size=320x240&fps=10", "detect": {"fps": 10}}
DETECT = "/api/v1/cameras/gate/detect"


class Client:
    """Somebody with the token, or with a wrong one."""

    def __init__(self, folder: Path) -> None:
        file = folder / "http.token"
        file.write_text(TOKEN)
        file.chmod(0o600)
        self.listen = f"127.0.0.1:{free_port()}"
        self.section = {"listen": self.listen, "token": f"file:{file}", "allow_edit": True}

    def ask(self, path: str, wish: object = None, *, token: str = TOKEN) -> tuple[int, bytes]:
        """A POST where something is wished for."""
        request = urllib.request.Request(
            f"http://{self.listen}{path}",
            data=None if wish is None else json.dumps(wish).encode(),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def detect(self, *, enabled: bool) -> dict[str, Any]:
        status, answer = self.ask(DETECT, {"enabled": enabled})
        assert status == 200, answer
        return dict(json.loads(answer))

    def gate(self) -> dict[str, Any]:
        return dict(json.loads(self.ask("/api/v1/cameras/gate")[1]))


def of_gate(heard: Subscriber) -> Iterator[Message]:
    while True:
        message = heard.next(5)
        if getattr(message, "camera", "") == "gate":
            yield message


def test_a_camera_is_paused_stays_so_over_a_reload_and_comes_back(tmp_path: Path) -> None:
    client = Client(tmp_path)
    cameras = {"gate": CAMERA, "yard": CAMERA}
    config = SMALL | {"cameras": cameras, "http": client.section}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("service: ready")
        until(lambda: client.gate()["picture"] is not None)
        assert client.ask(DETECT, {"enabled": False}, token="wrong-" + TOKEN)[0] == 401
        with Subscriber(daemon.zeromq, b"") as heard:
            heard.next(5)
            paused = client.detect(enabled=False)
            assert paused == {"enabled": False, "paused": True, "switchable": True}
            until(lambda: client.gate()["state"] == "disabled", 3)
            states = (m for m in of_gate(heard) if isinstance(m, StatusMessage))
            last = next(status for status in states if status.state != "streaming")
            assert (last.state, last.reason) == ("disabled", "paused")
            later = [heard.next(5) for _ in range(20)]
            assert {getattr(message, "camera", "yard") for message in later} == {"yard"}
        facts = client.gate()
        assert (facts["reason"], facts["paused"], facts["picture"]) == ("paused", True, None)
        assert (facts["frames"]["balanced"], facts["frames"]["in_flight"]) == (True, 0)
        assert client.ask("/api/v1/cameras/gate/snapshot.jpg")[0] == 503, "nothing is shown"
        assert b'vedette_camera_paused{camera="gate"} 1.0' in client.ask("/metrics")[1]

        cameras["gate"] = CAMERA | {"priority": 2}
        assert daemon.reload(cameras=cameras).startswith("applied")
        daemon.wait_for("detection stays paused cameras=gate")
        assert client.gate()["reason"] == "paused"
        assert client.gate()["frames"] == facts["frames"], "nobody looked at it meanwhile"

        client.detect(enabled=True)
        until(lambda: client.gate()["frames"]["inferred"] > facts["frames"]["inferred"])
        assert client.gate()["state"] == "streaming"
        assert daemon.stop()[0] == 0
        assert "in_flight=0 balanced=True" in daemon.log
        assert "Traceback" not in daemon.log


def test_lives_of_a_paused_camera_end_before_it_is_called_disabled(tmp_path: Path) -> None:
    client = Client(tmp_path)
    demo = Path(__file__).parents[2] / "config" / "demo"
    clip = next(demo.glob("*.mp4"))
    camera = {"url": clip.as_uri(), "detect": {"fps": 10}, "file": {"loop": True}}
    config = {"cameras": {"gate": camera}, "http": client.section, "batching": {"max_age_ms": 5000}}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("service: ready")
        with Subscriber(daemon.zeromq, b"") as heard:
            living: set[str] = set()
            asked = False
            for message in of_gate(heard):
                if isinstance(message, EventMessage) and message.event == "object":
                    (living.discard if message.phase == "end" else living.add)(message.id)
                if living and not asked:
                    asked = not client.detect(enabled=False)["enabled"]
                if isinstance(message, StatusMessage) and message.state == "disabled":
                    break
            assert living == set()
        assert daemon.stop()[0] == 0
        assert "in_flight=0 balanced=True" in daemon.log
