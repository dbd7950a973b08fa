"""The sinks of the configuration, each with its thread and queue: fed alike, replaced one by one.

A sink is replaced by a fresh one. Where the two can be open at once the fresh one is opened first;
otherwise its queue takes what comes while the old one closes. Either way every message goes to
exactly one of them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from types import MappingProxyType
from typing import Any

from config.camera import CameraConfig
from config.mqtt import MqttConfig
from config.schema import SinksConfig, ZeromqConfig
from config.section import Section
from config.urls import tcp_address
from daemon.books.reports import QueueReport, SinkReport
from daemon.clock import Clock
from daemon.metrics import Metrics
from sinks.crowd import Attendance
from sinks.envelope import Envelope
from sinks.highlights import Highlights, NoHighlights
from sinks.jsonl import JsonlSink
from sinks.links import LinkReport
from sinks.listening import MOST_CONNECTIONS
from sinks.sink import KnowsCameras, Sink, SinkCounts, SinkError, SinkWorker
from sinks.webhook.sink import WebhookSink
from sinks.zeromq import ZeromqSink

log = logging.getLogger(__name__)

CAPACITY = 1000  # messages a sink may lag behind; the oldest detection is dropped beyond
DRAIN_S = 0.4  # for what a sink that is replaced or removed still has to send


@dataclass(frozen=True, slots=True)
class _Given:
    """What sinks are made with, beside their section of the configuration."""

    clock: Clock
    most_connections: int
    highlights: Highlights
    node: str
    cameras: Mapping[str, CameraConfig]
    turn: Callable[[str, bool], None]  # pauses and resumes a camera; any thread


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a sink is made of its name and its section of the configuration; what only one can hold
    at a time: a TCP port, a socket's path, a file, a broker, None for nothing;
    how far it may lag behind.
    """

    make: Callable[[str, Any, _Given], Sink]
    place: Callable[[Any], object]
    capacity: Callable[[Any], int] = lambda _: CAPACITY


def _zeromq_place(config: ZeromqConfig) -> object:
    if config.listens is None:
        return None
    address = tcp_address(config.listens)
    return config.listens if address is None else address[1]


def _mqtt(config: MqttConfig, given: _Given) -> Sink:
    from sinks.mqtt.sink import MqttSink  # only who has a broker pays for its client

    return MqttSink(
        config,
        given.clock,
        node=given.node,
        cameras=given.cameras,
        highlights=given.highlights,
        turn=given.turn,
    )


_KINDS = {
    "zeromq": _Kind(
        lambda _, config, given: ZeromqSink(
            config, given.clock, most_connections=given.most_connections
        ),
        _zeromq_place,
    ),
    "jsonl": _Kind(
        lambda _, config, given: JsonlSink(config, given.clock), lambda config: config.path
    ),
    "webhook": _Kind(
        lambda name, config, given: WebhookSink(
            name, config, given.clock, highlights=given.highlights
        ),
        lambda _: None,
        lambda config: config.queue,
    ),
    "mqtt": _Kind(
        lambda _, config, given: _mqtt(config, given),
        lambda config: (config.host, config.broker_port),
    ),
}


def _kind_of(name: str) -> _Kind:
    """Of a sink's name, as in `zeromq` or `webhook.phone`."""
    return _KINDS[name.partition(".")[0]]


@dataclass(frozen=True, slots=True)
class _Lane:
    """A sink that is fed. `past` are the books of those that had its name before it; `leaving` is
    the one of them that still sends.
    """

    config: Section
    sink: Sink
    worker: SinkWorker
    past: SinkCounts | None = None
    leaving: SinkWorker | None = None

    @property
    def attendance(self) -> Attendance | None:
        """Who is connected, where others connect to it."""
        return getattr(self.sink, "attendance", None)

    def counts(self) -> SinkCounts:
        books = [self.worker.counts()]
        books += [self.past] if self.past else []
        books += [self.leaving.counts()] if self.leaving else []
        return reduce(add, books)


