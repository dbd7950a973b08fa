"""The MQTT sink and a real mosquitto, which comes, goes, refuses and hangs."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.schema import Config
from sinks.links import LinkState
from sinks.messages import Kind
from sinks.mqtt.outgoing import MOST_EVENTS
from sinks.sink import Loss, SinkError
from tests.support.daemon_process import free_port
from tests.support.fault_proxy import silent_server
from tests.support.messages import detection, event, status
from tests.support.mosquitto import Mosquitto, Watching, kept, mosquitto
from tests.support.mqtt_rig import GATE, mqtt_rig
from tests.support.require import program
from tests.support.waiting import until

pytestmark = pytest.mark.integration

BASE = "vedette/lodge"
AVAILABLE = f"{BASE}/available"
EVENT = f"{BASE}/gate/event"
STATUS = f"{BASE}/gate/status"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.mark.parametrize("protocol", ["3.1.1", 5])
def test_states_are_kept_events_are_not_and_a_clean_stop_says_offline(broker, protocol) -> None:
    with Watching(broker.port) as watching:
        with mqtt_rig(broker.port, protocol=protocol, detections=True) as rig:
            rig.worker.put(status())
            rig.worker.put(event(seq=3))
            rig.worker.put(detection(seq=9))
            rig.settled()
            until(lambda: watching.last(AVAILABLE) == b"online")
            until(lambda: watching.of(EVENT) and watching.of(f"{BASE}/gate/detections"))
            counts = rig.worker.counts()
        assert counts.published[Kind.EVENT] == 1
        assert counts.published[Kind.DETECTION] == 1
        assert sum(counts.dropped.values()) == 0
        until(lambda: watching.last(AVAILABLE) == b"offline")
    states = kept(broker.port, f"{BASE}/#")
    assert json.loads(states[STATUS])["state"] == "streaming"
    assert states[f"{BASE}/gate/count/person"] == b"0"
    assert states[f"{BASE}/gate/line/door/in"] == b"0"
    assert EVENT not in states
    listed = json.loads(states[f"{BASE}/retained"])["topics"]
    assert set(listed) == set(kept(broker.port)) - {AVAILABLE, f"{BASE}/retained"}


def test_a_broker_that_is_away_at_the_start_is_found_when_it_comes(tmp_path: Path) -> None:
    broker = keeping(tmp_path)
    with mqtt_rig(broker.port) as rig:
        rig.worker.put(status())
        for seq in range(1, 4):
            rig.worker.put(event(seq=seq))
        rig.away("unreachable")
        until(lambda: rig.worker.counts().queued == 3)
        broker.start()
        try:
            rig.connected(20)
            rig.settled()
            with Watching(broker.port, name="watching") as watching:
                until(lambda: len(watching.of(EVENT)) == 3)
                assert [json.loads(one)["event_seq"] for one in watching.of(EVENT)] == [1, 2, 3]
                until(lambda: watching.last(AVAILABLE) == b"online")
                assert rig.sink.link.reason == ""
        finally:
            broker.stop()


def keeping(folder: Path) -> Mosquitto:
    """A broker that is not running, and that will keep what comes for the client `watching`."""
    broker = Mosquitto(folder, ["allow_anonymous true", "max_queued_messages 0"], keeps=True)
    broker.start()
    with Watching(broker.port, [f"{BASE}/#"], name="watching"):
        pass
    broker.stop()
    return broker


def test_a_broker_that_comes_back_empty_gets_everything_again(broker: Mosquitto) -> None:
    with mqtt_rig(broker.port) as rig:
        rig.worker.put(status())
        rig.connected()
        rig.settled()
        before = kept(broker.port)
        broker.stop()
        rig.away("lost")
        broker.start()
        rig.connected(20)
        rig.settled()
        until(lambda: kept(broker.port).keys() == before.keys())
        assert rig.sink.link.connects == 2


def test_of_events_that_a_broker_was_away_for_the_newest_are_kept(tmp_path: Path) -> None:
    broker = keeping(tmp_path)
    with mqtt_rig(broker.port) as rig:
        for seq in range(1, MOST_EVENTS + 101):
            rig.worker.put(event(seq=seq))
            until(lambda: len(rig.worker._outbox) < 500)  # the daemon's are bounded, too
        until(lambda: rig.worker.counts().queued == MOST_EVENTS)
        assert rig.worker.counts().dropped[Loss.AWAY] == 100
        broker.start()
        try:
            rig.connected(20)
            rig.settled(30)
            with Watching(broker.port, name="watching") as watching:
                until(lambda: len(watching.of(EVENT)) >= MOST_EVENTS)
            seqs = [json.loads(one)["event_seq"] for one in watching.of(EVENT)]
            assert seqs == list(range(101, MOST_EVENTS + 101))
            until(lambda: rig.worker.counts().published[Kind.EVENT] == MOST_EVENTS)
        finally:
            broker.stop()


def test_fewer_cameras_after_a_restart_leave_no_ghost(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        with mqtt_rig(broker.port, {"gate": GATE, "yard": GATE}) as rig:
            rig.worker.put(status("gate"))
            rig.worker.put(status("yard"))
            rig.connected()
            rig.settled()
        assert any("yard" in topic for topic in kept(broker.port))
        with mqtt_rig(broker.port, {"gate": GATE}) as rig:
            rig.connected()
            rig.settled()
            until(lambda: not any("yard" in topic for topic in kept(broker.port)))
            assert f"{BASE}/gate/count/person" in kept(broker.port)


def test_a_camera_that_leaves_at_a_reload_is_cleared_at_once(broker: Mosquitto) -> None:
    with mqtt_rig(broker.port, {"gate": GATE, "yard": GATE}) as rig:
        rig.connected()
        rig.settled()
        rig.sink.use_cameras({"gate": GATE})
        until(lambda: not any("yard" in topic for topic in kept(broker.port)))


@pytest.mark.parametrize("protocol", ["3.1.1", 5])
def test_a_wrong_password_is_told_and_not_repeated_in_haste(tmp_path: Path, protocol) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        [
            program("mosquitto_passwd", package="mosquitto"),
            *("-b", "-c", str(passwords), "vedette", "right"),
        ],
        check=True,
        capture_output=True,
    )
    login = tmp_path / "login"
    login.write_text("vedette:wrong\n")
    login.chmod(0o600)
    options = {"credential": f"file:{login}", "protocol": protocol}
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    with mosquitto(tmp_path, lines) as broker, mqtt_rig(broker.port, **options) as rig:
        rig.away("login")
        report = rig.sink.link
        assert "refused us" in report.detail
        assert "wrong" not in report.detail
        assert report.retry_s is not None
        assert report.retry_s >= 15.0
        login.write_text("vedette:right\n")
    with mosquitto(tmp_path, lines) as broker, mqtt_rig(broker.port, **options) as rig:
        rig.connected()


class Authority:
    """Makes certificates with openssl."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.certificate = folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                      "-out", f"{name}.pem")  # fmt: skip

    def sign(self, name: str, host: str) -> tuple[Path, Path]:
        """Certificate and key of `host`."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\n" if host else "")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                      "-out", f"{name}.csr")  # fmt: skip
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey",
                      f"{self.name}.key", "-CAcreateserial", "-days", "2", "-extfile",
                      f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        openssl = program("openssl", package="openssl")
        subprocess.run([openssl, *arguments], cwd=self.folder, check=True, capture_output=True)


def test_encrypted_with_our_own_certificate_and_not_with_a_stranger(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.sign("broker", "localhost")
    client, client_key = ours.sign("client", "")
    lines = [
        *(f"certfile {certificate}", f"keyfile {key}", f"cafile {ours.certificate}"),
        *("require_certificate true", "allow_anonymous true"),
    ]
    mine = {"certificate": str(client), "key": str(client_key)}
    with mosquitto(tmp_path, lines) as broker:
        with mqtt_rig(broker.port, tls={"ca": str(ours.certificate)} | mine) as rig:
            rig.worker.put(status())
            rig.connected()
            rig.settled()
            assert rig.sink.told.retained > 5
        with mqtt_rig(broker.port, tls={"ca": str(theirs.certificate)} | mine) as rig:
            rig.away("tls")
            assert "certificate" in rig.sink.link.detail or "issuer" in rig.sink.link.detail
        with mqtt_rig(broker.port, tls={"ca": str(ours.certificate)}) as rig:
            until(lambda: rig.sink.link.failures)  # it does not say who it is
            assert rig.sink.link.state is not LinkState.CONNECTED


def test_tls_files_that_cannot_be_used_fail_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for tls in ({"ca": str(tmp_path / "missing.pem")}, {"ca": str(empty)}):
        with (
            mqtt_rig(free_port(), start=False, tls=tls) as rig,
            pytest.raises(SinkError, match="tls"),
        ):
            rig.worker.open()


def test_a_login_that_cannot_be_read_fails_the_start(tmp_path: Path) -> None:
    options = {"credential": f"file:{tmp_path / 'missing'}"}
    with mqtt_rig(free_port(), start=False, **options) as rig:  # noqa: SIM117
        with pytest.raises(SinkError, match="cannot be read"):
            rig.worker.open()


def test_a_name_that_nobody_knows_is_told() -> None:
    with mqtt_rig(1883, host="broker.invalid") as rig:
        rig.away("name")


def test_what_listens_and_is_no_broker_is_given_up() -> None:
    with silent_server() as port, mqtt_rig(port) as rig:
        rig.away("timeout", 15)


def test_two_daemons_share_a_prefix_and_each_keeps_to_its_own(broker: Mosquitto) -> None:
    with Watching(broker.port) as watching, mqtt_rig(broker.port, node="shed") as shed:
        shed.worker.put(status())
        with mqtt_rig(broker.port, node="lodge") as lodge:
            lodge.worker.put(status())
            for rig in (shed, lodge):
                rig.connected()
                rig.settled()
            until(lambda: watching.last(AVAILABLE) == b"online")
        until(lambda: watching.last(AVAILABLE) == b"offline")
        assert watching.last("vedette/shed/available") == b"online"
        states = kept(broker.port)
        for node in ("shed", "lodge"):
            assert f"vedette/{node}/gate/count/person" in states
            assert f"homeassistant/device/vedette__{node}/gate/config" in states


def test_a_second_daemon_of_the_same_name_is_told(broker: Mosquitto) -> None:
    with mqtt_rig(broker.port) as first, mqtt_rig(broker.port) as second:
        rigs = (first, second)
        until(lambda: any("another client" in rig.sink.link.detail for rig in rigs), 30)


def test_a_broker_that_hangs_is_given_up_and_nothing_waits_for_it(broker: Mosquitto) -> None:
    with mqtt_rig(broker.port, keepalive_s=5, detections=True) as rig:
        rig.connected()
        rig.settled()
        broker.pause()
        try:
            big = detection(objects=100)
            stopped = threading.Event()

            def feed() -> None:
                while not stopped.wait(0.002):
                    rig.worker.put(big)

            feeder = threading.Thread(target=feed)
            feeder.start()
            began_s = time.monotonic()
            slowest_s = 0.0
            while time.monotonic() < began_s + 3.0:
                put_s = time.monotonic()
                rig.worker.put(status())
                slowest_s = max(slowest_s, time.monotonic() - put_s)
            stopped.set()
            feeder.join()
            assert slowest_s < 0.5
            assert rig.worker.counts().queued < 2000
            rig.away("lost", 15)
        finally:
            broker.resume()
        rig.connected(20)


def test_discovery_is_sent_again_when_home_assistant_comes(broker: Mosquitto) -> None:
    topic = "homeassistant/device/vedette__lodge/gate/config"
    with mqtt_rig(broker.port) as rig, Watching(broker.port) as watching:
        rig.connected()
        rig.settled()
        until(lambda: watching.of(topic))
        before = len(watching.of(topic))
        watching.publish("homeassistant/status", b"online")
        until(lambda: len(watching.of(topic)) > before)


def test_the_configuration_takes_it(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"version": 1, "cameras": {"a": {"url": "synthetic://x"}}, "sinks": {"mqtt": {"host": "b"}}}
    )
    assert config.sinks.mqtt is not None
