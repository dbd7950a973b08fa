"""The `vedette` command: one parser; each verb's module is imported only when it is used.

Exit codes: 0 clean, 1 run time, 2 usage, 69 no model, 78 bad configuration.
"""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any, NoReturn

from daemon import console
from daemon.console import complain, say_text
from daemon.exits import EXIT_FAILED, EXIT_USAGE
from daemon.surroundings import surroundings

COMMANDS = {  # verb: (module, help)
    "run": ("daemon.commands.run", "run the daemon"),
    "check": ("daemon.commands.check", "check a configuration file"),
    "schema": ("daemon.commands.schema", "print the JSON Schema of the configuration"),
    "probe": ("daemon.commands.probe", "look at a stream: codec, size, rate, keyframes"),
    "doctor": ("daemon.commands.doctor", "check a configuration against this machine"),
    "tail": ("daemon.commands.tail", "print detections as they are published"),
    "detect": ("daemon.commands.detect", "run the detector on pictures or a video"),
    "try": (
        "daemon.commands.rehearse",
        "try a camera's rules, zones and lines on a recorded video",
    ),
    "evaluate": ("daemon.commands.evaluate", "measure a detector on labelled pictures"),
    "train": ("daemon.commands.train", "learn weights from labelled pictures"),
    "weights": ("daemon.commands.weights", "import, describe, fetch or export weights"),
    "keys": ("daemon.commands.keys", "make CURVE keys for the ZeroMQ socket"),
    "bench": ("daemon.commands.bench", "measure pipeline, capture, detector or tracking"),
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


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vedette` command; returns the exit code. Nothing of Python reaches a user
    but the traceback of a fault of ours.
    """
    argv = sys.argv[1:] if argv is None else argv
    console.prepare()
    try:
        code = _run(argv)
        console.flush()
    except BrokenPipeError:  # the reader of our output went away, as in `vedette schema | head`
        console.abandon()
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except console.OutputError as error:
        console.abandon()
        complain(f"vedette: standard output: {error}")
        return EXIT_FAILED
    except (OSError, MemoryError, ImportError, RuntimeError, UnicodeEncodeError) as error:
        words = surroundings(error)
        if words is None:
            raise
        complain(f"vedette: {words}")
        return EXIT_FAILED
    return code


def _run(argv: list[str]) -> int:
    # Only the verb that is asked for is imported: `check` and `tail` answer without TensorFlow.
    verb = next((word for word in argv if word in COMMANDS), None)
    parser = Parser(
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
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
