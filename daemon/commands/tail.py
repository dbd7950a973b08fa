"""`vedette tail`: print what a running daemon publishes, as it comes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import zmq

from daemon.commands.event_words import in_words
from daemon.console import complain, say, say_json_text
from daemon.exits import EXIT_FAILED, EXIT_USAGE
from sinks.endpoints import needs_ipv6
from sinks.gaps import GapWatch, What
from sinks.keys import KeyFileError, load_public, load_secret
from sinks.messages import (
    HEARTBEAT_TOPICS,
    CountMessage,
    Detection,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    Message,
    StatusMessage,
    decode,
    detection_topic,
    event_topic,
    json_line,
    status_topic,
)

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5556"
SILENCE_S = 3.0  # three heartbeats


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "tail",
        help="print detections or events as they come",
        description="Prints one line per detection message, or with --events per event, and says "
        "when messages were lost, the daemon restarted, or a camera changed its state.",
        epilog="Exits 0, or 1 where --timeout ran out before --count messages came.",
    )
    parser.add_argument(
        "endpoint",
        nargs="?",
        default=DEFAULT_ENDPOINT,
        metavar="ENDPOINT",
        help=f"where the daemon publishes (default: {DEFAULT_ENDPOINT})",
    )
    parser.add_argument("--camera", metavar="NAME", help="only this camera")
    parser.add_argument(
        "--events",
        action="store_true",
        help="print what happens to objects (zones, lines, coming, going) in place of every frame",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print messages as the JSON lines that sinks.jsonl writes",
    )
    parser.add_argument(
        "--count", type=int, metavar="N", help="stop after N detection messages or events"
    )
    parser.add_argument("--timeout", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument("--server-key", type=Path, metavar="FILE", help="the daemon's .key file")
    parser.add_argument("--key", type=Path, metavar="FILE", help="our own .key_secret file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if (args.server_key is None) != (args.key is None):
        complain("--server-key and --key belong together")
        return EXIT_USAGE
    try:
        with zmq.Context() as context, closing(_subscribe(context, args)) as socket:
            return _follow(socket, args)
    except (KeyFileError, zmq.ZMQError) as error:
        from config.urls import redacted  # only now: it takes longer to load than all the rest

        complain(redacted(f"{args.endpoint}: {_words(error, args.endpoint)}"))
        return EXIT_USAGE
    except KeyboardInterrupt:
        return 0


def _words(error: Exception, endpoint: str) -> str:
    if isinstance(error, zmq.ZMQError):
        hint = "" if "://" in endpoint else f": did you mean tcp://{endpoint}?"
        return f"{zmq.strerror(error.errno or 0).lower()}{hint}"
    return str(error)


class Narrator:
    """Turns messages into what is printed. Pure."""

    def __init__(
        self, *, as_json: bool = False, events: bool = False, camera: str | None = None
    ) -> None:
        """`events`: they are what is subscribed to, in place of detections. `camera`: the only
        one that is subscribed to.
        """
        self._as_json = as_json
        self._what: What = "events" if events else "messages"
        self._gaps = GapWatch(events=events, camera=camera)
        self._told: dict[str, StatusMessage] = {}

    def lines(self, message: Message) -> list[str]:
        """The message itself, if it is worth a line."""
        if isinstance(message, HeartbeatMessage | CountMessage):
            return []
        if isinstance(message, StatusMessage):
            known = self._told.get(message.camera)
            self._told[message.camera] = message
            if known == message:  # sent again for another subscriber
                return []
        if self._as_json:
            return [json_line(message).decode().rstrip("\n")]
        return [_printable(_sentence(message))]

    def remarks(self, message: Message) -> list[str]:
        """What it tells about others; ask this before `lines`."""
        remarks = []
        if self._gaps.restarted(message):
            self._told.clear()
            remarks.append("the daemon was restarted")
        for (_, camera, what), count in sorted(self._gaps.lost(message).items()):
            if what == self._what:
                lost = what if count != 1 else what.removesuffix("s")
                remarks.append(f"lost {count} {lost} of {_printable(camera)}")
        return remarks


def _follow(socket: zmq.Socket[bytes], args: argparse.Namespace) -> int:
    say_line = say_json_text if args.json else say
    narrator = Narrator(as_json=args.json, events=args.events, camera=args.camera)
    count = 0
    for topic, payload in _receive(socket, args.endpoint, args.timeout):
        try:
            message = decode(topic, payload)
        except ValueError as error:
            complain(f"not a message of vedette: {_printable(str(error))}")
            continue
        for remark in narrator.remarks(message):
            (complain if args.json else say)(f"-- {remark}")
        for line in narrator.lines(message):
            say_line(line)
        count += isinstance(message, DetectionMessage | EventMessage)
        if args.count is not None and count >= args.count:
            return 0
    return 0 if args.count is None else EXIT_FAILED


def _receive(
    socket: zmq.Socket[bytes], endpoint: str, timeout_s: float | None
) -> Iterator[tuple[bytes, bytes]]:
    """Messages until `timeout_s` is over; complains once of a silence."""
    now_s = time.monotonic()
    until_s = float("inf") if timeout_s is None else now_s + timeout_s
    silent_at_s = now_s + SILENCE_S
    while now_s < until_s:
        if socket.poll(int(max(0.0, min(until_s, silent_at_s, now_s + 60.0) - now_s) * 1e3) + 1):
            topic, payload = socket.recv_multipart()
            silent_at_s = time.monotonic() + SILENCE_S
            yield topic, payload
        now_s = time.monotonic()
        if now_s >= silent_at_s:
            complain(
                f"nothing heard from {endpoint} for {SILENCE_S:.0f} s: does vedette run there, "
                "and does it ask for keys?"
            )
            silent_at_s = float("inf")


def _subscribe(
    context: zmq.Context[zmq.Socket[bytes]], args: argparse.Namespace
) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.SUB)
    try:
        socket.linger = 0
        socket.ipv6 = needs_ipv6(args.endpoint)
        if args.key is not None:
            socket.curve_publickey, socket.curve_secretkey = load_secret(args.key)
            socket.curve_serverkey = load_public(args.server_key)
        topics = [b"event." if args.events else b"det.", b"status."]
        if args.camera is not None:
            wanted = event_topic if args.events else detection_topic
            topics = [wanted(args.camera), status_topic(args.camera)]
        for topic in (*topics, HEARTBEAT_TOPICS):
            socket.subscribe(topic)
        socket.connect(args.endpoint)
    except BaseException:
        socket.close()
        raise
    return socket


def _sentence(message: DetectionMessage | StatusMessage | EventMessage) -> str:
    if isinstance(message, StatusMessage):
        return f"{_clock(message.published_ns)} {message.camera} {_state(message)}"
    if isinstance(message, EventMessage):
        return f"{_clock(message.at_ns)} {message.camera} {in_words(message)}"
    found = ", ".join(_seen(item) for item in message.detections)
    if message.status == "error":
        found = f"no answer ({message.error or 'unknown'})"
    return (
        f"{_clock(message.captured_ns)} {message.camera} #{message.seq} {found or 'nothing'}"
        f"  [{message.latency_ms.total:.1f} ms]"
    )


def _seen(item: Detection) -> str:
    number = f" {item.track}" if item.track else ""
    return f"{item.label}{number} {item.score:.2f}"


def _state(message: StatusMessage) -> str:
    text = message.state + (f" ({message.reason})" if message.reason else "")
    if message.retry_s is not None:
        text += f", next try in {message.retry_s:.1f} s"
    if message.stream is not None and message.state in ("streaming", "tampered"):
        stream = message.stream
        rate = "" if stream.fps is None else f" {stream.fps:g} fps"
        text += f": {stream.codec} {stream.width}x{stream.height}{rate} over {stream.transport}"
    return text


def _clock(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns / 1e9).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _printable(text: str) -> str:
    """Nothing from the network may steer the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
