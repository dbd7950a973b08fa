"""Who is let in: CURVE keys against the folder of clients."""

import pytest
import zmq

from config.schema import CurveConfig
from daemon.clock import SystemClock
from sinks.keys import create_pair
from sinks.sink import SinkError
from sinks.zeromq import ZeromqSink
from tests.support.messages import heartbeat
from tests.support.subscribing import Subscriber, publishing, zeromq_config
from tests.support.waiting import until

pytestmark = pytest.mark.integration


class House:
    """The daemon's key, a listed client's and a stranger's."""

    def __init__(self, folder):
        self.clients = folder / "clients"
        self.server_key, self.secret_key = create_pair(folder, "daemon")
        _, self.listed = create_pair(self.clients, "listed")
        self.stranger_public, self.stranger = create_pair(folder, "stranger")
        self.curve = CurveConfig(secret_key=self.secret_key, clients=self.clients)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def heard(worker, subscriber, timeout_s=5.0):
    """Whether one of many heartbeats gets through."""
    rounds = int(timeout_s / 0.05)
    for _ in range(rounds):
        worker.put(heartbeat({}))
        if subscriber.read(1, 0.05):
            return True
    return False


def test_listed_key_gets_messages_and_nobody_else(house):
    keys = {"server_key": house.server_key}
    with (
        publishing(curve=house.curve) as (worker, sink),
        Subscriber(sink.endpoint, key=house.listed, **keys) as listed,
        Subscriber(sink.endpoint, key=house.stranger, **keys) as stranger,
        Subscriber(sink.endpoint) as plaintext,
    ):
        assert heard(worker, listed)
        assert not heard(worker, stranger, 0.4)
        assert not heard(worker, plaintext, 0.4)
        assert heard(worker, listed)


def test_key_that_is_added_while_running_gets_in(house, monkeypatch):
    monkeypatch.setattr("sinks.zeromq.REFRESH_S", 0.05)
    keys = {"server_key": house.server_key, "key": house.stranger}
    with publishing(curve=house.curve) as (worker, sink):
        with Subscriber(sink.endpoint, **keys) as refused:
            assert not heard(worker, refused, 0.3)
        (house.clients / "stranger.key").write_bytes(house.stranger_public.read_bytes())
        clients = sink._socket._clients
        until(lambda: len(clients._listing) == 2)
        with Subscriber(sink.endpoint, **keys) as welcome:
            assert heard(worker, welcome)


def test_key_that_is_removed_stays_out_after_reconnecting(house, monkeypatch):
    monkeypatch.setattr("sinks.zeromq.REFRESH_S", 0.05)
    keys = {"server_key": house.server_key, "key": house.listed}
    with publishing(curve=house.curve) as (worker, sink):
        with Subscriber(sink.endpoint, **keys) as subscriber:
            assert heard(worker, subscriber)
        (house.clients / "listed.key").unlink()
        clients = sink._socket._clients
        until(lambda: not clients._listing)
        with Subscriber(sink.endpoint, **keys) as subscriber:
            assert not heard(worker, subscriber, 0.4)


def test_spoilt_folder_keeps_the_old_list_and_is_complained_about_once(house, monkeypatch, caplog):
    monkeypatch.setattr("sinks.zeromq.REFRESH_S", 0.02)
    keys = {"server_key": house.server_key, "key": house.listed}
    with publishing(curve=house.curve) as (worker, sink):
        (house.clients / "half.key").write_text("half a fi")
        until(lambda: len(caplog.messages) == 1)
        with Subscriber(sink.endpoint, **keys) as subscriber:
            assert heard(worker, subscriber)
    assert len(caplog.messages) == 1
    assert "half.key is not a key file" in caplog.messages[0]


def test_faults_of_keys_are_told_at_the_start(house):
    def fault(curve):
        with pytest.raises(SinkError) as caught:
            ZeromqSink(zeromq_config(curve=curve), SystemClock()).open()
        return str(caught.value)

    missing = house.clients / "missing"
    assert "missing cannot be read" in fault(
        CurveConfig(secret_key=house.secret_key, clients=missing)
    )
    house.secret_key.chmod(0o644)
    assert "open to others" in fault(house.curve)


def test_nobody_gets_in_when_nobody_answers_for_the_list(house):
    with publishing(curve=house.curve) as (worker, sink):
        sink._socket._clients.stop()
        keys = {"server_key": house.server_key, "key": house.listed}
        with Subscriber(sink.endpoint, **keys) as subscriber:
            assert not heard(worker, subscriber, 0.4)
    assert zmq.has("curve")
