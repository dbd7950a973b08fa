"""`vedette run CONFIG`: the daemon itself."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from daemon.console import complain_of

if TYPE_CHECKING:
    from daemon.reload.model import BuildDetector


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
    # What a shard of a fleet starts its daemon with: the descriptor that grants come by.
    parser.add_argument("--grants", type=int, metavar="DESCRIPTOR", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; returns the exit code."""
    return start(args.config, summary_s=args.summary, grants=args.grants)


def start(
    path: Path,
    *,
    summary_s: float | None = None,
    grants: int | None = None,
    build: BuildDetector | None = None,
) -> int:
    """With another `build` than `build_detector` where a test says so."""
    from daemon import signals
    from daemon.descriptors import raise_descriptor_limit

    # A core would hold passwords and pictures; `prlimit --core` of the process allows it again.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    raise_descriptor_limit()
    signals.block()  # before libraries start threads of their own, which would take them

    from config.fleet import load_member
    from config.loader import load
    from daemon import log

    try:
        loaded = load(path) if grants is None else load_member(path)
    except ConfigError as error:
        return complain_of(error)
    log.configure(loaded.config.log.level, loaded.config.log.format)

    from daemon.clock import SystemClock
    from daemon.service import serve
    from detector.build import build_detector

    clock = SystemClock()
    tether = None
    if grants is not None:
        from daemon.fleet.tether import Tether, die_with_parent

        die_with_parent()
        tether = Tether.of_descriptor(grants, clock)
    if summary_s is None and log.on_terminal():
        summary_s = 10.0
    return serve(loaded, build or build_detector, clock, summary_s=summary_s, tether=tether)


def _interval(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 86_400:
        msg = "must be from 1 to 86400"
        raise argparse.ArgumentTypeError(msg)
    return seconds
