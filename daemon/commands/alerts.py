"""`vedette alerts`: the alert rules for Prometheus, with the address of their runbook.

The rules in the package name the page of the documentation; where people read it, only they know.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from daemon.console import say_text

RUNBOOK = "docs/monitoring.md"


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "alerts",
        help="print the alert rules for Prometheus",
        description="Prints the alert rules for Prometheus. Each names its section of"
        f" {RUNBOOK}, which says what to do.",
    )
    parser.add_argument(
        "--runbooks",
        type=_address,
        metavar="URL",
        help=f"where {RUNBOOK} can be read by those who are alerted, as in"
        " https://wiki.example.org/vedette/monitoring: the link of each alert leads there",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the rules; returns the exit code."""
    rules = files("config").joinpath("prometheus/rules.yml").read_text(encoding="utf-8")
    if args.runbooks is not None:
        rules = rules.replace(f"runbook_url: {RUNBOOK}#", f"runbook_url: {args.runbooks}#")
    say_text(rules)
    return 0


def _address(text: str) -> str:
    place = urlsplit(text)
    if place.scheme not in ("http", "https") or not place.netloc or place.fragment:
        msg = f"{text} is not like https://wiki.example.org/vedette/monitoring"
        raise argparse.ArgumentTypeError(msg)
    if not text.isprintable() or any(char in text for char in " \"'{}"):
        msg = "has characters that a URL cannot have"
        raise argparse.ArgumentTypeError(msg)
    return text
