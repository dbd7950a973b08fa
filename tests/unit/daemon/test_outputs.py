"""The sinks together: opened all or none, fed alike, stopped within one time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from config.schema import JsonlConfig, SinksConfig, ZeromqConfig
from daemon.books.reports import QueueReport
from daemon.metrics import Metrics
from daemon.outputs import CAPACITY, Outputs
from sinks.crowd import Attendance
from sinks.envelope import Envelope
from sinks.messages import Kind
from sinks.sink import Loss, SinkError
from tests.support.fakes import FakeClock
from tests.support.messages import FakeSink, detection, heartbeat, status
from tests.support.waiting import until

BOTH = SinksConfig(zeromq=ZeromqConfig(), jsonl=JsonlConfig(path=Path("detections.jsonl")))


class FakeZeromq(FakeSink):
    name = "zeromq"
    attendance = Attendance("zeromq", 3, 256, {})


class FakeJsonl(FakeSink):
    name = "jsonl"


class Broken(FakeJsonl):
    def open(self) -> None:
        raise SinkError("detections.jsonl: No space left on device")


class Bench:
    """Outputs whose sinks are fakes, and the registry that their metrics go to."""

    def __init__(self, config: SinksConfig) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.counts = metrics.camera("gate")
        self.outputs = Outputs(config, self.clock, metrics)

    def measured(self) -> Envelope:
        """A message whose frame arrived at 90 s; it is 100 s now."""
        return replace(detection("gate"), on_sent=self.counts.observe_published)

    def count(self, histogram: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"vedette_{histogram}_count", labels) or 0.0

    def sum(self, histogram: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"vedette_{histogram}_sum", labels) or 0.0

    def published(self) -> dict[str, dict[Kind, int]]:
        return {report.name: report.counts.published for report in self.outputs.reports()}


@pytest.fixture
def zeromq(monkeypatch: pytest.MonkeyPatch) -> FakeZeromq:
    sink = FakeZeromq()
    monkeypatch.setattr("daemon.outputs.ZeromqSink", lambda *_, **__: sink)
    return sink


@pytest.fixture
def jsonl(monkeypatch: pytest.MonkeyPatch) -> FakeJsonl:
    sink = FakeJsonl()
    monkeypatch.setattr("daemon.outputs.JsonlSink", lambda *_, **__: sink)
    return sink


@pytest.fixture
def opened(zeromq: FakeZeromq, jsonl: FakeJsonl) -> Iterator[Callable[[SinksConfig], Bench]]:
    """Opens outputs and stops them after the test."""
    benches: list[Bench] = []

    def make(config: SinksConfig) -> Bench:
        bench = Bench(config)
        bench.outputs.open()
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        assert bench.outputs.stop(1.0)
    assert zeromq.calls.count("open") == zeromq.calls.count("close")
    assert jsonl.calls.count("open") == jsonl.calls.count("close")


def test_every_sink_gets_every_message(
    opened: Callable[[SinksConfig], Bench], zeromq: FakeZeromq, jsonl: FakeJsonl
) -> None:
    bench = opened(BOTH)
    sent = [detection(), status(), heartbeat({"gate": 1})]
    for envelope in sent:
        bench.outputs.put(envelope)
    until(lambda: len(zeromq.written) == len(jsonl.written) == 3)
    assert zeromq.written == jsonl.written == sent


def test_only_the_sinks_that_are_configured_are_opened(
    opened: Callable[[SinksConfig], Bench], zeromq: FakeZeromq, jsonl: FakeJsonl
) -> None:
    bench = opened(SinksConfig(zeromq=None, jsonl=BOTH.jsonl))
    assert [report.name for report in bench.outputs.reports()] == ["jsonl"]
    assert (zeromq.calls, jsonl.calls[:1]) == ([], ["open"])


def test_a_daemon_without_sinks_works(opened: Callable[[SinksConfig], Bench]) -> None:
    bench = opened(SinksConfig(zeromq=None, jsonl=None))
    bench.outputs.put(detection())
    assert (list(bench.outputs.reports()), list(bench.outputs.queues())) == ([], [])


def test_a_sink_that_cannot_be_opened_leaves_none_open(
    zeromq: FakeZeromq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.outputs.JsonlSink", lambda *_: Broken())
    bench = Bench(BOTH)
    with pytest.raises(SinkError, match="No space left"):
        bench.outputs.open()
    assert zeromq.calls == ["open", "close"]
    bench.outputs.put(detection())
    assert zeromq.written == [], "no thread was started"


def test_the_latency_of_a_frame_is_observed_once_by_the_first_sink(
    opened: Callable[[SinksConfig], Bench],
) -> None:
    bench = opened(BOTH)
    bench.outputs.put(bench.measured())
    until(lambda: all(counts[Kind.DETECTION] == 1 for counts in bench.published().values()))
    until(lambda: bench.count("publish_duration_seconds", sink="jsonl") == 1)
    until(lambda: bench.count("end_to_end_latency_seconds", camera="gate") == 1)
    assert bench.sum("end_to_end_latency_seconds", camera="gate") == 10.0


def test_a_file_alone_observes_the_latency_too(opened: Callable[[SinksConfig], Bench]) -> None:
    bench = opened(SinksConfig(zeromq=None, jsonl=BOTH.jsonl))
    bench.outputs.put(bench.measured())
    until(lambda: bench.count("end_to_end_latency_seconds", camera="gate") == 1)


def test_only_frames_have_a_latency_but_every_write_has_a_duration(
    opened: Callable[[SinksConfig], Bench], zeromq: FakeZeromq, caplog: pytest.LogCaptureFixture
) -> None:
    bench = opened(SinksConfig(zeromq=ZeromqConfig(), jsonl=None))
    zeromq.hook = lambda _: bench.clock.advance(0.25)
    unmeasured = replace(bench.measured(), captured_s=None)
    for envelope in (status("gate"), heartbeat({"gate": 1}), unmeasured):
        bench.outputs.put(envelope)
    until(lambda: bench.count("publish_duration_seconds", sink="zeromq") == 3)
    assert bench.outputs.stop(1.0)
    assert bench.sum("publish_duration_seconds", sink="zeromq") == pytest.approx(0.75)
    assert bench.count("end_to_end_latency_seconds", camera="gate") == 0
    assert not caplog.messages, "a sink failed over it"


def test_a_message_that_was_not_sent_has_no_latency(
    opened: Callable[[SinksConfig], Bench], zeromq: FakeZeromq
) -> None:
    def refuse(_: Envelope) -> None:
        raise SinkError("refused")

    zeromq.hook = refuse
    bench = opened(SinksConfig(zeromq=ZeromqConfig(), jsonl=None))
    bench.outputs.put(bench.measured())
    until(lambda: bench.outputs.reports()[0].counts.dropped[Loss.ERROR] == 1)
    assert bench.count("end_to_end_latency_seconds", camera="gate") == 0


def test_queues_and_subscribers_are_told_per_sink(zeromq: FakeZeromq, jsonl: FakeJsonl) -> None:
    bench = Bench(BOTH)
    for _ in range(2):
        bench.outputs.put(detection())
    assert bench.outputs.queues() == [
        QueueReport("sink:zeromq", 2, CAPACITY),
        QueueReport("sink:jsonl", 2, CAPACITY),
    ]
    subscribers = {report.name: report.subscribers for report in bench.outputs.reports()}
    assert subscribers == {"zeromq": 3, "jsonl": None}
    assert bench.outputs.stop(0.0)
    assert [report.counts.dropped[Loss.SHUTDOWN] for report in bench.outputs.reports()] == [2, 2]


def test_stop_sends_what_is_queued_and_may_be_called_again(
    opened: Callable[[SinksConfig], Bench], zeromq: FakeZeromq, jsonl: FakeJsonl
) -> None:
    bench = opened(BOTH)
    for seq in range(20):
        bench.outputs.put(detection(seq=seq + 1))
    assert bench.outputs.stop(5.0)
    assert bench.outputs.stop(5.0)
    assert len(zeromq.written) == len(jsonl.written) == 20


def test_sinks_that_hang_are_not_waited_for_longer_than_asked(
    opened: Callable[[SinksConfig], Bench],
    zeromq: FakeZeromq,
    jsonl: FakeJsonl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sinks.sink.CLOSE_S", 0.01)
    free = threading.Event()
    zeromq.hook = jsonl.hook = lambda _: free.wait() and None
    bench = opened(BOTH)
    bench.outputs.put(detection())
    until(lambda: all(queue.depth == 1 for queue in bench.outputs.queues()))
    started_s = time.monotonic()
    assert not bench.outputs.stop(0.02)
    assert time.monotonic() - started_s < 1.0
    free.set()
