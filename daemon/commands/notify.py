"""`vedette notify test CONFIG`: sends an event marked as a test, and says what came of it."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from config.loader import Loaded, load
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_USAGE

if TYPE_CHECKING:
    from sinks.messages import EventMessage

_WIDTH, _HEIGHT = 640, 360


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "notify",
        help="send a test to those who are notified",
        description="Notifications of a configuration, tried out.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    test = verbs.add_parser(
        "test",
        help="send one event that is marked as a test",
        description="Posts one event that is marked as a test to every webhook of CONFIG, once,"
        " whatever its rules say, and says what came of it. The daemon need not run. Exit code 1"
        " where one was not taken, 2 where there is none to test.",
    )
    test.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    test.add_argument("--sink", metavar="NAME", help="only this one, as in webhook.phone or phone")
    test.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Send and tell; returns the exit code."""
    try:
        loaded = load(args.config)
    except ConfigError as error:
        for fault in error.faults:
            complain(str(fault))
        return os.EX_CONFIG
    hooks = list(loaded.config.sinks.webhook)
    wanted = hooks if args.sink is None else [args.sink.removeprefix("webhook.")]
    if not wanted:
        complain(f"{args.config}: there is no sinks.webhook to test")
        return EXIT_USAGE
    if unknown := set(wanted) - set(hooks):
        known = ", ".join(hooks) or "none"
        complain(f"{args.config}: sinks.webhook has no {unknown.pop()} (it has: {known})")
        return EXIT_USAGE
    taken = [_tested(loaded, name) for name in wanted]
    return os.EX_OK if all(taken) else EXIT_FAILED


def _tested(loaded: Loaded, name: str) -> bool:
    """Whether the receiver took it; what happened is told."""
    from daemon.clock import SystemClock
    from sinks.sink import SinkError
    from sinks.webhook.sink import WebhookSink

    config, clock = loaded.config.sinks.webhook[name], SystemClock()
    sink = WebhookSink(f"webhook.{name}", config, clock)
    began_s = clock.now_s()
    try:
        sink.open()
        answer = sink.try_once(test_event(loaded), test_picture() if config.picture else None)
    except SinkError as error:
        complain(f"{error}: not sent")
        return False
    finally:
        sink.close()
    if not answer.is_good:
        complain(f"{sink.name}: {sink.verdict(answer)}: not taken")
        return False
    took_ms = (clock.now_s() - began_s) * 1e3
    say(f"{sink.name}: {sink.receiver} took the test ({answer.status}, {took_ms:.0f} ms)")
    return True


def test_event(loaded: Loaded) -> EventMessage:
    """As if a person had come to the first camera."""
    from daemon.node import host_name
    from sinks.messages import EventMessage, Moment

    now_ns = time.time_ns()
    camera = next(iter(loaded.config.cameras))
    seen = Moment(now_ns, 0.93, (0.4 * _WIDTH, 0.2 * _HEIGHT, 0.6 * _WIDTH, 0.9 * _HEIGHT))
    return EventMessage(
        epoch="test",
        node=loaded.config.node or host_name(),
        camera=camera,
        event_seq=1,
        event="object",
        phase="new",
        id=f"test-{camera}-1",
        track=1,
        label="person",
        at_ns=now_ns,
        since_ns=now_ns,
        duration_s=0.0,
        size=(_WIDTH, _HEIGHT),
        score=seen.score,
        box=seen.box,
        first=seen,
        best=seen,
        zones=(),
        stationary=False,
        uncertain=False,
        published_ns=now_ns,
    )


def test_picture() -> bytes:
    """A grey one that says what it is."""
    import cv2
    import numpy as np

    picture = np.full((_HEIGHT, _WIDTH, 3), 96, np.uint8)
    at, font = (60, _HEIGHT // 2), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, "vedette: a test", at, font, 2.0, (255, 255, 255), 3, cv2.LINE_AA)
    return cv2.imencode(".jpg", picture)[1].tobytes()
