"""`vedette healthcheck`: what it says of whoever listens there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from daemon.cli import main
from tests.support.daemon_process import free_port

Said = pytest.CaptureFixture[str]


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that gives one answer to /healthz; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_daemon_that_makes_progress_is_ok(capsys: Said) -> None:
    with answering(200, b'{"status": "ok"}') as address:
        assert main(["healthcheck", address]) == 0
    assert capsys.readouterr().out == "ok\n"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, b'{"status": "stuck", "reason": "batch of 4 since 21 s"}', "batch of 4 since 21 s"),
        (503, b'{"status": "stuck"}', "stuck"),
        (200, b"<html>", "is no vedette (HTTP 200)"),
        (404, b'["status"]', "is no vedette (HTTP 404)"),
        (500, b'{"status": "ok"}', "ok"),
    ],
)
def test_anything_else_is_a_failure_with_its_reason(
    capsys: Said, status: int, body: bytes, reason: str
) -> None:
    with answering(status, body) as address:
        assert main(["healthcheck", address]) == 1
        assert capsys.readouterr().err == f"vedette healthcheck: {address}: {reason}\n"


def test_nobody_there_is_a_failure(capsys: Said) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert main(["healthcheck", address]) == 1
    assert capsys.readouterr().err == f"vedette healthcheck: {address}: Connection refused\n"


@pytest.mark.parametrize("address", ["9464", "host:", ":9464", "host:70000", "http://host:1/", "["])
def test_what_is_no_address_is_a_fault_of_usage(capsys: Said, address: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["healthcheck", address])
    assert "is not host:port" in capsys.readouterr().err


def test_it_loads_nothing_that_takes_time() -> None:
    program = (
        "import sys\nfrom daemon.verbs import parser_for\n"
        "parser_for({'healthcheck'}).parse_args(['healthcheck'])\n"
        "print(*{'pydantic', 'numpy', 'yaml', 'av', 'zmq', 'starlette'} & set(sys.modules))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "\n"
