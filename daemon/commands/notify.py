"""`vedette notify test CONFIG`: sends an event marked as a test, and says what came of it.

NotTakenError   who should have got it did not
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from config.loader import Loaded, load
from daemon.console import complain, complain_of, say
from daemon.exits import EXIT_FAILED, EXIT_USAGE

if TYPE_CHECKING:
    from sinks.messages import EventMessage
    from sinks.mqtt.broker import Connection

CONFIRM_S = 5.0  # for a broker to say that it has the message

_WIDTH, _HEIGHT = 640, 360


class NotTakenError(Exception):
    """Why, in words, with the way out."""


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
        description="Sends one event that is marked as a test to every webhook and to the MQTT"
        " broker of CONFIG, whatever their rules say, and says what came of it. The daemon need not"
        " run. Exit code 1 where one was not taken, 2 where there is none to test.",
    )
    test.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    test.add_argument(
        "--sink", metavar="NAME", help="only this one, as in webhook.phone, phone or mqtt"
    )
    test.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Send and tell; returns the exit code."""
    try:
        loaded = load(args.config)
    except ConfigError as error:
        return complain_of(error)
    known = _names(loaded)
    if not known:
        complain(f"{args.config}: there is no webhook or mqtt below sinks to test")
        return EXIT_USAGE
    wanted = [name for name in known if args.sink in (None, name, name.partition(".")[2])]
    if not wanted:
        there = ", ".join(known)
        complain(f"{args.config}: there is no sink {args.sink} to test (there is: {there})")
        return EXIT_USAGE
    taken = [_tested(loaded, name) for name in wanted]
    return os.EX_OK if all(taken) else EXIT_FAILED


def _names(loaded: Loaded) -> list[str]:
    """Sinks that a test can be sent through."""
    sinks = loaded.config.sinks
    hooks = [f"webhook.{name}" for name in sinks.webhook]
    return [*hooks, "mqtt"] if sinks.mqtt is not None else hooks


def _tested(loaded: Loaded, name: str) -> bool:
    """Whether the other side took it; what happened is told."""
    began_s = time.monotonic()
    try:
        said = _publish(loaded) if name == "mqtt" else _post(loaded, name)
    except NotTakenError as error:
        complain(f"{name}: {error}")
        return False
    say(f"{name}: {said}, after {(time.monotonic() - began_s) * 1e3:.0f} ms")
    return True


def _post(loaded: Loaded, name: str) -> str:
    """Raises NotTakenError."""
    from daemon.clock import SystemClock
    from sinks.sink import SinkError
    from sinks.webhook.sink import WebhookSink

    config = loaded.config.sinks.webhook[name.partition(".")[2]]
    sink = WebhookSink(name, config, SystemClock())
    try:
        sink.open()
        answer = sink.try_once(test_event(loaded), test_picture() if config.picture else None)
    except SinkError as error:
        msg = f"{str(error).removeprefix(f'{name}: ')}: not sent"
        raise NotTakenError(msg) from None
    finally:
        sink.close()
    if not answer.is_good:
        msg = f"{sink.verdict(answer)}: not taken"
        raise NotTakenError(msg)
    return f"{sink.receiver} took the test ({answer.status})"


def _publish(loaded: Loaded) -> str:
    """Under another name than the daemon's, which would be thrown out. Raises NotTakenError."""
    from config.credentials import credentials_directory, resolve
    from config.errors import CredentialError
    from sinks.messages import json_line
    from sinks.mqtt.broker import LinkError, PahoConnection
    from sinks.mqtt.outgoing import Post
    from sinks.mqtt.topics import Topics

    config = loaded.config.sinks.mqtt
    if config is None:
        raise NotTakenError("there is none")
    event = test_event(loaded)
    topic = Topics(config.topic_prefix, event.node).event(event.camera)
    payload = b'{"test":true,' + json_line(event).rstrip(b"\n")[1:]
    place = f"{config.host}:{config.broker_port}"
    try:
        reference, directory = config.credential, credentials_directory()
        login = None if reference is None else resolve(reference, directory=directory)
        connection = PahoConnection(config, client_id="vedette-notify", will=None, login=login)
        number = connection.publish(Post(topic, payload, qos=1))
        confirmed = _confirmed(connection, number)
        connection.close()
    except (CredentialError, LinkError) as error:
        msg = f"{error}: not sent"
        raise NotTakenError(msg) from None
    if not confirmed:
        msg = f"{place} let us in, and did not confirm within {CONFIRM_S:.0f} s"
        raise NotTakenError(msg)
    return f"{place} took the test, to {topic}"


def _confirmed(connection: Connection, number: int) -> bool:
    """Whether the broker says within `CONFIRM_S` that it has the message. Raises LinkError."""
    deadline_s = time.monotonic() + CONFIRM_S
    reading, writing = os.pipe()  # nobody wakes us
    try:
        while number not in connection.confirmed and time.monotonic() < deadline_s:
            connection.turn(0.1, reading)
    finally:
        os.close(reading)
        os.close(writing)
    return number in connection.confirmed


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
