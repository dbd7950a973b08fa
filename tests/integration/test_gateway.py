"""A gateway between real publishers and subscribers: what passes, what does not, and its end."""

import json
import time

import msgspec
import pytest

from config.schema import GuestCurveConfig
from sinks.envelope import Envelope
from sinks.keys import create_pair
from sinks.messages import DetectionMessage, HeartbeatMessage, StatusMessage
from tests.support.daemon_process import running_daemon
from tests.support.example_subscribers import reading
from tests.support.gateway_process import publishing_to, running_gateway
from tests.support.messages import count, detection, event, heartbeat, status
from tests.support.subscribing import Subscriber
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def granted(envelope, grant, node="a"):
    """The same message, said by a node under a grant."""
    message = msgspec.structs.replace(envelope.message, grant=grant, node=node)
    return Envelope(message, envelope.captured_s)


def seqs(messages):
    return [m.seq for m in messages if isinstance(m, DetectionMessage)]


def met(worker, subscriber):
    """The subscription has come as far as the gateway: a message gets through."""
    until(lambda: worker.put(heartbeat({}, node="probe")) or bool(subscriber.read(1, 0.05)), 10)
    while subscriber.read(1, 0.2):
        pass
    subscriber.received.clear()


@pytest.fixture
def gateway(tmp_path):
    with running_gateway(tmp_path / "gateway") as gateway:
        yield gateway


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_every_message_of_many_daemons_arrives_unchanged_and_in_order(gateway, encoding):
    with (
        publishing_to(gateway.publishers, encoding=encoding) as (one, _),
        publishing_to(gateway.publishers, encoding=encoding) as (other, _),
        Subscriber(gateway.subscribers, rcvhwm=0) as subscriber,
    ):
        met(one, subscriber)
        met(other, subscriber)
        for seq in range(1, 301):
            one.put(granted(detection("gate", seq, objects=3), 1, "a"))
            other.put(granted(detection("yard", seq, objects=3), 2, "b"))
        messages = [m for m in subscriber.read(600) if isinstance(m, DetectionMessage)]
        for camera, node, grant in (("gate", "a", 1), ("yard", "b", 2)):
            of = [m for m in messages if m.camera == camera]
            assert [m.seq for m in of] == list(range(1, 301))
            assert {(m.node, m.grant, len(m.detections)) for m in of} == {(node, grant, 3)}
        for envelope in (event(), count(), status("gate", "stalled")):
            one.put(granted(envelope, 1))
        assert len(subscriber.read(3)) == 3


def test_a_node_that_lost_a_camera_is_not_heard_and_its_other_cameras_are(gateway):
    with (
        publishing_to(gateway.publishers) as (old, _),
        publishing_to(gateway.publishers) as (new, _),
        Subscriber(gateway.subscribers, b"det.", b"status.", b"hb.") as subscriber,
    ):
        met(old, subscriber)
        old.put(granted(detection("gate", 1), 5, "a"))
        assert seqs(subscriber.read(1)) == [1]
        new.put(granted(status("gate"), 6, "b"))
        assert subscriber.read(1)[0].node == "b"
        for seq in range(2, 12):
            old.put(granted(detection("gate", seq), 5, "a"))
        old.put(granted(status("gate", "stalled"), 5, "a"))
        old.put(granted(detection("yard", 1), 5, "a"))
        new.put(granted(detection("gate", 1), 6, "b"))
        heard = subscriber.read(2)
        assert sorted((m.camera, m.node) for m in heard) == [("gate", "b"), ("yard", "a")]
        assert subscriber.read(1, 0.3) == []
        said = gateway.get_json("/api/v1/status")
        assert said["refused"] == {"grant": 11, "malformed": 0, "crowded": 0}
        assert said["late"] == {"gate": 11}
        grants = gateway.get_json("/api/v1/grants?camera=gate")["grants"]
        assert (grants["gate"]["grant"], grants["gate"]["node"]) == (6, "b")
        metrics = gateway.get("/metrics")[1].decode()
        assert 'vedette_gateway_grants_rejected_total{camera="gate"} 11.0' in metrics


def test_an_older_grant_is_not_heard_after_the_gateway_was_killed_and_started_anew(gateway):
    with (
        publishing_to(gateway.publishers) as (worker, sink),
        Subscriber(gateway.subscribers, b"det.") as subscriber,
    ):
        until(
            lambda: worker.put(granted(detection(seq=1), 6, "b")) or bool(subscriber.read(1, 0.05))
        )
        until(lambda: (gateway.config.parent / "grants.json").exists())
        gateway.kill()
        until(lambda: sink.subscribers == 0)
        gateway.start()
        until(lambda: sink.subscribers == 1, 10)
        assert not gateway.get_json("/api/v1/grants")["settled"]
        worker.put(granted(detection(seq=2), 5, "a"))
        until(
            lambda: (
                worker.put(granted(detection("yard", 3), 1, "a"))
                or any(m.camera == "yard" for m in subscriber.read(1, 0.05))
            )
        )
        assert 2 not in seqs(m for _, m in subscriber.received)
        assert gateway.get_json("/api/v1/status")["late"] == {"gate": 1}


