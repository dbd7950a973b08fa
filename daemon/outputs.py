"""The sinks of one configuration, each with its thread and queue: opened, fed, stopped together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from config.schema import SinksConfig
from daemon.clock import Clock
from daemon.metrics import Metrics
from daemon.reports import QueueReport, SinkReport
from sinks.jsonl import JsonlSink
from sinks.messages import DetectionMessage, Envelope
from sinks.sink import Sink, SinkError, SinkWorker
from sinks.zeromq import ZeromqSink

log = logging.getLogger(__name__)

CAPACITY = 1000  # messages a sink may lag behind; the oldest detection is dropped beyond


class Outputs:
    """`open` and `stop` belong to the main thread; `put` may be called from any."""

    def __init__(self, config: SinksConfig, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._zeromq = ZeromqSink(config.zeromq, clock) if config.zeromq else None
        jsonl = JsonlSink(config.jsonl, clock) if config.jsonl else None
        chosen: list[Sink] = [sink for sink in (self._zeromq, jsonl) if sink is not None]
        self._workers = [
            SinkWorker(
                sink,
                clock,
                capacity=CAPACITY,
                on_published=self._observer(sink.name, metrics, latency=sink is chosen[0]),
            )
            for sink in chosen
        ]

    def open(self) -> None:
        """Bind and open all, then start their threads. Raises SinkError and leaves none open."""
        try:
            for worker in self._workers:
                worker.open()
        except SinkError:
            self.stop(0.0)
            raise
        for worker in self._workers:
            worker.start()

    def put(self, envelope: Envelope) -> None:
        """Queue a message for every sink; never waits."""
        for worker in self._workers:
            worker.put(envelope)

    def stop(self, timeout_s: float) -> bool:
        """Send what is queued, for at most that long in all; False if a sink did not come back."""
        for worker in self._workers:
            worker.request_stop(timeout_s)
        deadline_s = self._clock.now_s() + timeout_s
        stopped = [
            worker.join(max(0.0, deadline_s - self._clock.now_s())) for worker in self._workers
        ]
        return all(stopped)

    def queues(self) -> Sequence[QueueReport]:
        return [
            QueueReport(f"sink:{worker.name}", worker.counts().queued, CAPACITY)
            for worker in self._workers
        ]

    def reports(self) -> Sequence[SinkReport]:
        return [
            SinkReport(worker.name, worker.counts(), self._subscribers(worker.name))
            for worker in self._workers
        ]

    def _subscribers(self, name: str) -> int | None:
        return self._zeromq.subscribers if self._zeromq and name == self._zeromq.name else None

    def _observer(
        self, sink: str, metrics: Metrics, *, latency: bool
    ) -> Callable[[Envelope, float], None]:
        """What a sink's thread reports of every message that it sent; one sink of them also says
        how old the frame was by then, which is the end-to-end latency.
        """
        observe_publish = metrics.publish_observer(sink)

        def sent(envelope: Envelope, took_s: float) -> None:
            observe_publish(took_s)
            message = envelope.message
            if latency and isinstance(message, DetectionMessage) and envelope.captured_s:
                metrics.observe_published(message.camera, self._clock.now_s() - envelope.captured_s)

        return sent
