"""`vedette demo`: the daemon with the configuration and the clip that come with it.

Nothing is written: it runs from a folder that is read-only.
"""

from __future__ import annotations

import argparse
import os
from importlib.resources import as_file, files
from typing import Any

from daemon.commands import run as daemon
from daemon.console import complain
from daemon.exits import EXIT_BAD_CONFIG, EXIT_FAILED

_SUMMARY_S = 1.0


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="run the demo: bundled clip, bundled detector, live page",
        description="Runs the daemon with the bundled street clip as its camera, until Ctrl-C."
        " Everything listens on this machine only, nothing is written. A line each second says"
        " what is seen.",
    )
    parser.add_argument(
        "--port", type=_port, metavar="PORT", help="of the live page (default: 9464)"
    )
    parser.add_argument(
        "--zeromq-port", type=_port, metavar="PORT", help="of the detections (default: 5556)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; returns the exit code."""
    # As variables, which the configuration names: a reload reads them again.
    for name, port in (
        ("VEDETTE_DEMO_PORT", args.port),
        ("VEDETTE_DEMO_ZEROMQ_PORT", args.zeromq_port),
    ):
        if port is not None:
            os.environ[name] = str(port)
    with as_file(files("config") / "demo.yaml") as path:
        code = daemon.start(path, summary_s=_SUMMARY_S)
    if code in (EXIT_FAILED, EXIT_BAD_CONFIG):  # nobody edits the configuration of a package
        complain("vedette demo: where a port is taken, choose others with --port and --zeromq-port")
    return code


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        msg = "must be from 1 to 65535"
        raise argparse.ArgumentTypeError(msg)
    return port
