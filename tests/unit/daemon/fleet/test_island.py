"""What gateways are asked where the Director is away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from daemon.fleet.island import answers, newest_grants


class Gateway:
    """Says what it is set to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.said: Any = {"settled": True, "grants": {"gate": {"grant": 7, "node": "north"}}}
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization")))
                body = json.dumps(outer.said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.http = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def gateways() -> Iterator[tuple[Gateway, Gateway]]:
    two = Gateway(), Gateway()
    yield two
    for gateway in two:
        gateway.stop()


def test_the_newest_grant_that_any_gateway_saw_counts(gateways: tuple[Gateway, Gateway]) -> None:
    one, two = gateways
    two.said = {"settled": True, "grants": {"gate": {"grant": 9}, "yard": {"grant": 3}}}
    newest = newest_grants("north", [one.http, two.http], None, 2.0)
    assert newest == {"gate": 9, "yard": 3}
    assert one.asked == [("/api/v1/grants?island=north", None)], "and it is told who is alone"


def test_one_that_does_not_answer_is_made_up_for_by_the_other(
    gateways: tuple[Gateway, Gateway],
) -> None:
    assert newest_grants("north", ["127.0.0.1:9", gateways[0].http], None, 2.0) == {"gate": 7}


@pytest.mark.parametrize(
    "said",
    [
        {"settled": False, "grants": {}},
        {"settled": True},
        {"settled": True, "grants": {"gate": {"grant": "x"}}},
        [],
        "text",
    ],
)
def test_who_has_not_listened_long_enough_or_says_nothing_sensible_is_no_answer(
    gateways: tuple[Gateway, Gateway], said: object
) -> None:
    gateways[0].said = said
    assert newest_grants("north", [gateways[0].http], None, 2.0) is None


def test_the_token_is_read_and_sent_and_one_that_cannot_be_read_is_no_answer(
    gateways: tuple[Gateway, Gateway], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    reference = f"file:{token}"
    assert newest_grants("north", [gateways[0].http], reference, 2.0) is None
    token.write_text("t" * 32)
    token.chmod(0o600)
    assert newest_grants("north", [gateways[0].http], reference, 2.0) == {"gate": 7}
    assert gateways[0].asked[-1][1] == f"Bearer {'t' * 32}"


def test_a_gateway_that_works_says_so(gateways: tuple[Gateway, Gateway]) -> None:
    assert answers(gateways[0].http, 2.0)
    assert not answers("127.0.0.1:9", 0.5)
