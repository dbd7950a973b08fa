import logging
import threading
import time
from dataclasses import replace

import pytest

from daemon.seats.permit import Permit
from sinks.messages import Kind
from sinks.sink import RETRY_S, Loss, SinkError, SinkWorker, TooOldError, TryAgainError
from tests.support.fakes import FakeClock
from tests.support.messages import FakeSink, detection, heartbeat, status
from tests.support.waiting import until


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def started(clock):
    """Starts workers and stops them at the end, whatever the test did."""
    workers = []

    def start(sink, **options):
        worker = SinkWorker(sink, clock, **options)
        worker.open()
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        assert worker.stop(1.0)


def raising(error, times):
    left = [times]

    def hook(_envelope):
        if left[0] > 0:
            left[0] -= 1
            raise error

    return hook


def test_messages_arrive_in_order_and_are_counted_by_kind(started):
    sink, took_s = FakeSink(), []
    worker = started(sink, on_published=lambda _envelope, seconds: took_s.append(seconds))
    sent = [detection(seq=1), status(), heartbeat({"gate": 1}), detection(seq=2)]
    for envelope in sent:
        worker.put(envelope)
    until(lambda: len(took_s) == 4)
    counts = worker.counts()
    assert sink.written == sent
    assert counts.published == dict.fromkeys(Kind, 0) | {
        Kind.DETECTION: 2,
        Kind.STATUS: 1,
        Kind.HEARTBEAT: 1,
    }
    assert counts.published_bytes == 40
    assert counts.dropped == dict.fromkeys(Loss, 0)


def test_thread_bears_the_name_of_the_sink(started):
    started(FakeSink())
    assert "sink:fake" in [thread.name for thread in threading.enumerate()]


def test_a_kind_that_the_sink_does_not_take_is_not_queued(clock):
    worker = SinkWorker(FakeSink(kinds=frozenset({Kind.STATUS})), clock)
    for envelope in (detection(), status(), heartbeat({})):
        worker.put(envelope)
    assert worker.counts().queued == 1


def test_quiet_sink_is_looked_after(started):
    sink = FakeSink()
    started(sink)
    until(lambda: sink.calls == ["open", "idle"])


def test_sink_that_hangs_loses_the_oldest_and_put_never_waits(started):
    gate = threading.Event()
    worker = started(FakeSink(lambda _: gate.wait(10) and None), capacity=5)
    worker.put(detection(seq=1))
    until(lambda: len(worker._outbox) == 0)
    started_s = time.monotonic()
    for seq in range(2, 102):
        worker.put(detection(seq=seq))
    assert time.monotonic() - started_s < 1.0
    assert worker.counts().dropped[Loss.HWM] == 95
    gate.set()
    until(lambda: worker.counts().published[Kind.DETECTION] == 6)


def test_failure_is_counted_logged_once_and_rested_upon(started, clock, caplog):
    caplog.set_level(logging.INFO, "sinks.sink")
    sink = FakeSink(raising(SinkError("disk full"), times=2))
    worker = started(sink)
    for seq in (1, 2, 3):
        worker.put(detection(seq=seq))
    until(lambda: worker.counts().dropped[Loss.ERROR] == 1)
    assert worker.counts().queued == 2, "the rest must wait, not be thrown at a broken sink"
    clock.advance(RETRY_S)
    until(lambda: worker.counts().dropped[Loss.ERROR] == 2)
    clock.advance(RETRY_S)
    until(lambda: [envelope.message.seq for envelope in sink.written] == [3])
    until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == [
        "sink failing sink=fake error=disk full",
        "sink works again sink=fake",
    ]


def test_defect_in_a_sink_does_not_end_its_thread(started, clock):
    sink = FakeSink(raising(ZeroDivisionError(), times=1))
    worker = started(sink)
    worker.put(detection(seq=1))
    until(lambda: worker.counts().dropped[Loss.ERROR] == 1)
    clock.advance(RETRY_S)
    worker.put(detection(seq=2))
    until(lambda: len(sink.written) == 1)


def test_housekeeping_that_fails_holds_up_no_message(started, caplog):
    class Untidy(FakeSink):
        def idle(self):
            raise SinkError("untidy")

    sink = Untidy()
    worker = started(sink)
    for seq in range(5):
        worker.put(detection(seq=seq + 1))
    until(lambda: len(sink.written) == 5)
    assert worker.counts().dropped[Loss.ERROR] == 0
    assert caplog.messages == ["sink failing sink=fake error=untidy"]


def test_stop_sends_what_is_queued(started):
    sink = FakeSink(lambda _: time.sleep(0.001))
    worker = started(sink)
    for seq in range(50):
        worker.put(detection(seq=seq + 1))
    assert worker.stop(5.0)
    assert len(sink.written) == 50
    assert sink.calls[-1] == "close"


def test_what_is_left_at_the_deadline_is_dropped_and_counted(started, clock):
    sink = FakeSink(lambda _: clock.advance(1.0))
    worker = SinkWorker(sink, clock)
    for seq in range(10):
        worker.put(detection(seq=seq + 1))
    worker._outbox.close()  # so that the thread is draining from its first turn
    worker._deadline_s = clock.now_s() + 3.0
    worker.start()
    assert worker.stop(3.0)
    counts = worker.counts()
    assert counts.published[Kind.DETECTION] >= 3
    assert counts.dropped[Loss.SHUTDOWN] == 10 - counts.published[Kind.DETECTION] > 0
    assert counts.queued == 0


