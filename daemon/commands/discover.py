"""`vedette discover`: cameras of the local network, their streams, and which one to take."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.credentials import credentials_directory, resolve
from config.errors import CredentialError
from daemon.arguments import seconds
from daemon.console import complain, say, say_json, say_text
from daemon.exits import EXIT_FAILED, EXIT_USAGE

if TYPE_CHECKING:  # loaded when somebody looks
    from daemon.capture.login import Login
    from daemon.discovery.search import Found

_LONGEST_S = 60.0
_NOBODY = """\
no camera answered.
Multicast stays in one network: run this on a machine in the cameras' own (VLAN, Wi-Fi), or name \
the camera: vedette discover 10.0.0.5.
Many cameras have ONVIF turned off until it is enabled on their web page; some want an ONVIF user \
made there. A firewall here must let UDP answers from port 3702 in.
Cameras without ONVIF: the manual names the path of the stream, `vedette probe URL` tries it."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "discover",
        help="find cameras on the network and their streams (ONVIF)",
        description="Calls for ONVIF cameras on the local network, or asks those that are named,"
        " for their streams; says which one to take for detection and why, and how to configure"
        " it. A login is said to every camera that answers, as a digest, never in the clear. Exit"
        " code 1 where no camera answers.",
    )
    parser.add_argument(
        "hosts", nargs="*", metavar="HOST", help="ask these alone: HOST, HOST:PORT or a URL"
    )
    parser.add_argument(
        "--credential",
        metavar="REF",
        help="where user:password is kept: file:PATH, or the name of a systemd credential",
    )
    parser.add_argument("--user", metavar="NAME", help="user; the password is asked for")
    parser.add_argument(
        "--interface",
        action="append",
        default=[],
        metavar="NAME",
        help="call on this interface (name or address; may be given again); default: all",
    )
    parser.add_argument(
        "--timeout",
        type=seconds(_LONGEST_S),
        default=4.0,
        metavar="S",
        help="how long to wait for answers to the call (default: 4)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search, ask and print; returns the exit code."""
    from daemon.clock import SystemClock
    from daemon.discovery.survey import survey

    try:
        login = _login(args)
        found = _found(args)
    except (ValueError, CredentialError) as error:
        complain(str(error))
        return EXIT_USAGE
    except OSError as error:
        complain(f"the call could not be sent: {error.strerror or error}")
        return EXIT_FAILED
    cameras = survey(found, login, clock=SystemClock())
    _show(args, cameras)
    answered = any(camera.answered for camera in cameras)
    if not answered:
        for line in _NOBODY.splitlines():
            complain(line)
    return 0 if answered else EXIT_FAILED


def _show(args: argparse.Namespace, cameras: Any) -> None:
    from daemon.discovery.report import as_json, lines, yaml

    if args.json:
        say_json(as_json(cameras))
        return
    for camera in cameras:
        for line in lines(camera):
            say(line)
        say()
    if text := yaml(cameras, _reference(args)):
        say_text(text)


def _found(args: argparse.Namespace) -> list[Found]:
    """Raises ValueError for what cannot be meant, and OSError where nothing can be sent."""
    from daemon.clock import SystemClock
    from daemon.discovery.device import named
    from daemon.discovery.interfaces import chosen
    from daemon.discovery.search import search

    if args.hosts:
        return [named(host) for host in args.hosts]
    interfaces = chosen(args.interface)
    if sys.stderr.isatty():
        names = ", ".join(f"{one.name} ({one.address})" for one in interfaces)
        complain(f"calling on {names or 'no interface'} for {args.timeout:g} s …")
    return search(interfaces, seconds=args.timeout, clock=SystemClock())


def _login(args: argparse.Namespace) -> Login | None:
    """Raises CredentialError and ValueError."""
    from daemon.capture.login import Login

    if args.credential and args.user:
        raise ValueError("--credential and --user exclude each other")
    if args.user:
        return Login(args.user, getpass.getpass("password: "), digest_only=True)
    if not args.credential:
        return None
    credential = resolve(_reference(args) or "", directory=credentials_directory())
    return Login(credential.user, credential.password.get_secret_value(), digest_only=True)


def _reference(args: argparse.Namespace) -> str | None:
    """As it stands in a configuration, whose folder may be another one."""
    if args.credential and args.credential.startswith("file:"):
        path = Path(args.credential.removeprefix("file:"))
        return f"file:{path.expanduser().absolute()}"
    return args.credential or None
