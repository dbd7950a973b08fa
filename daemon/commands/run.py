"""`vedette run CONFIG`: the daemon itself."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from daemon.console import complain
from daemon.exits import EXIT_BAD_CONFIG


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "run",
        help="run the daemon",
        description="Captures every camera of CONFIG until SIGTERM or SIGINT (Ctrl-C). The first "
        "one drains, a second one ends at once. SIGHUP reads CONFIG again and applies what is new.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    parser.add_argument(
        "--summary",
        type=_interval,
        metavar="SECONDS",
        help="log a line of rates this often (default: every 10 s on a terminal, else never)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; returns the exit code."""
    from daemon import signals
    from daemon.descriptors import raise_descriptor_limit

    # A core would hold passwords and pictures; `prlimit --core` of the process allows it again.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    raise_descriptor_limit()
    signals.block()  # before libraries start threads of their own, which would take them

    from config.loader import load
    from daemon import log

    try:
        loaded = load(args.config)
    except ConfigError as error:
        for fault in error.faults:
            complain(str(fault))
        return EXIT_BAD_CONFIG
    log.configure(loaded.config.log.level, loaded.config.log.format)

    from daemon.clock import SystemClock
    from daemon.service import serve
    from detector.build import build_detector

    summary_s = args.summary
    if summary_s is None and log.on_terminal():
        summary_s = 10.0
    return serve(loaded, build_detector, SystemClock(), summary_s=summary_s)


def _interval(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 86_400:
        msg = "must be from 1 to 86400"
        raise argparse.ArgumentTypeError(msg)
    return seconds