class Outputs:
    """`open`, `use` and `stop` belong to the main thread; `put` and the reports to any."""

    def __init__(
        self,
        config: SinksConfig,
        clock: Clock,
        metrics: Metrics,
        *,
        node: str = "localhost",
        cameras: Mapping[str, CameraConfig] = MappingProxyType({}),
        most_connections: int = MOST_CONNECTIONS,
        highlights: Highlights | None = None,
        turn: Callable[[str, bool], None] = lambda _camera, _on: None,
    ) -> None:
        self._clock = clock
        highlights = highlights or NoHighlights()
        self._given = _Given(clock, most_connections, highlights, node, cameras, turn)
        self._metrics = metrics
        self._lock = threading.Lock()  # so that no message falls between two sinks
        self._lanes = {name: self._lane(name, wanted) for name, wanted in _wanted(config).items()}

    def open(self) -> None:
        """Bind and open all, then start their threads. Raises SinkError and leaves none open."""
        workers = [lane.worker for lane in self._lanes.values()]
        try:
            for worker in workers:
                worker.open()
        except SinkError:
            self.stop(0.0)
            raise
        for worker in workers:
            worker.start()

    def use(self, config: SinksConfig, *, greeting: Sequence[Envelope] = ()) -> None:
        """Bring the sinks to `config`; one that is the same is not touched. A fresh one begins
        with `greeting`.

        Raises SinkError half-way. Then `use` of what was before brings that back.
        """
        wanted = _wanted(config)
        fresh = {
            name: self._lane(name, section)
            for name, section in wanted.items()
            if name not in self._lanes or self._lanes[name].config != section
        }
        beside = [lane for name, lane in fresh.items() if not self._in_its_place(name, lane)]
        try:
            for lane in beside:
                lane.worker.open()
        except SinkError:
            for lane in beside:
                lane.worker.stop(0.0)
            raise
        for name, lane in fresh.items():
            for envelope in greeting:
                lane.worker.put(envelope)
            if lane in beside:
                lane.worker.start()
                self._replace(name, lane)
            else:
                self._replace(name, lane)
                self._open_in_place(name, lane.worker)
        for name in [name for name in self._lanes if name not in wanted]:
            self._replace(name, None)

    def use_cameras(self, cameras: Mapping[str, CameraConfig]) -> None:
        """There are these from now on: nothing more is sent of others. Never waits."""
        self._given = replace(self._given, cameras=cameras)
        for lane in self._lanes.values():
            if isinstance(lane.sink, KnowsCameras):
                lane.sink.use_cameras(cameras)

    def put(self, envelope: Envelope) -> None:
        """Queue a message for every sink; never waits."""
        with self._lock:
            for lane in self._lanes.values():
                lane.worker.put(envelope)

    def stop(self, timeout_s: float) -> bool:
        """Send what is queued, for at most that long in all; False if a sink did not come back."""
        workers = [lane.worker for lane in self._lanes.values()]
        for worker in workers:
            worker.request_stop(timeout_s)
        deadline_s = self._clock.now_s() + timeout_s
        stopped = [worker.join(max(0.0, deadline_s - self._clock.now_s())) for worker in workers]
        return all(stopped)

    def queues(self) -> Sequence[QueueReport]:
        return [
            QueueReport(f"sink:{name}", lane.worker.counts().queued, lane.worker.capacity)
            for name, lane in self._snapshot()
        ]

    def reports(self) -> Sequence[SinkReport]:
        return [
            SinkReport(
                name,
                lane.counts(),
                present.connections if present else None,
                lane.worker.failing or _away(lane.sink),
                getattr(lane.sink, "link", None),
                getattr(lane.sink, "told", None),
            )
            for name, lane in self._snapshot()
            for present in [lane.attendance]
        ]

    def attendances(self) -> Sequence[Attendance]:
        """The connections of sinks that others connect to."""
        present = [lane.attendance for _, lane in self._snapshot()]
        return [attendance for attendance in present if attendance is not None]

    def _snapshot(self) -> list[tuple[str, _Lane]]:
        with self._lock:
            return list(self._lanes.items())

    def _in_its_place(self, name: str, fresh: _Lane) -> bool:
        """Whether the sink of that name must be closed before this one can be opened."""
        old = self._lanes.get(name)
        place = _kind_of(name).place
        if old is None:
            return False
        taken = place(fresh.config)
        return taken is not None and place(old.config) == taken

    def _open_in_place(self, name: str, worker: SinkWorker) -> None:
        try:
            worker.open()
        except SinkError:
            self._replace(name, None)
            raise
        worker.start()

    def _replace(self, name: str, fresh: _Lane | None) -> None:
        """Feed `fresh`, or nobody, in place of the sink of that name, and let that one end."""
        with self._lock:
            old = self._lanes.get(name)
            lanes = {other: lane for other, lane in self._lanes.items() if other != name}
            if fresh is not None:
                if old is not None:
                    fresh = replace(fresh, past=old.past, leaving=old.worker)
                lanes[name] = fresh
            self._lanes = {other: lanes[other] for other in sorted(lanes, key=_place_in_file)}
            if old is not None:
                old.worker.request_stop(DRAIN_S)
        if old is not None:
            old.worker.join(DRAIN_S)
            self._close_books(name, old)

    def _close_books(self, name: str, old: _Lane) -> None:
        with self._lock:
            lane = self._lanes.get(name)
            if lane is not None:
                self._lanes[name] = replace(lane, past=old.counts(), leaving=None)

    def _lane(self, name: str, config: Section) -> _Lane:
        """A sink that is not open yet, and its thread."""
        kind = _kind_of(name)
        sink = kind.make(name, config, self._given)
        worker = SinkWorker(
            sink,
            self._clock,
            capacity=kind.capacity(config),
            on_published=self._observer(name),
        )
        return _Lane(config, sink, worker)

    def _observer(self, sink: str) -> Callable[[Envelope, float], None]:
        """What a sink's thread reports of every message that it sent; the first sink of them also
        says how old the frame was by then, which is the end-to-end latency.
        """
        observe_publish = self._metrics.publish_observer(sink)

        def sent(envelope: Envelope, took_s: float) -> None:
            observe_publish(took_s)
            if envelope.on_sent is None or envelope.captured_s is None:
                return
            if sink == next(iter(self._lanes), None):
                envelope.on_sent(self._clock.now_s() - envelope.captured_s)

        return sent


def _wanted(config: SinksConfig) -> dict[str, Section]:
    """The sinks that are configured, by name; the first one measures latency."""
    sections: dict[str, Section | None] = {"zeromq": config.zeromq, "jsonl": config.jsonl}
    sections["mqtt"] = config.mqtt
    sections |= {f"webhook.{name}": section for name, section in config.webhook.items()}
    return {name: section for name, section in sections.items() if section is not None}


def _place_in_file(name: str) -> int:
    """Of the kind of sink, in the order of the schema."""
    return list(SinksConfig.model_fields).index(name.partition(".")[0])


def _away(sink: Sink) -> str:
    """Why what a sink sends to is away, '' while it is there or the sink sends to nobody."""
    link: LinkReport | None = getattr(sink, "link", None)
    return link.detail if link else ""
