"""The `vedette` command: one parser; each verb's module is imported only when it is used.

Exit codes: 0 clean, 1 run time, 2 usage, 69 no model, 78 bad configuration.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import version

COMMANDS = {  # verb: (module, help)
    "run": ("daemon.commands.run", "run the daemon"),
    "check": ("daemon.commands.check", "check a configuration file"),
    "schema": ("daemon.commands.schema", "print the JSON Schema of the configuration"),
    "probe": ("daemon.commands.probe", "look at a stream: codec, size, rate, keyframes"),
    "doctor": ("daemon.commands.doctor", "check a configuration against this machine"),
    "tail": ("daemon.commands.tail", "print detections as they are published"),
    "detect": ("daemon.commands.detect", "run the detector on pictures or a video"),
    "evaluate": ("daemon.commands.evaluate", "measure a detector on labelled pictures"),
    "train": ("daemon.commands.train", "learn weights from labelled pictures"),
    "weights": ("daemon.commands.weights", "import, describe, fetch or export weights"),
    "keys": ("daemon.commands.keys", "make CURVE keys for the ZeroMQ socket"),
    "bench": ("daemon.commands.bench", "measure pipeline, capture or detector"),
}


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vedette` command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    # Only the verb that is asked for is imported: `check` and `tail` answer without TensorFlow.
    verb = next((word for word in argv if word in COMMANDS), None)
    parser = argparse.ArgumentParser(
        prog="vedette",
        description="Streaming video analytics: cameras in, detections out.",
    )
    parser.add_argument("--version", action="version", version=f"vedette {version('vedette')}")
    verbs = parser.add_subparsers(dest="command", metavar="VERB", required=True)
    for name, (module, text) in COMMANDS.items():
        if name == verb:
            import_module(module).add_parser(verbs)
        else:
            verbs.add_parser(name, help=text)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except BrokenPipeError:  # the reader of our output went away, as in `vedette schema | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
