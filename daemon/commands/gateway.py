"""`vedette gateway CONFIG`: one address for the subscribers of many servers."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from daemon.console import complain_of, say
from daemon.exits import EXIT_OK


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "gateway",
        help="pass on what many daemons publish, to one address for all subscribers",
        description="Daemons connect to it (sinks.zeromq.connect) and subscribers do, until"
        " SIGTERM or SIGINT. Of each camera it passes on only what comes with the newest grant."
        " SIGHUP reads the access token again.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the gateway's YAML file")
    parser.add_argument("--check", action="store_true", help="only say whether CONFIG can be used")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; returns the exit code."""
    from daemon import signals
    from daemon.descriptors import raise_descriptor_limit

    # A core would hold keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    raise_descriptor_limit()
    if not args.check:
        signals.block()  # before libraries start threads of their own, which would take them

    from config.gateway import load_gateway
    from daemon import log

    try:
        loaded = load_gateway(args.config)
    except ConfigError as error:
        return complain_of(error)
    if args.check:
        config = loaded.config
        say(f"{args.config}: ok ({config.publishers.bind} → {config.subscribers.bind})")
        return EXIT_OK
    log.configure(loaded.config.log.level, loaded.config.log.format)

    from daemon.clock import SystemClock
    from daemon.gateway.service import serve

    return serve(loaded, SystemClock())
