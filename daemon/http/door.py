"""The HTTP listener of the configuration, with the events that it tells; replaced when `http`
changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.schema import HttpConfig
from config.urls import split_host_port
from daemon.clock import Clock
from daemon.http.events import EventFeed
from daemon.http.server import HttpServer
from sinks.crowd import Attendance
from sinks.envelope import Envelope

MakeServer = Callable[[HttpConfig, EventFeed], HttpServer]


@dataclass(frozen=True, slots=True)
class _Server:
    """A server and those who listen to its events; either ends with the other."""

    http: HttpConfig
    server: HttpServer
    events: EventFeed


class HttpDoor:
    """`put` may be called from any thread, the rest belongs to the main thread."""

    def __init__(self, http: HttpConfig, make_server: MakeServer, clock: Clock) -> None:
        self._make_server = make_server
        self._clock = clock
        self._serving = self._new(http)
        self._stopped = False

    def bind(self) -> None:
        """Take the address. Raises ListenError."""
        self._serving.server.bind()

    def start(self) -> None:
        """Answer requests; call after `bind`."""
        self._serving.server.start()

    def put(self, envelope: Envelope) -> None:
        """Tell a message to everyone who listens to events; never waits."""
        self._serving.events.put(envelope)

    def use(self, http: HttpConfig) -> None:
        """Serve by this configuration; where it is the same only the token is read again. On
        another port the new server answers before the old one ends. Raises ListenError; then `use`
        of what was before brings that back.
        """
        old = self._serving
        if http == old.http and not self._stopped:
            old.server.read_token()
            return
        new = self._new(http)
        if _port(http) == _port(old.http):
            self.stop()
        new.server.bind()
        new.server.start()
        self._serving = new
        if not self._stopped:
            old.server.stop()
        self._stopped = False

    @property
    def attendance(self) -> Attendance:
        """Who is connected. Any thread."""
        return self._serving.server.attendance

    @property
    def running(self) -> bool:
        return self._serving.server.running

    def stop(self) -> bool:
        """False if the thread still runs after a second. May be called again."""
        self._stopped = True
        return self._serving.server.stop()

    def _new(self, http: HttpConfig) -> _Server:
        events = EventFeed(self._clock)
        return _Server(http, self._make_server(http, events), events)


def _port(http: HttpConfig) -> int:
    return split_host_port(http.listen)[1]
