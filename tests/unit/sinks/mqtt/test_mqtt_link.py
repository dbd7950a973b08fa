import json
import threading

import pytest

from sinks.messages import Kind
from sinks.mqtt.broker import Heard, LinkError, Reason
from sinks.mqtt.link import MOST_IN_FLIGHT, Link, LinkState
from sinks.mqtt.manifest import Manifest
from sinks.mqtt.outgoing import Outgoing, Post
from sinks.mqtt.topics import Topics
from tests.support.fake_broker import FakeConnection
from tests.support.fakes import FakeClock
from tests.support.waiting import until

TOPICS = Topics("vedette", "lodge")


class Rig:
    def __init__(self):
        self.clock = FakeClock()
        self.connections = []
        self.ready = []
        self.commands = []
        self.outgoing = Outgoing(
            available=TOPICS.available, manifest=TOPICS.retained, wake=lambda: None
        )
        self.link = Link(
            self.connect,
            self.outgoing,
            TOPICS,
            self.clock,
            place="broker:1883",
            name="vedette-lodge",
            random=lambda: 0.0,
            roots=["vedette/lodge/"],
            subscriptions=["homeassistant/status"],
            hear=self.commands.append,
        )
        self.link._stopping.wait = lambda _s: threading.Event().wait(0.001)

    def connect(self):
        if not self.ready:
            raise LinkError(Reason.UNREACHABLE, "broker:1883: connection refused")
        connection = self.ready.pop(0)
        if isinstance(connection, LinkError):
            raise connection
        self.connections.append(connection)
        return connection

    def offer(self, **options):
        connection = FakeConnection(self.clock, **options)
        self.ready.append(connection)
        return connection

    def until(self, state):
        until(lambda: self.link.report.state is state)


@pytest.fixture
def rig():
    rig = Rig()
    yield rig
    assert rig.link.stop(5.0)


def event(number):
    return Post("vedette/lodge/gate/event", b"%d" % number, qos=1, kind=Kind.EVENT)


def test_states_are_brought_and_online_is_said_last(rig):
    connection = rig.offer()
    rig.outgoing.keep("vedette/lodge/gate/status", b"{}")
    rig.link.start()
    until(lambda: connection.payloads(TOPICS.available))
    assert [post.topic for post in connection.sent] == [
        TOPICS.retained,
        "vedette/lodge/gate/status",
        TOPICS.available,
    ]
    assert connection.subscribed == [TOPICS.retained, "homeassistant/status"]
    assert rig.link.report.state is LinkState.CONNECTED


def test_a_broker_that_is_away_is_tried_again_and_said_once(rig, caplog):
    rig.link.start()
    until(lambda: rig.link.report.failures > 3)
    connection = rig.offer()
    rig.until(LinkState.CONNECTED)
    lines = [record.message for record in caplog.records if "broker away" in record.message]
    assert len(lines) == 1
    assert "reason=unreachable" in lines[0]
    assert rig.link.report.reason == ""
    assert connection.subscribed


def test_what_an_earlier_start_left_is_read_first_and_cleared(rig):
    ghost = "vedette/lodge/old/status"
    connection = rig.offer(before=Manifest([ghost, "vedette/lodge/gate/status"]))
    rig.outgoing.keep("vedette/lodge/gate/status", b"{}")
    rig.link.start()
    until(lambda: connection.payloads(TOPICS.available))
    assert connection.payloads(ghost) == [b""]
    assert connection.payloads("vedette/lodge/gate/status") == [b"{}"]
    assert json.loads(connection.payloads(TOPICS.retained)[-1])["topics"] == [
        "vedette/lodge/gate/status"
    ]


def test_our_own_manifest_that_comes_back_is_not_taken_for_an_older_one(rig):
    connection = rig.offer()
    connection.heard.append(Heard(TOPICS.retained, Manifest(["x"]).encoded(), retained=False))
    rig.link.start()
    until(lambda: connection.payloads(TOPICS.available))
    assert connection.payloads("x") == []


