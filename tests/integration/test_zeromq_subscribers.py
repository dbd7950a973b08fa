"""Who gets what: real sockets, and subscribers that behave badly."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import zmq

from daemon.clock import SystemClock
from sinks.messages import DetectionMessage, HeartbeatMessage, Kind, StatusMessage
from sinks.sink import Loss, SinkError, SinkWorker
from sinks.zeromq import ZeromqSink
from tests.support.messages import detection, heartbeat, status
from tests.support.subscribing import Subscriber, publishing, zeromq_config
from tests.support.waiting import until

pytestmark = pytest.mark.integration

SLEEPER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.rcvhwm = 1
socket.rcvbuf = 4096
socket.subscribe(b"")
socket.connect(sys.argv[1])
print(socket.recv_multipart()[0], flush=True)
socket.recv_multipart()
input()
"""


@pytest.fixture
def stopped_subscriber():
    """Starts a process that subscribes, reads two messages and is then frozen by SIGSTOP."""
    processes = []

    def start(endpoint, put):
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEPER, endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        beating = threading.Event()

        def beat():
            while not beating.wait(0.02):
                put(heartbeat({}))

        beater = threading.Thread(target=beat)
        beater.start()
        try:
            assert process.stdout.readline() == b"b'hb.lodge.'\n"
        finally:
            beating.set()
            beater.join()
        process.send_signal(signal.SIGSTOP)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_subscriber_gets_every_message_in_order():
    with publishing() as (worker, sink), Subscriber(sink.endpoint) as subscriber:
        until(lambda: sink.subscribers == 1)
        worker.put(heartbeat({"gate": 0}))
        subscriber.read(1)  # the subscription has arrived
        for seq in range(1, 501):
            worker.put(detection(seq=seq))
        messages = [m for m in subscriber.read(500) if isinstance(m, DetectionMessage)]
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
        assert len(messages) >= 499  # one of the 500 may be the heartbeat, sent again to greet us
        assert worker.counts().dropped == dict.fromkeys(Loss, 0)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_times_are_those_of_sending(encoding):
    with publishing(encoding=encoding) as (worker, sink), Subscriber(sink.endpoint) as subscriber:
        until(lambda: sink.subscribers == 1)
        captured = type(detection())(detection().message, SystemClock().now_s() - 0.5)
        before_ns = time.time_ns()
        until(lambda: worker.put(captured) or bool(subscriber.read(1, 0.05)))
        message = subscriber.received[-1][1]
        assert before_ns <= message.published_ns <= time.time_ns()
        assert 500.0 <= message.latency_ms.total < 5000.0


def test_stopped_subscriber_costs_the_healthy_one_nothing(stopped_subscriber):
    with (
        publishing(high_water_mark=100, capacity=100_000) as (worker, sink),
        Subscriber(sink.endpoint, b"det.", rcvhwm=0) as healthy,
    ):
        stopped_subscriber(sink.endpoint, worker.put)
        until(lambda: sink.subscribers == 2)
        for first in range(1, 4001, 50):  # never more on the way than the high-water mark
            seqs = list(range(first, first + 50))
            for seq in seqs:
                worker.put(detection(seq=seq, objects=20))
            assert [message.seq for message in healthy.read(50)] == seqs
        assert worker.counts().published[Kind.DETECTION] == 4000


def test_stopped_subscriber_does_not_delay_the_shutdown(stopped_subscriber):
    with publishing(high_water_mark=1000, capacity=100_000) as (worker, sink):
        stopped_subscriber(sink.endpoint, worker.put)
        for seq in range(1, 3001):
            worker.put(detection(seq=seq, objects=20))
        started_s = time.monotonic()
        assert worker.stop(0.5)
        assert time.monotonic() - started_s < 1.0


def test_subscriber_that_is_too_slow_sees_a_gap_and_not_an_old_world_for_ever():
    with (
        publishing(high_water_mark=10, capacity=100_000) as (worker, sink),
        Subscriber(sink.endpoint, b"det.", rcvhwm=1, rcvbuf=4096) as slow,
    ):
        until(lambda: sink.subscribers == 1)
        until(lambda: worker.put(detection(seq=1)) or bool(slow.read(1, 0.05)))
        for seq in range(2, 5001):
            worker.put(detection(seq=seq, objects=20))
        until(lambda: worker.counts().queued == 0)
        old = [message.seq for message in slow.read(5000, timeout_s=0.5)]
        worker.put(detection(seq=5001))
        (fresh,) = slow.read(1)
        assert len(old) < 4999
        assert fresh.seq == 5001


def test_full_outbox_is_a_gap_that_the_subscriber_sees():
    clock = SystemClock()
    sink = ZeromqSink(zeromq_config(), clock)
    worker = SinkWorker(sink, clock, capacity=10)
    worker.open()
    for seq in range(1, 31):
        worker.put(detection(seq=seq))  # nobody takes them out yet
    assert worker.counts().dropped[Loss.HWM] == 20
    with Subscriber(sink.endpoint) as subscriber:
        until(lambda: sink.idle() or sink.subscribers == 1)
        time.sleep(0.05)
        sink.idle()
        worker.start()
        assert [message.seq for message in subscriber.read(10)] == list(range(21, 31))
    assert worker.stop(1.0)


