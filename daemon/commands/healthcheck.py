"""`vedette healthcheck`: whether a running daemon makes progress, for containers and scripts.

It asks `/healthz` as a monitor would, and loads nothing that takes time: it is run every few
seconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_OK

_TIMEOUT_S = 5.0
_MOST_BYTES = 10_000


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "healthcheck",
        help="ask a running daemon whether it makes progress",
        description="Asks /healthz of the daemon that listens at ADDRESS; it never asks for the"
        " token. Says ok, or what is wrong with exit code 1. A camera that is down is no fault of"
        " the daemon.",
    )
    parser.add_argument(
        "address",
        nargs="?",
        type=_address,
        default="127.0.0.1:9464",
        metavar="ADDRESS",
        help="host:port of http.listen (default: 127.0.0.1:9464)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the answer; returns the exit code."""
    host, port = args.address
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        fault = _fault(response.status, response.read(_MOST_BYTES))
    except (OSError, http.client.HTTPException) as error:
        fault = getattr(error, "strerror", None) or str(error) or type(error).__name__
    finally:
        connection.close()
    if fault:
        complain(f"vedette healthcheck: {host}:{port}: {fault}")
        return EXIT_FAILED
    say("ok")
    return EXIT_OK


def _fault(status: int, body: bytes) -> str:
    """What an answer says is wrong; '' for nothing."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "status" not in said:
        return f"is no vedette (HTTP {status})"
    if status == http.client.OK and said["status"] == "ok":
        return ""
    return str(said.get("reason") or said["status"])


def _address(text: str) -> tuple[str, int]:
    try:
        place = urlsplit(f"//{text}")
        host, port = place.hostname, place.port
    except ValueError:
        host, port = None, None
    if not host or not port or place.path:
        msg = f"{text} is not host:port, as in 127.0.0.1:9464"
        raise argparse.ArgumentTypeError(msg)
    return host, port