def test_failing_sink_does_not_hold_up_the_shutdown(started):
    worker = started(FakeSink(raising(SinkError("gone"), times=1000)))
    for seq in range(20):
        worker.put(detection(seq=seq + 1))
    started_s = time.monotonic()
    assert worker.stop(2.0)
    assert time.monotonic() - started_s < 1.0
    counts = worker.counts()
    assert counts.dropped[Loss.ERROR] + counts.dropped[Loss.SHUTDOWN] == 20


def test_sink_that_does_not_come_back_is_reported(started, monkeypatch):
    monkeypatch.setattr("sinks.sink.CLOSE_S", 0.01)
    gate = threading.Event()
    worker = started(FakeSink(lambda _: gate.wait(10) and None))
    worker.put(detection())
    until(lambda: len(worker._outbox) == 0)
    assert not worker.stop(0.01)
    gate.set()


def test_message_after_the_end_is_counted(started):
    worker = started(FakeSink())
    worker.stop(1.0)
    worker.put(detection())
    assert worker.counts().dropped[Loss.SHUTDOWN] == 1


def test_sink_that_was_opened_and_never_started_is_closed(clock):
    sink = FakeSink()
    worker = SinkWorker(sink, clock)
    worker.open()
    worker.put(detection())
    assert worker.stop(1.0)
    assert sink.calls == ["open", "close"]
    assert worker.counts().dropped[Loss.SHUTDOWN] == 1


def test_close_that_fails_is_logged(clock, caplog):
    class Stuck(FakeSink):
        def close(self):
            raise OSError("stuck")

    assert SinkWorker(Stuck(), clock).stop(1.0)
    assert caplog.messages == ["sink failing sink=fake error=stuck"]


def test_a_message_whose_grant_ended_while_it_was_queued_is_counted_and_not_sent(started, clock):
    sink = FakeSink()
    permit = Permit(17, clock.now_s() + 2.0)
    worker = started(sink)
    worker.put(replace(detection(seq=1), permit=permit))
    until(lambda: len(sink.written) == 1)
    clock.advance(2.0)
    worker.put(replace(detection(seq=2), permit=permit))
    until(lambda: worker.counts().dropped[Loss.FENCED] == 1)
    assert len(sink.written) == 1


def settled(worker):
    counts = worker.counts()
    return sum(counts.published.values()) + sum(counts.dropped.values())


def test_what_may_be_sent_later_is_held_in_front_of_the_queue(started, clock):
    sink = FakeSink(raising(TryAgainError("fake: busy", after_s=8.0), 2))
    worker = started(sink, capacity=2)
    sent = [detection(seq=n) for n in range(1, 4)]
    worker.put(sent[0])
    until(lambda: worker.counts().retries == 1)
    worker.put(sent[1])
    worker.put(sent[2])
    assert (worker.counts().queued, worker.failing) == (3, "fake: busy")
    clock.advance(7.9)
    time.sleep(0.02)
    assert worker.counts().retries == 1
    clock.advance(0.2)
    until(lambda: worker.counts().retries == 2)
    clock.advance(8.1)
    until(lambda: len(sink.written) == 3)
    assert sink.written == sent
    until(lambda: not worker.failing)
    assert (settled(worker), worker.counts().queued) == (3, 0)


def test_what_is_held_counts_as_waiting_and_the_queue_behind_it_is_bounded(started, clock):
    sink = FakeSink(raising(TryAgainError("fake: busy", after_s=60.0), 9))
    worker = started(sink, capacity=2)
    worker.put(detection(seq=1))
    until(lambda: worker.counts().retries == 1)
    for seq in range(2, 7):
        worker.put(detection(seq=seq))
    counts = worker.counts()
    assert (counts.queued, counts.dropped[Loss.HWM]) == (3, 3)
    assert settled(worker) + counts.queued == 6


def test_a_stop_does_not_wait_for_another_try(started, clock):
    worker = started(FakeSink(raising(TryAgainError("fake: busy", after_s=60.0), 9)))
    worker.put(detection())
    worker.put(detection(seq=2))
    until(lambda: worker.counts().retries == 1)
    assert worker.stop(1.0)
    assert worker.counts().dropped[Loss.SHUTDOWN] == 2
    assert worker.counts().queued == 0


def test_what_is_too_old_is_counted_and_says_nothing_of_the_sink(started, caplog):
    sink = FakeSink(raising(TooOldError("fake: too old"), 2))
    worker = started(sink)
    for seq in range(1, 4):
        worker.put(detection(seq=seq))
    until(lambda: len(sink.written) == 1)
    until(lambda: settled(worker) == 3)
    assert worker.counts().dropped[Loss.STALE] == 2
    assert worker.failing == ""
    assert caplog.text == ""


def test_a_choosy_sink_says_what_is_queued_for_it(started):
    class Choosy(FakeSink):
        def sift(self, envelope):
            return [envelope, envelope] if envelope.kind is Kind.STATUS else []

    sink = Choosy()
    worker = started(sink)
    for envelope in (detection(), status(), heartbeat({"gate": 1})):
        worker.put(envelope)
    until(lambda: len(sink.written) == 2)
    assert sink.written == [status(), status()]


def test_a_slow_sink_is_told_how_long_it_may_take(clock):
    class Slow(FakeSink):
        left_s = None

        def hurry(self, left_s):
            self.left_s = left_s

    sink = Slow()
    worker = SinkWorker(sink, clock)
    assert worker.stop(0.25)
    assert sink.left_s == 0.25
