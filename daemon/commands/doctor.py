"""`vedette doctor CONFIG`: what of a configuration will not work on this machine, and what to do.

Changes nothing: addresses are bound and released, streams are opened and closed.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from config.loader import Loaded, load
from daemon.console import complain, say, say_json
from daemon.exits import EXIT_FAILED

if TYPE_CHECKING:  # PyAV and ZeroMQ are loaded when there is something to look at
    from daemon.diagnosis.finding import Finding


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="check a configuration against this machine",
        description="Looks at everything that CONFIG needs: weights, credentials, devices,"
        " addresses, folders, the clock, every camera, TensorFlow. What it may read and write is"
        " judged for the user that runs it: run it as the daemon's. Changes nothing. Exit code 1"
        " where something failed, 78 for a file that cannot be used.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    parser.add_argument("--quick", action="store_true", help="open no stream, ask no TensorFlow")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine and print; returns the exit code."""
    try:
        loaded = load(args.config)
        findings = _examined(loaded, args)
    except ConfigError as error:
        _show_faults(error, as_json=args.json)
        return os.EX_CONFIG
    failed = any(finding.verdict == "fail" for finding in findings)
    if args.json:
        say_json({"ok": not failed, "findings": [asdict(found) for found in findings]})
    return EXIT_FAILED if failed else 0


def _examined(loaded: Loaded, args: argparse.Namespace) -> list[Finding]:
    """Every finding, printed as soon as it is known. Raises ConfigError."""
    from daemon.clock import SystemClock
    from daemon.diagnosis.examination import examine, title_width

    width = title_width(loaded)
    findings = []
    for finding in examine(loaded, quick=args.quick, clock=SystemClock()):
        findings.append(finding)
        if not args.json:
            say(finding.line(width))
    return findings


def _show_faults(error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        say_json({"ok": False, "faults": [str(fault) for fault in error.faults]})
        return
    for fault in error.faults:
        complain(str(fault))
