"""The thread `mqtt:link`: keeps a connection to the broker and brings it what is outgoing."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from sinks.backoff import HEALTHY_S, BackOff
from sinks.clock import Clock
from sinks.links import LinkReport, LinkState
from sinks.mqtt.broker import Connection, Heard, LinkError, Reason
from sinks.mqtt.manifest import Manifest, read
from sinks.mqtt.outgoing import OFFLINE, Outgoing, Post
from sinks.mqtt.topics import Topics

FIRST_WAIT_S = 0.5
MOST_WAIT_S = 15.0
STUBBORN_WAIT_S = 30.0  # where somebody has to change something first; brokers count refused logins
MANIFEST_S = 0.5  # for the broker to send what it keeps
LOOK_S = 1.0  # paho wants to be asked so often, for its keep-alive
MOST_IN_FLIGHT = 10  # events that the broker has not confirmed yet
MANY = 3  # connections that do not last, and there must be a reason
FAREWELL_S = 0.35

log = logging.getLogger(__name__)


class Link:
    """`start`, `stop`; the rest may be asked by any thread. `place` is the broker's, `name` ours
    there. `hear` is given what comes from the
    broker, in the link's thread.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        outgoing: Outgoing,
        topics: Topics,
        clock: Clock,
        *,
        place: str,
        name: str,
        random: Callable[[], float],
        roots: Sequence[str],
        subscriptions: Sequence[str] = (),
        hear: Callable[[Heard], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._outgoing = outgoing
        self._topics = topics
        self._clock = clock
        self._place = place
        self._name = name
        self._roots = roots
        self._subscriptions = subscriptions
        self._hear = hear
        self._back_off = BackOff(FIRST_WAIT_S, MOST_WAIT_S, random)
        self._brief = 0  # connections in a row that did not last
        self._stopping = threading.Event()
        self._in_flight: dict[int, Post] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._report = LinkReport(place, LinkState.CONNECTING, clock.wall_ns())
        # Nothing interrupts the system's look-up of a name: then it is left behind.
        self._thread = threading.Thread(target=self._run, name="mqtt:link", daemon=True)

    @property
    def report(self) -> LinkReport:
        return self._report

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        if self._wake >= 0:
            with suppress(BlockingIOError):  # it is awake already
                os.eventfd_write(self._wake, 1)

    def stop(self, timeout_s: float) -> bool:
        """Send what is outgoing, say that we are offline, hang up. False where a connection is
        being made, which cannot be interrupted.
        """
        self._stopping.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = None
            try:
                self._note(LinkState.CONNECTING)
                connection = self._connect()
                began_s = self._clock.now_s()
                self._serve(connection)
            except LinkError as error:
                self._lost(error.reason, str(error), began_s)
            except Exception as error:  # a bug must not end the messages for good
                log.exception("mqtt link failed")
                self._lost(Reason.LOST, f"internal error: {type(error).__name__}", began_s)
        self._note(LinkState.CLOSED)

    def _serve(self, connection: Connection) -> None:
        """Until it is lost (LinkError), or a stop is asked for."""
        for topic in (self._topics.retained, *self._subscriptions):
            connection.subscribe(topic)
        self._outgoing.connected(self._left_before(connection))
        self._note(LinkState.CONNECTED)
        while not self._stopping.is_set():
            self._send(connection)
            connection.turn(LOOK_S, self._wake)
            self._drain_wake()
            self._settle(connection)
        self._part(connection)

    def _left_before(self, connection: Connection) -> Manifest:
        """What the broker keeps of an earlier start."""
        deadline_s = self._clock.now_s() + MANIFEST_S
        while (left_s := deadline_s - self._clock.now_s()) > 0 and not self._stopping.is_set():
            connection.turn(min(left_s, 0.05), self._wake)
            self._drain_wake()
            for heard in self._heard(connection):
                if heard.topic == self._topics.retained and heard.retained:
                    return read(heard.payload, self._roots)
        return Manifest()

    def _heard(self, connection: Connection) -> list[Heard]:
        """What came, except our own manifest that comes back; commands are passed on."""
        came = []
        while connection.heard:
            heard = connection.heard.popleft()
            came.append(heard)
            if heard.topic != self._topics.retained:
                self._hear(heard)
        return came

    def _settle(self, connection: Connection) -> None:
        self._heard(connection)
        while connection.confirmed:
            post = self._in_flight.pop(connection.confirmed.popleft(), None)
            if post is not None:
                self._outgoing.delivered(post)

    def _send(self, connection: Connection) -> None:
        """As much as the broker takes."""
        while not connection.busy:
            post = self._outgoing.take(events=len(self._in_flight) < MOST_IN_FLIGHT)
            if post is None:
                return
            try:
                number = connection.publish(post)
            except LinkError:
                if post.kind is not None:
                    self._outgoing.give_back([post])
                raise
            if post.qos:
                self._in_flight[number] = post
            elif post.kind is not None:
                self._outgoing.delivered(post)

    def _part(self, connection: Connection) -> None:
        deadline_s = self._clock.now_s() + FAREWELL_S
        with suppress(LinkError):
            while self._clock.now_s() < deadline_s and not self._outgoing.empty:
                self._send(connection)
                connection.turn(0.02, self._wake)
                self._drain_wake()
                self._settle(connection)
            last = Post(self._topics.available, OFFLINE, qos=1, retain=True)
            number = connection.publish(last)
            while self._clock.now_s() < deadline_s and number not in connection.confirmed:
                connection.turn(0.02, self._wake)
                self._drain_wake()
            self._settle(connection)
        self._outgoing.give_back(self._unconfirmed())
        connection.close()

    def _lost(self, reason: Reason, detail: str, began_s: float | None) -> None:
        if began_s is not None:
            lasted_s = self._clock.now_s() - began_s
            self._back_off.worked(lasted_s)
            self._brief = 0 if lasted_s >= HEALTHY_S else self._brief + 1
            if self._brief >= MANY:
                detail += f"; is there another client of the name {self._name}?"
        self._outgoing.give_back(self._unconfirmed())
        wait_s = self._back_off.next_s(at_least_s=STUBBORN_WAIT_S if reason.is_stubborn else 0.0)
        news = self._report.reason != reason or self._report.state is LinkState.CONNECTED
        self._note(LinkState.WAITING, reason, detail, retry_s=wait_s)
        if news:
            log.warning(
                "broker away broker=%s reason=%s retry_s=%.1f detail=%s",
                self._place,
                reason,
                wait_s,
                detail,
            )
        self._stopping.wait(wait_s)

    def _unconfirmed(self) -> list[Post]:
        posts = list(self._in_flight.values())
        self._in_flight.clear()
        return posts

    def _drain_wake(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def _note(
        self, state: LinkState, reason: str = "", detail: str = "", *, retry_s: float | None = None
    ) -> None:
        before = self._report
        if state is LinkState.CONNECTING:  # still away for the same reason
            reason, detail = before.reason, before.detail
        connected = state is LinkState.CONNECTED
        self._report = replace(
            before,
            state=state,
            since_ns=self._clock.wall_ns(),
            reason=reason,
            detail=detail,
            retry_s=retry_s,
            connects=before.connects + connected,
            failures=before.failures + (state is LinkState.WAITING),
        )
        if connected:
            log.info("broker connected broker=%s", self._place)
