"""`vedette keys new`: CURVE key pairs for the daemon and for its subscribers."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from daemon.console import complain, say
from daemon.exits import EXIT_FAILED


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("keys", help="make CURVE keys for sinks.zeromq.curve")
    verbs = parser.add_subparsers(dest="verb", required=True)
    new = verbs.add_parser(
        "new",
        help="make one key pair",
        description="Writes NAME.key (public: hand it out) and NAME.key_secret (keep it). "
        "Existing files are never replaced.",
    )
    new.add_argument("folder", metavar="DIR", type=Path, help="folder to write to, made if missing")
    new.add_argument("--name", default="vedette", type=_file_name, help="default: vedette")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sinks.keys import KeyFileError, create_pair

    try:
        public, secret = create_pair(args.folder, args.name)
    except KeyFileError as error:
        complain(str(error))
        return EXIT_FAILED
    say(f"{secret}  keep it on this machine, mode 0600")
    say(f"{public}  hand it to the other side")
    return 0


def _file_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        msg = "letters, digits, . _ and - only"
        raise argparse.ArgumentTypeError(msg)
    return text
