"""Who answers at an address: a vedette, another program, or nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daemon.diagnosis.running import Details, Running, ask
from tests.support.daemon_process import free_port

VEDETTE = {
    "/healthz": {"status": "ok"},
    "/api/v1/config": {"version": 1, "sinks": {"zeromq": {"bind": "tcp://127.0.0.1:5556"}}},
    "/api/v1/cameras": {"cameras": [{"name": "gate", "state": "streaming", "fps": {}}]},
    "/api/v1/status": {"sinks": [{"name": "zeromq", "failing": "", "counts": {}}]},
}


@contextmanager
def program(answers: dict[str, object]) -> Iterator[str]:
    """Something that speaks HTTP; the address that it listens on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, "?")
            body = json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_vedette_tells_how_it_is() -> None:
    with program(VEDETTE) as listen:
        assert ask(listen) == Running(
            healthy=True, details=Details("tcp://127.0.0.1:5556", {"gate": "streaming"})
        )


def test_a_vedette_tells_whose_detection_is_paused() -> None:
    cameras = [{"name": "gate", "state": "disabled", "paused": True}, {"name": "off", "state": "x"}]
    with program(VEDETTE | {"/api/v1/cameras": {"cameras": cameras}}) as listen:
        found = ask(listen)
    assert found is not None
    assert found.details is not None
    assert found.details.paused == {"gate"}


def test_a_vedette_tells_which_sink_cannot_send() -> None:
    sinks = [{"name": "zeromq", "failing": ""}, {"name": "webhook.phone", "failing": "answers 403"}]
    with program(VEDETTE | {"/api/v1/status": {"sinks": sinks}}) as listen:
        found = ask(listen)
    assert found is not None
    assert found.details is not None
    assert found.details.failing == {"webhook.phone": "answers 403"}


def test_it_is_found_where_it_listens_on_every_interface() -> None:
    with program(VEDETTE) as listen:
        assert ask(listen.replace("127.0.0.1", "0.0.0.0")) is not None


def test_a_stuck_vedette_without_zeromq_is_one_too() -> None:
    stuck = VEDETTE | {
        "/healthz": {"status": "stuck", "reason": "inference"},
        "/api/v1/config": {"sinks": {"zeromq": None}},
    }
    with program(stuck) as listen:
        found = ask(listen)
    assert found == Running(healthy=False, details=Details(None, {"gate": "streaming"}))


def test_a_vedette_that_asks_for_a_token_is_one_too() -> None:
    with program(VEDETTE | {"/api/v1/config": 401}) as listen:
        assert ask(listen) == Running(healthy=True, details=None)


@pytest.mark.parametrize("missing", VEDETTE)
def test_another_program_is_none(missing: str) -> None:
    with program({path: answer for path, answer in VEDETTE.items() if path != missing}) as listen:
        assert ask(listen) is None


def test_where_nobody_listens_is_none() -> None:
    assert ask(f"127.0.0.1:{free_port()}") is None