def test_newcomers_are_told_the_last_values_of_every_node(gateway):
    with (
        publishing_to(gateway.publishers) as (one, _),
        publishing_to(gateway.publishers) as (other, _),
    ):
        one.put(granted(status("gate"), 1, "a"))
        one.put(granted(count("gate"), 1, "a"))
        one.put(heartbeat({"gate": 0}, node="a"))
        other.put(granted(status("yard", "stalled"), 1, "b"))
        other.put(heartbeat({"yard": 0}, node="b"))
        until(lambda: sum(gateway.get_json("/api/v1/status")["passed"].values()) == 5)
        with Subscriber(gateway.subscribers) as late:
            messages = late.read(5)
            states = {m.camera: m.state for m in messages if isinstance(m, StatusMessage)}
            assert states == {"gate": "streaming", "yard": "stalled"}
            beats = {m.node for m in messages if isinstance(m, HeartbeatMessage)}
            assert beats == {"a", "b"}
        other.put(heartbeat({}, node="b"))  # yard has left it
        until(lambda: sum(gateway.get_json("/api/v1/status")["passed"].values()) == 6)
        with Subscriber(gateway.subscribers, b"status.") as later:
            assert [m.camera for m in later.read(2, 0.6)] == ["gate"]


def test_what_is_no_message_is_counted_and_costs_nothing_else(gateway):
    import zmq

    with (
        publishing_to(gateway.publishers) as (worker, _),
        Subscriber(gateway.subscribers) as subscriber,
        zmq.Context() as context,
        context.socket(zmq.PUB) as stranger,
    ):
        stranger.linger = 0
        met(worker, subscriber)
        stranger.connect(gateway.publishers)

        def refused():
            for parts in ([b"det.gate."], [b"det.gate.", b"x"], [b"a", b"b", b"c"], [b"", b"{}"]):
                stranger.send_multipart(parts)
            return gateway.get_json("/api/v1/status")["refused"]["malformed"] >= 4

        until(refused)
        worker.put(granted(detection(seq=1), 1))
        assert seqs(subscriber.read(1)) == [1]


def test_two_gateways_give_everything_twice_and_one_of_them_is_enough(tmp_path):
    with (
        running_gateway(tmp_path / "one") as one,
        running_gateway(tmp_path / "two") as two,
        publishing_to(one.publishers, two.publishers) as (worker, sink),
        Subscriber(one.subscribers, b"det.", rcvhwm=0) as subscriber,
    ):
        subscriber.socket.connect(two.subscribers)
        numbers = iter(range(1, 10_000))

        def copies_come(copies):
            number = next(numbers)
            worker.put(granted(detection(seq=number), 1))
            return seqs(subscriber.read(copies, 0.3)) == [number] * copies

        until(lambda: copies_come(2), 10)
        one.kill()
        until(lambda: sink.subscribers == 1)
        before = len(subscriber.received)
        first = next(numbers)
        for seq in range(first, first + 200):
            worker.put(granted(detection(seq=seq), 1))
        subscriber.read(200)
        got = seqs(m for _, m in subscriber.received[before:])
        assert got == list(range(first, first + 200))


class House:
    """Keys of a gateway, of a daemon and of a subscriber, and of a stranger."""

    def __init__(self, folder):
        self.server_key, self.secret = create_pair(folder, "gateway")
        self.daemons, self.clients = folder / "daemons", folder / "clients"
        _, self.daemon = create_pair(self.daemons, "daemon")
        _, self.client = create_pair(self.clients, "client")
        self.stranger_public, self.stranger = create_pair(folder, "stranger")

    def side(self, folder):
        return {"curve": {"secret_key": str(self.secret), "clients": str(folder)}}

    def guest(self, key):
        return GuestCurveConfig(secret_key=key, server_key=self.server_key)


def test_each_side_lets_in_the_keys_of_its_own_folder_alone(tmp_path):
    house = House(tmp_path / "keys")
    sides = {
        "publishers": house.side(house.daemons),
        "subscribers": house.side(house.clients),
    }
    with (
        running_gateway(tmp_path / "gateway", **sides) as gateway,
        publishing_to(gateway.publishers, curve=house.guest(house.daemon)) as (worker, _),
        publishing_to(gateway.publishers, curve=house.guest(house.client), wait=False) as (
            stranger,
            stranger_sink,
        ),
        Subscriber(gateway.subscribers, server_key=house.server_key, key=house.client) as client,
        Subscriber(gateway.subscribers, server_key=house.server_key, key=house.daemon) as refused,
        Subscriber(gateway.subscribers) as plain,
    ):
        met(worker, client)
        for _ in range(10):
            stranger.put(granted(detection("yard", 1), 9))
            worker.put(granted(detection("gate", 1), 1))
            time.sleep(0.02)
        assert {m.camera for m in client.read(20, 1.0)} == {"gate"}
        assert refused.read(1, 0.1) == plain.read(1, 0.1) == []
        assert stranger_sink.subscribers == 0