def test_newcomer_gets_last_status_and_heartbeat_at_once():
    with publishing() as (worker, sink):
        for envelope in (
            status("gate", "connecting"),
            status("gate"),
            status("yard", "stalled"),
            detection(),
            heartbeat({"gate": 1, "yard": 0}),
        ):
            worker.put(envelope)
        until(lambda: sum(worker.counts().published.values()) == 5)
        started_s = time.monotonic()
        with Subscriber(sink.endpoint) as late:
            messages = late.read(3)
            assert time.monotonic() - started_s < 1.0
        states = {m.camera: m.state for m in messages if isinstance(m, StatusMessage)}
        assert states == {"gate": "streaming", "yard": "stalled"}
        assert isinstance(messages[0], HeartbeatMessage)
        with Subscriber(sink.endpoint, b"status.yard.") as picky:
            assert [message.camera for message in picky.read(2, timeout_s=0.4)] == ["yard"]


def test_second_newcomer_to_the_same_topic_is_greeted_too():
    with publishing() as (worker, sink):
        worker.put(heartbeat({}))
        with Subscriber(sink.endpoint, b"hb.") as first:
            assert len(first.read(1)) == 1
            with Subscriber(sink.endpoint, b"hb.") as second:
                assert len(second.read(1)) == 1


def test_cam1_does_not_match_cam10():
    with publishing() as (worker, sink), Subscriber(sink.endpoint, b"det.cam1.") as subscriber:
        until(lambda: sink.subscribers == 1)
        until(lambda: worker.put(detection("cam1")) or bool(subscriber.read(1, 0.05)))
        for camera in ("cam10", "cam1", "cam10", "cam1"):
            worker.put(detection(camera))
        subscriber.read(3, timeout_s=0.3)
        assert {message.camera for _, message in subscriber.received} == {"cam1"}


def test_subscribers_are_counted_as_they_come_and_go():
    with publishing() as (_, sink):
        assert sink.subscribers == 0
        with Subscriber(sink.endpoint, b"det.", b"det.", b"hb."), Subscriber(sink.endpoint):
            until(lambda: sink.subscribers == 2)
        until(lambda: sink.subscribers == 0)


def test_flood_of_subscriptions_does_not_hold_up_messages():
    with (
        publishing(capacity=100_000) as (worker, sink),
        Subscriber(sink.endpoint) as flooder,
        Subscriber(sink.endpoint, b"det.", rcvhwm=0) as victim,
    ):
        until(lambda: sink.subscribers == 2)
        worker.put(heartbeat({"gate": 0}))
        until(lambda: worker.put(detection(seq=1)) or bool(victim.read(1, 0.05)))
        for number in range(20_000):
            flooder.socket.subscribe(b"hb.%d" % (number % 100))
        for seq in range(2, 202):
            worker.put(detection(seq=seq))
        messages = victim.read(200, timeout_s=3.0)
        assert messages[-1].seq == 201


def test_input_that_is_too_long_ends_the_connection_and_nothing_else():
    with publishing() as (worker, sink), Subscriber(sink.endpoint, b"hb.") as good:
        with Subscriber(sink.endpoint, b"x" * 100_000):
            until(lambda: worker.put(heartbeat({})) or bool(good.read(1, 0.05)))
            assert good.read(1, 0.2) is not None
        with socket.create_connection(("127.0.0.1", int(sink.endpoint.rpartition(":")[2]))) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        worker.put(heartbeat({}))
        assert good.read(1)


def test_port_in_use_is_one_clear_line():
    with publishing() as (_, sink):
        other = ZeromqSink(zeromq_config(bind=sink.endpoint), SystemClock())
        expected = (
            f"{sink.endpoint}: in use by another program; stop it, or change sinks.zeromq.bind"
        )
        with pytest.raises(SinkError, match=expected):
            other.open()


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("tcp://203.0.113.9:5556", "no network interface of this machine has that address"),
        ("ipc:///nonexistent/folder/socket", "cannot be bound: No such file or directory"),
    ],
)
def test_address_that_cannot_be_bound_is_one_clear_line(bind, reason):
    sink = ZeromqSink(zeromq_config(bind=bind), SystemClock())
    with pytest.raises(SinkError, match=f"{bind}: {reason}"):
        sink.open()


def test_ipc_path_of_a_living_daemon_is_not_taken_away(tmp_path):
    bind = f"ipc://{tmp_path}/vedette.sock"
    with publishing(bind=bind), pytest.raises(SinkError, match="in use by another program"):
        ZeromqSink(zeromq_config(bind=bind), SystemClock()).open()
    (tmp_path / "vedette.sock").touch()  # as after a crash
    with publishing(bind=bind) as (worker, sink), Subscriber(bind, b"hb.") as subscriber:
        until(lambda: sink.subscribers == 1)
        until(lambda: worker.put(heartbeat({})) or bool(subscriber.read(1, 0.05)))


def test_nothing_leaks_over_many_openings():
    def footprint():
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    with publishing():
        pass
    before = footprint()
    for _ in range(20):
        with publishing() as (worker, sink), Subscriber(sink.endpoint):
            worker.put(detection())
    assert footprint() == before


def test_closed_and_unopened_sinks_say_so():
    sink = ZeromqSink(zeromq_config(), SystemClock())
    assert (sink.endpoint, sink.subscribers) == ("", 0)
    sink.close()
    with pytest.raises(SinkError, match="not open"):
        sink.write(detection())
    sink.open()
    socket_of_sink = sink._socket
    sink.close()
    socket_of_sink.close()  # twice is once
    with pytest.raises(zmq.ZMQError):
        socket_of_sink.socket.send(b"")
