"""`vedette schema`: the JSON Schema of the configuration file, for editors."""

from __future__ import annotations

import argparse
from typing import Any

from config.json_schema import schema_text
from daemon.console import say_text


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of the configuration",
        description="Prints the JSON Schema (draft 2020-12) of the configuration file.",
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    say_text(schema_text())
    return 0