def test_a_daemon_whose_key_is_added_later_gets_in_by_itself(tmp_path):
    house = House(tmp_path / "keys")
    with (
        running_gateway(tmp_path / "gateway", publishers=house.side(house.daemons)) as gateway,
        publishing_to(gateway.publishers, curve=house.guest(house.stranger), wait=False) as (
            _,
            sink,
        ),
    ):
        time.sleep(0.5)
        assert sink.subscribers == 0
        (house.daemons / "late.key").write_bytes(house.stranger_public.read_bytes())
        until(lambda: sink.subscribers == 1, 15)


def test_http_asks_for_the_token_but_for_its_health(tmp_path):
    token = tmp_path / "token"
    token.write_text("s" * 32)
    token.chmod(0o600)
    with running_gateway(tmp_path / "gateway", http={"token": f"file:{token}"}) as gateway:
        assert gateway.get("/healthz") == (200, b'{"status":"ok"}')
        assert gateway.get("/api/v1/grants")[0] == 401
        status, body = gateway.get("/api/v1/grants?island=a", token="s" * 32)
        assert (status, json.loads(body)["grants"]) == (200, {})
        assert gateway.get("/metrics")[0] == 401
        _, metrics = gateway.get("/metrics", token="s" * 32)
        assert b"vedette_gateway_islands 1.0" in metrics


def test_it_ends_clean_with_everybody_connected(gateway):
    with (
        publishing_to(gateway.publishers) as (worker, _),
        Subscriber(gateway.subscribers) as subscriber,
    ):
        met(worker, subscriber)
        started_s = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - started_s < 3.0
        assert "stopped passed=" in gateway.log


def test_a_port_that_is_taken_is_said_with_the_field(tmp_path, gateway):
    import subprocess
    import sys

    file = tmp_path / "second.yaml"
    file.write_text(
        json.dumps(
            {
                "version": 1,
                "publishers": {"bind": gateway.publishers},
                "http": {"listen": "127.0.0.1:1"},
            }
        )
    )
    command = [sys.executable, "-m", "daemon.cli", "gateway", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "publishers.bind" in done.stderr or "http.listen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("language", ["python", "node"])
def test_examples_tell_everything_once_through_two_gateways_and_one_may_die(tmp_path, language):
    with (
        running_gateway(tmp_path / "one") as one,
        running_gateway(tmp_path / "two") as two,
        publishing_to(one.publishers, two.publishers) as (worker, sink),
        reading(language, f"{one.subscribers},{two.subscribers}") as lines,
    ):
        number = 0

        def say(count):
            nonlocal number
            for _ in range(count):
                number += 1
                worker.put(granted(detection(seq=number), 5))

        def told():
            return [line for line in lines if line.startswith("gate ")]

        def counts(gateway):
            return gateway.get_json("/api/v1/status")["connections"][1]["connections"]

        until(lambda: counts(one) == counts(two) == 1, 10)
        for _ in range(3):
            worker.put(heartbeat({"gate": number}, node="a"))
        until(lambda: say(1) or told(), 10)
        first = int(told()[0].split()[1])
        say(100)
        one.kill()
        until(lambda: sink.subscribers == 1)
        say(100)
        worker.put(granted(detection(seq=1), 4))  # of a node that no longer has the camera
        for _ in range(2):
            worker.put(heartbeat({"gate": number}, node="a"))
        until(lambda: told() and told()[-1] == f"gate {number} person 0.91", 10)
        assert [int(line.split()[1]) for line in told()] == list(range(first, number + 1))
        assert not [line for line in lines if line.startswith("lost")]


def test_a_daemon_publishes_through_a_gateway_from_its_start_and_after_a_reload(gateway, tmp_path):
    through = {"zeromq": {"connect": {"to": [gateway.publishers]}}}
    config = {
        "batching": {"max_batch": 1},
        "cameras": {"gate": {"url": "synthetic://scene?size=320x240&fps=10"}},
        "sinks": through,
    }
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for(": ready")
        with Subscriber(gateway.subscribers, b"det.") as subscriber:
            assert subscriber.read(2)[0].camera == "gate"
        assert daemon.reload(sinks={"zeromq": {"bind": daemon.zeromq}}).startswith("applied")
        until(lambda: gateway.get_json("/api/v1/status")["connections"][0]["connections"] == 0)
        with Subscriber(daemon.zeromq, b"det.") as direct:
            assert direct.read(1)
        assert daemon.reload(sinks=through).startswith("applied")
        with Subscriber(gateway.subscribers, b"det.") as subscriber:
            assert subscriber.read(1)
        assert daemon.stop()[0] == 0
