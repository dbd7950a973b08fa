"""A real mosquitto on loopback, and a client that looks at what it keeps and passes on."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.daemon_process import free_port
from tests.support.require import program
from tests.support.waiting import until


class Mosquitto:
    """`start` and `stop` as often as wanted, on one port; it forgets everything in between unless
    `keeps` says otherwise.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = (), *, keeps: bool = False) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        storage = ["persistence true", f"persistence_location {folder}/"] if keeps else []
        self._config.write_text(
            "\n".join(
                [
                    f"listener {self.port} 127.0.0.1",
                    "user root",  # it would give up what it needs to read our files
                    *storage,
                    *(lines or ["allow_anonymous true"]),
                ]
            )
            + "\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program("mosquitto", package="mosquitto"), "-c", str(self._config)],
                stdout=log,
                stderr=log,
            )
        process = self._process
        until(lambda: process.poll() is not None or self._listens(), 10)
        assert process.poll() is None, self.log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        # A look at the kernel's table: a connection would be one that the broker logs.
        wanted = f"0100007F:{self.port:04X} 00000000:0000 0A"
        return wanted in Path("/proc/net/tcp").read_text()


@contextmanager
def mosquitto(
    folder: Path, lines: Sequence[str] = (), *, keeps: bool = False
) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, lines, keeps=keeps)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Seen(NamedTuple):
    topic: str
    payload: bytes
    retained: bool


class Watching:
    """A client that subscribes and notes what comes, in order. A broker that keeps also keeps what
    comes for a `name` while that is away.
    """

    def __init__(
        self,
        port: int,
        topics: Sequence[str] = ("#",),
        *,
        name: str = "",
        hear: Callable[[Watching, Seen], None] = lambda *_: None,
    ) -> None:
        self.seen: list[Seen] = []
        self._topics = topics
        self._hear = hear
        self._ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def last(self, topic: str) -> bytes | None:
        """The newest payload of a topic."""
        return self.states().get(topic)

    def states(self) -> dict[str, bytes]:
        """The newest payload of every topic that is not empty."""
        newest = {seen.topic: seen.payload for seen in list(self.seen)}
        return {topic: payload for topic, payload in newest.items() if payload}

    def of(self, topic: str) -> list[bytes]:
        """All payloads of a topic, in order."""
        return [seen.payload for seen in list(self.seen) if seen.topic == topic]

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic)

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe([(topic, 1) for topic in self._topics])

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        seen = Seen(message.topic, bytes(message.payload), bool(message.retain))
        self.seen.append(seen)
        self._hear(self, seen)


def kept(port: int, topic: str = "#", *, quiet_s: float = 0.3) -> dict[str, bytes]:
    """What the broker keeps: all that it sends at once to who subscribes now."""
    with Watching(port, [topic]) as watching:
        before = -1
        pause = threading.Event()
        while before != len(watching.seen):
            before = len(watching.seen)
            pause.wait(quiet_s)
        return {seen.topic: seen.payload for seen in watching.seen if seen.retained}
