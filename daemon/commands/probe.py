"""`vedette probe URL`: what a stream is, or why it cannot be opened and what to check next."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.camera import CameraConfig
from config.checks import ONLY_FOR, named
from config.urls import redacted, scheme_of
from config.wording import describe
from daemon.arguments import seconds
from daemon.console import complain, say, say_json, say_text
from daemon.exits import EXIT_FAILED, EXIT_USAGE

if TYPE_CHECKING:  # PyAV is loaded when there is a stream to look at
    from daemon.capture.errors import CaptureError
    from daemon.diagnosis.probing import Probe

_LONGEST_S = 300.0


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "probe",
        help="look at a stream: codec, size, rate, keyframes",
        description="Opens URL as the daemon would, with the same limits, watches it for a few"
        " seconds and says what it is. Exit code 1 for a stream that cannot be opened, with the"
        " kind of failure and what to check next.",
    )
    parser.add_argument(
        "url", metavar="URL", help="rtsp:, rtsps:, http:, https:, file:, v4l2: or synthetic:"
    )
    parser.add_argument(
        "--credential",
        metavar="REF",
        help="where user:password is kept: file:PATH, or the name of a systemd credential",
    )
    parser.add_argument("--transport", choices=("tcp", "udp"), help="of RTSP (default: tcp)")
    parser.add_argument(
        "--seconds",
        type=seconds(_LONGEST_S),
        default=5.0,
        metavar="S",
        help="how long to watch (default: 5)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Probe and print; returns the exit code."""
    try:
        camera = _camera(args)
    except ValueError as error:
        for line in str(error).splitlines():
            complain(line)
        return EXIT_USAGE

    from daemon.capture.errors import CaptureError
    from daemon.clock import SystemClock
    from daemon.diagnosis.probing import attempt

    if sys.stderr.isatty():
        complain(f"watching for {args.seconds:g} s …")
    found = attempt(camera, seconds=args.seconds, clock=SystemClock(), pause=threading.Event().wait)
    if isinstance(found, CaptureError):
        _show_failure(camera, found, as_json=args.json)
        return EXIT_FAILED
    _show(camera, found, as_json=args.json)
    return 0


def _camera(args: argparse.Namespace) -> CameraConfig:
    """Raises ValueError with the configuration's own words, which never repeat the value."""
    wanted = {
        field: value
        for field in ("url", "credential", "transport")
        if (value := getattr(args, field)) is not None
    }
    try:
        camera = CameraConfig.model_validate(wanted, context={"directory": Path.cwd()})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ValueError("\n".join(map(_fault, faults))) from None
    scheme = scheme_of(camera.url)
    for field in ("credential", "transport"):
        if field in wanted and scheme not in ONLY_FOR[field]:
            msg = f"--{field} is for {named(ONLY_FOR[field])} URLs; this is a {scheme}: URL"
            raise ValueError(msg)
    return camera


def _fault(error: ErrorDetails) -> str:
    field = str(error["loc"][0])
    words = describe(error["type"], error.get("ctx", {}), ("cameras", "camera", field), None)
    if field == "url":
        # Here the way out of "keep them in a credential" is another one than in a file.
        return f"URL {words.replace('write `credential: NAME`', 'give --credential file:PATH')}"
    return f"--{field} {words}"


def _show(camera: CameraConfig, probe: Probe, *, as_json: bool) -> None:
    from daemon.diagnosis.hints import costs, snippet, troubles
    from daemon.diagnosis.report import probe_json, rows

    if as_json:
        say_json({"ok": True, "url": redacted(camera.url)} | probe_json(probe))
        return
    say(redacted(camera.url))
    for name, value in rows(probe):
        say(f"  {name:<10} {value}")
    for hint in (*troubles(probe), *costs(probe)):
        say(f"hint: {hint}")
    say()
    say_text(snippet(camera, probe))


def _show_failure(camera: CameraConfig, error: CaptureError, *, as_json: bool) -> None:
    from daemon.diagnosis.advice import advice

    url, next_step = redacted(camera.url), advice(error.kind, camera)
    if as_json:
        failure = {"kind": error.kind, "detail": error.detail, "advice": next_step}
        say_json({"ok": False, "url": url} | failure)
    else:
        for line in (url, str(error), *next_step.splitlines()):
            complain(line)
