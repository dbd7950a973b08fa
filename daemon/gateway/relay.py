"""The thread `relay`: takes what daemons publish, and passes on what the fence lets through."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import zmq

from config.gateway import GatewayConfig
from daemon.clock import Clock
from daemon.gateway.fence import Fence, Holder, Refusal
from daemon.gateway.heads import Head, head_of
from daemon.gateway.last import LastOfAll
from sinks.crowd import Attendance
from sinks.listening import MOST_CONNECTIONS
from sinks.messages import Kind
from sinks.sink import SinkError
from sinks.xpub import XpubSocket
from sinks.xsub import XsubSocket

LOOK_S = 0.02  # between two looks for new subscribers
BURST = 200  # messages between two of those looks
SUBSCRIPTIONS_PER_LOOK = 1000  # so that a flood of them does not hold up the messages
REFRESH_S = 2.0  # between two looks into the folders of keys, and at silent nodes
REST_S = 1.0  # after a failure

OTHER = "other"  # kinds that a later version of the daemon may have
_KINDS = {"det": Kind.DETECTION, "hb": Kind.HEARTBEAT} | {
    kind.value: kind for kind in (Kind.STATUS, Kind.EVENT, Kind.COUNT)
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What became of messages since the start, and who is there."""

    passed: Mapping[str, int]  # by kind
    passed_bytes: int
    refused: Mapping[Refusal, int]
    late: Mapping[str, int]  # by camera: refused for an older grant
    nodes: frozenset[str]
    cameras: int
    attendances: Sequence[Attendance]


class Relay:
    """`open` and `stop` belong to the main thread, reports to any."""

    def __init__(
        self,
        config: GatewayConfig,
        clock: Clock,
        fence: Fence,
        *,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._config = config
        self._clock = clock
        self._most = most_connections
        self._fence = fence
        self._last = LastOfAll(fence.newest)
        self._front: XsubSocket | None = None
        self._back: XpubSocket | None = None
        self._books = _Books()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.turned_s = -math.inf  # when the thread last came around; any thread reads it

    @property
    def publishers_at(self) -> str:
        """Where daemons connect to."""
        return "" if self._front is None else self._front.endpoint

    @property
    def subscribers_at(self) -> str:
        """Where subscribers connect to."""
        return "" if self._back is None else self._back.endpoint

    def open(self) -> None:
        """Bind both sides and start. Raises SinkError and leaves nothing open."""
        subscribers = self._config.subscribers
        self._front = XsubSocket(self._config.publishers, most=self._most)
        try:
            self._back = XpubSocket(
                subscribers,
                subscribers.high_water_mark,
                most=self._most,
                listener="subscribers",
                field="subscribers.bind",
            )
        except SinkError:
            self._front.close()
            raise
        self.turned_s = self._clock.now_s()
        work = _Work(self._front, self._back, self._fence, self._last, self._books)
        self._thread = threading.Thread(target=self._run, args=[work], name="relay")
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """False where the thread did not come back in time."""
        self._over.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def report(self) -> RelayReport:
        passed, passed_bytes, refused = self._books.snapshot()
        sides = [side for side in (self._front, self._back) if side is not None]
        return RelayReport(
            passed,
            passed_bytes,
            refused,
            self._fence.late(),
            self._last.nodes(),
            len(self._fence),
            [side.attendance for side in sides],
        )

    def holders(self) -> Mapping[str, Holder]:
        """Who speaks for each camera."""
        return self._fence.holders()

    def _run(self, work: _Work) -> None:
        failing = False
        try:
            while not self._over.is_set():
                self.turned_s = self._clock.now_s()
                try:
                    work.turn(self._clock)
                except (SinkError, zmq.ZMQError) as error:
                    if not failing:
                        log.warning("relay failing error=%s", error)
                    failing = True
                    self._over.wait(REST_S)
                else:
                    failing = False
        finally:
            work.close()


class _Work:
    """What the thread does, over and over."""

    def __init__(
        self, front: XsubSocket, back: XpubSocket, fence: Fence, last: LastOfAll, books: _Books
    ) -> None:
        self._front = front
        self._back = back
        self._fence = fence
        self._last = last
        self._books = books
        self._next_look_s = -math.inf
        self._next_refresh_s = -math.inf

    def turn(self, clock: Clock) -> None:
        """Wait for `LOOK_S` at most; pass on a burst; look after subscribers."""
        self._front.socket.poll(int(LOOK_S * 1e3))
        now_s = clock.now_s()
        for topic, payload in self._front.receive(BURST):
            self._take(topic, payload, now_s)
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_S
        for prefix in self._back.look(SUBSCRIPTIONS_PER_LOOK):
            self._last.subscribed(prefix)
        for topic, payload in self._last.due(now_s):
            self._back.send(topic, payload)
        if now_s >= self._next_refresh_s:
            self._next_refresh_s = now_s + REFRESH_S
            self._front.refresh_clients()
            self._back.refresh_clients()
            self._last.tidy(now_s)

    def close(self) -> None:
        self._front.close()
        self._back.close()

    def _take(self, topic: bytes, payload: bytes, now_s: float) -> None:
        try:
            head = head_of(topic, payload)
        except ValueError:  # msgspec's errors and those of decoding are some
            self._books.refused(Refusal.MALFORMED)
            return
        refusal = self._fence.judge(head, now_s)
        if refusal is not None:
            self._books.refused(refusal)
            return
        self._back.send(topic, payload)
        self._books.passed(head, len(topic) + len(payload))
        self._last.remember(topic, payload, head, now_s)


class _Books:
    """The relay's thread writes, anyone reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed: Counter[str] = Counter(dict.fromkeys([*_KINDS.values(), OTHER], 0))
        self._bytes = 0
        self._refused = dict.fromkeys(Refusal, 0)

    def passed(self, head: Head, size: int) -> None:
        with self._lock:
            self._passed[_KINDS.get(head.kind, OTHER)] += 1
            self._bytes += size

    def refused(self, refusal: Refusal) -> None:
        with self._lock:
            self._refused[refusal] += 1

    def snapshot(self) -> tuple[Mapping[str, int], int, Mapping[Refusal, int]]:
        with self._lock:
            return dict(self._passed), self._bytes, dict(self._refused)
