"""The verbs of the `vedette` command and its parser; only what is asked for is imported."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from importlib import import_module
from importlib.metadata import version
from typing import Any, NoReturn

from daemon.console import complain, say_text
from daemon.exits import EXIT_USAGE

COMMANDS = {  # verb: (module, help)
    "demo": ("daemon.commands.demo", "run the demo: bundled clip, bundled detector, live page"),
    "run": ("daemon.commands.run", "run the daemon"),
    "gateway": (
        "daemon.commands.gateway",
        "pass on what many daemons publish, to one address for all subscribers",
    ),
    "check": ("daemon.commands.check", "check a configuration file"),
    "schema": ("daemon.commands.schema", "print the JSON Schema of the configuration"),
    "probe": ("daemon.commands.probe", "look at a stream: codec, size, rate, keyframes"),
    "discover": (
        "daemon.commands.discover",
        "find cameras on the network and their streams (ONVIF)",
    ),
    "doctor": ("daemon.commands.doctor", "check a configuration against this machine"),
    "notify": ("daemon.commands.notify", "send a test to those who are notified"),
    "healthcheck": (
        "daemon.commands.healthcheck",
        "ask a running daemon whether it makes progress",
    ),
    "tail": ("daemon.commands.tail", "print detections as they are published"),
    "detect": ("daemon.commands.detect", "run the detector on pictures or a video"),
    "try": (
        "daemon.commands.rehearse",
        "try a camera's rules, zones and lines on a recorded video",
    ),
    "tune": (
        "daemon.commands.tune",
        "how large objects are, and what input, crop or tiles help",
    ),
    "evaluate": ("daemon.commands.evaluate", "measure a detector on labelled pictures"),
    "train": ("daemon.commands.train", "learn weights from labelled pictures"),
    "export-labels": (
        "daemon.commands.export_labels",
        "make labelled pictures (COCO) of recordings",
    ),
    "weights": ("daemon.commands.weights", "import, describe, fetch or export weights"),
    "fleet": ("daemon.commands.fleet", "run many servers as one"),
    "keys": ("daemon.commands.keys", "make CURVE keys for the ZeroMQ socket"),
    "bench": (
        "daemon.commands.bench",
        "measure pipeline, capture, detector, tracking, tiles or gates",
    ),
    "alerts": ("daemon.commands.alerts", "print the alert rules for Prometheus"),
    "man": ("daemon.commands.manual", "print the manual page"),
    "completion": ("daemon.commands.completion", "print what completes words in a shell"),
}


class Parser(argparse.ArgumentParser):
    """Says what it has to say as every command does."""

    def error(self, message: str) -> NoReturn:
        for line in self.format_usage().splitlines():
            complain(line)
        complain(f"{self.prog}: error: {message}")
        raise SystemExit(EXIT_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:
        del file  # help and version alone come here
        say_text(message)


def parser_for(loaded: Collection[str]) -> Parser:
    """Knows every verb by name; the options of those in `loaded`, whose modules are imported."""
    parser = Parser(
        prog="vedette",
        description="Streaming video analytics: cameras in, detections out.",
    )
    parser.add_argument("--version", action="version", version=f"vedette {version('vedette')}")
    verbs = parser.add_subparsers(dest="command", metavar="VERB", required=True)
    for name, (module, text) in COMMANDS.items():
        if name in loaded:
            import_module(module).add_parser(verbs)
        else:
            verbs.add_parser(name, help=text)
    return parser
