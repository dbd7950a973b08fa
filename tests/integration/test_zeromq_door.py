"""Who connects to the ZeroMQ socket takes nothing that belongs to the others."""

import contextlib
import socket
import time

import pytest
import zmq

from config.schema import CurveConfig
from sinks.crowd import HangUp
from sinks.keys import create_pair
from tests.support.messages import heartbeat
from tests.support.subscribing import Subscriber, publishing
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def greedy():
    """Subscribes to all that it is told, and does not come back once it was dropped."""
    context = zmq.Context()
    sockets = []

    def subscribe(endpoint, topics):
        client = context.socket(zmq.SUB)
        sockets.append(client)
        client.set_hwm(0)
        client.linger = 0
        client.reconnect_ivl = -1
        for topic in topics:
            client.subscribe(topic)
        client.connect(endpoint)

    yield subscribe
    for client in sockets:
        client.close()
    context.term()


def silent(stack, sink, count):
    port = int(sink.endpoint.rpartition(":")[2])
    return [
        stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        for _ in range(count)
    ]


def hears(worker, subscriber):
    until(lambda: worker.put(heartbeat({})) or subscriber.read(1, 0.05))


def longest_silence_s(worker, subscriber, seconds):
    """Between two heartbeats of which twenty a second are sent."""
    heard_s = time.monotonic()
    end_s, longest_s = heard_s + seconds, 0.0
    while heard_s < end_s:
        worker.put(heartbeat({}))
        if subscriber.read(1, 0.05):
            now_s = time.monotonic()
            longest_s, heard_s = max(longest_s, now_s - heard_s), now_s
    return longest_s


@pytest.mark.parametrize(
    ("size", "count", "reasons"),
    [
        (4000, 5000, {HangUp.FLOOD, HangUp.SUBSCRIPTIONS}),
        (12, 4000, {HangUp.SUBSCRIPTIONS}),
    ],
)
def test_a_greedy_subscriber_is_dropped_and_others_hear_on(greedy, caplog, size, count, reasons):
    with publishing() as (worker, sink), Subscriber(sink.endpoint, b"hb.") as other:
        hears(worker, other)
        greedy(sink.endpoint, (b"%0*d" % (size, number) for number in range(count)))
        assert longest_silence_s(worker, other, 1.5) < 1.0
        until(lambda: sink.attendance.connections == 1)
        closed = {reason for reason, times in sink.attendance.closed.items() if times}
        assert closed
        assert closed <= reasons
        assert caplog.text.count("connection closed listener=zeromq") == len(closed)


def test_a_greedy_subscriber_with_a_listed_key_is_dropped_too(greedy, tmp_path):
    server_key, secret_key = create_pair(tmp_path, "daemon")
    _, listed = create_pair(tmp_path / "clients", "listed")
    curve = CurveConfig(secret_key=secret_key, clients=tmp_path / "clients")
    with publishing(curve=curve) as (_, sink):
        topics = [b"%012d" % number for number in range(4000)]
        keys = {"server_key": server_key, "key": listed}
        with Subscriber(sink.endpoint, *topics, **keys, sndhwm=0):
            until(lambda: any(sink.attendance.closed.values()))


def test_a_subscriber_of_every_topic_of_256_cameras_stays(greedy):
    kinds = ("det", "status", "event", "count")
    with publishing() as (_, sink):
        greedy(sink.endpoint, [f"{kind}.{n:032d}.".encode() for kind in kinds for n in range(256)])
        until(lambda: sink.attendance.connections == 1)
        time.sleep(0.3)
        assert not any(sink.attendance.closed.values())
        assert sink.attendance.connections == 1


def test_silent_connections_make_room_for_who_subscribes():
    with publishing(most_connections=12) as (worker, sink), contextlib.ExitStack() as stack:
        silent(stack, sink, 40)
        with Subscriber(sink.endpoint, b"hb.") as subscriber:
            hears(worker, subscriber)
            silent(stack, sink, 40)
            time.sleep(0.2)
            hears(worker, subscriber)
        assert sink.attendance.connections <= 12
        assert sink.attendance.closed[HangUp.PEER] >= 60


def test_who_does_not_say_who_it_is_is_sent_away(monkeypatch):
    monkeypatch.setattr("sinks.listening.HANDSHAKE_S", 0.3)
    monkeypatch.setattr("sinks.doorman.HANDSHAKE_S", 0.3)
    with publishing() as (_, sink), contextlib.ExitStack() as stack:
        peer = silent(stack, sink, 1)[0]
        while peer.recv(100):
            pass
        until(lambda: sink.attendance.closed[HangUp.SLOW] == 1)


def test_a_socket_of_the_file_system_is_bounded_too(greedy, tmp_path):
    with publishing(bind=f"ipc://{tmp_path}/here") as (_, sink):
        greedy(sink.endpoint, (b"%012d" % number for number in range(4000)))
        until(lambda: sink.attendance.closed[HangUp.SUBSCRIPTIONS] == 1)
        until(lambda: sink.attendance.connections == 0)


def test_what_was_subscribed_and_ended_again_does_not_add_up():
    with publishing() as (worker, sink), Subscriber(sink.endpoint, b"hb.") as subscriber:
        for number in range(3000):
            subscriber.socket.subscribe(b"%012d" % number)
            subscriber.socket.unsubscribe(b"%012d" % number)
        hears(worker, subscriber)
        time.sleep(0.3)
        assert sink.attendance.closed[HangUp.SUBSCRIPTIONS] == 0


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_an_ipv6_address_can_be_bound_and_subscribed_to(host):
    with (
        publishing(bind=f"tcp://{host}:*") as (worker, sink),
        Subscriber(sink.endpoint, b"hb.", ipv6=host.startswith("[")) as subscriber,
    ):
        hears(worker, subscriber)