def test_events_that_were_not_confirmed_are_sent_again_after_a_break(rig):
    first = rig.offer(confirms=False)
    rig.link.start()
    rig.until(LinkState.CONNECTED)
    rig.outgoing.mail(event(1))
    until(lambda: event(1) in first.sent)
    second = rig.offer()
    first.broken = LinkError(Reason.LOST, "broker:1883 hung up")
    until(lambda: event(1) in second.sent)
    until(lambda: rig.outgoing.load().published[Kind.EVENT] == 1)


def test_so_many_events_wait_for_their_confirmation_and_no_more(rig):
    connection = rig.offer(confirms=False)
    rig.link.start()
    rig.until(LinkState.CONNECTED)
    for number in range(50):
        rig.outgoing.mail(event(number))
    of_gate = "vedette/lodge/gate/event"
    until(lambda: len(connection.payloads(of_gate)) == MOST_IN_FLIGHT)
    rig.outgoing.keep("vedette/lodge/gate/status", b"{}")
    until(lambda: connection.payloads("vedette/lodge/gate/status"))
    assert len(connection.payloads(of_gate)) == MOST_IN_FLIGHT
    assert rig.outgoing.load().waiting == 50  # those under way count too


def test_nothing_is_handed_to_a_connection_that_takes_nothing(rig):
    connection = rig.offer()
    rig.link.start()
    until(lambda: connection.payloads(TOPICS.available))
    connection.busy = True
    sent = len(connection.sent)
    for number in range(100):
        rig.outgoing.keep("vedette/lodge/gate/status", b"%d" % number)
    threading.Event().wait(0.02)
    assert len(connection.sent) == sent
    connection.busy = False
    until(lambda: connection.payloads("vedette/lodge/gate/status") == [b"99"])


def test_a_clean_stop_says_offline_after_what_was_waiting(rig):
    connection = rig.offer()
    rig.link.start()
    rig.until(LinkState.CONNECTED)
    rig.outgoing.mail(event(1))
    assert rig.link.stop(5.0)
    assert event(1) in connection.sent
    assert connection.sent[-1] == Post(TOPICS.available, b"offline", qos=1, retain=True)
    assert connection.closed
    assert rig.link.report.state is LinkState.CLOSED


def test_a_refused_login_waits_longer(rig):
    rig.ready.append(LinkError(Reason.LOGIN, "broker:1883 refused us: Not authorized"))
    waits = []
    rig.link._stopping.wait = lambda seconds: waits.append(seconds) or threading.Event().wait(0.001)
    rig.link.start()
    until(lambda: len(waits) > 1)
    assert waits[0] == 15.0  # half of 30 s, where chance is 0
    assert waits[1] < 1.0


def test_connections_that_never_last_are_told_with_their_likely_reason(rig, caplog):
    def losses():
        return [line for line in caplog.messages if "the connection was lost" in line]

    rig.link.start()
    for number in (1, 2, 3):
        connection = rig.offer()
        rig.until(LinkState.CONNECTED)
        connection.broken = LinkError(Reason.LOST, "broker:1883: the connection was lost")
        until(lambda count=number: len(losses()) == count)
    *first, last = losses()
    assert not any("another client" in line for line in first)
    assert "another client of the name vedette-lodge" in last


def test_what_comes_from_the_broker_is_passed_on(rig):
    connection = rig.offer()
    rig.link.start()
    rig.until(LinkState.CONNECTED)
    heard = Heard("homeassistant/status", b"online", retained=False)
    connection.heard.append(heard)
    until(lambda: rig.commands == [heard])


def test_a_bug_costs_a_connection_and_not_the_thread(rig, caplog):
    connection = rig.offer()
    rig.link.start()
    rig.until(LinkState.CONNECTED)
    rig.offer()
    connection.broken = ZeroDivisionError()
    until(lambda: len(rig.connections) == 2)
    assert "mqtt link failed" in caplog.text


def test_one_that_was_never_started_stops_at_once():
    assert Rig().link.stop(0.1)
