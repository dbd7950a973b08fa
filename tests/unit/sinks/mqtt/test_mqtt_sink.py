import threading

import pytest

from config.mqtt import MqttConfig
from sinks.highlights import Highlight, Look
from sinks.links import LinkState
from sinks.messages import Kind
from sinks.mqtt.broker import Heard, LinkError, Reason
from sinks.mqtt.sink import MqttSink
from sinks.sink import KnowsCameras, LateSink, Loss, SinkWorker
from tests.support.fake_broker import FakeConnection
from tests.support.fakes import FakeClock, camera_config
from tests.support.messages import detection, event, heartbeat, status
from tests.support.waiting import until

GATE = camera_config(objects={"labels": ["person"]})
COMMAND = "vedette/lodge/gate/detect/set"


class Rig:
    def __init__(self, **config):
        self.clock = FakeClock()
        self.connection = FakeConnection(self.clock)
        self.there = threading.Event()
        self.turned = []
        self.sink = MqttSink(
            MqttConfig.model_validate({"host": "localhost"} | config),
            self.clock,
            node="lodge",
            cameras={"gate": GATE},
            turn=lambda camera, on: self.turned.append((camera, on)),
            connect=self.connect,
            chance=lambda: 0.0,
        )
        self.sink._link._stopping.wait = lambda _s: threading.Event().wait(0.001)
        self.worker = SinkWorker(self.sink, self.clock)

    def connect(self):
        if not self.there.is_set():
            raise LinkError(Reason.UNREACHABLE, "localhost:1883: connection refused")
        return self.connection

    def start(self):
        self.there.set()
        self.worker.open()
        self.worker.start()
        until(lambda: self.sink.link.state is LinkState.CONNECTED)

    def hear(self, topic, payload, *, retained=False):
        self.connection.heard.append(Heard(topic, payload, retained))
        until(lambda: not self.connection.heard)


@pytest.fixture
def rig():
    rig = Rig(commands=True)
    yield rig
    assert rig.worker.stop(0.0) or rig.worker.join(5.0)


def test_it_knows_cameras_and_keeps_books_of_its_own(rig):
    assert isinstance(rig.sink, KnowsCameras)
    assert isinstance(rig.sink, LateSink)


def test_answers_for_frames_are_taken_only_where_asked_for(rig):
    assert rig.sink.kinds == {Kind.STATUS, Kind.EVENT, Kind.COUNT}
    assert Kind.DETECTION in Rig(detections=True).sink.kinds
    rig.worker.put(detection())
    rig.worker.put(heartbeat({}))
    assert rig.worker.counts().queued == 0


def test_every_message_is_published_dropped_or_queued_at_any_time(rig):
    rig.worker.open()
    rig.worker.start()
    for seq in range(1, 1101):
        rig.worker.put(event(seq=seq))
        until(lambda: len(rig.worker._outbox) < 100)
    rig.worker.put(status())
    until(lambda: len(rig.worker._outbox) == 0)

    def books():
        counts = rig.worker.counts()
        return sum(counts.published.values()) + sum(counts.dropped.values()) + counts.queued

    until(lambda: books() == 1101)
    assert rig.worker.counts().dropped[Loss.AWAY] == 100
    rig.there.set()
    until(lambda: rig.worker.counts().published[Kind.EVENT] == 1000)
    assert books() == 1101
    assert rig.worker.counts().queued == 0


def test_a_command_turns_detection_of_its_camera_off_and_on(rig):
    rig.start()
    rig.hear(COMMAND, b"OFF")
    rig.hear(COMMAND, b"ON")
    until(lambda: rig.turned == [("gate", False), ("gate", True)])


@pytest.mark.parametrize(
    ("topic", "payload", "retained"),
    [
        (COMMAND, b"off", False),
        (COMMAND, b"", False),
        (COMMAND, b"OFF", True),
        ("vedette/lodge/yard/detect/set", b"OFF", False),
    ],
)
def test_what_is_no_command_for_a_camera_of_ours_turns_nothing(rig, topic, payload, retained):
    rig.start()
    rig.hear(topic, payload, retained=retained)
    rig.hear(COMMAND, b"ON")
    until(lambda: rig.turned == [("gate", True)])


def test_a_flood_of_what_is_no_command_is_a_line_a_minute(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.start()
    for _ in range(9):
        rig.hear(COMMAND, b"off")
    rig.clock.advance(61.0)
    rig.hear(COMMAND, b"off")
    rig.hear(COMMAND, b"ON")
    until(lambda: rig.turned == [("gate", True)])
    times = [one.args[1] for one in caplog.records if one.name == "sinks.mqtt.sink"]
    assert times == [1, 9]


def test_commands_are_neither_asked_for_nor_obeyed_by_default():
    rig = Rig()
    rig.start()
    assert not any("detect" in topic for topic in rig.connection.subscribed)
    rig.hear(COMMAND, b"OFF")
    assert rig.worker.stop(1.0)
    assert rig.turned == []


def test_devices_are_sent_again_when_home_assistant_comes(rig):
    topic = "homeassistant/device/vedette__lodge/gate/config"
    rig.start()
    until(lambda: rig.connection.payloads(topic))
    before = len(rig.connection.payloads(topic))
    rig.hear("homeassistant/status", b"offline")
    rig.hear("homeassistant/status", b"online")
    rig.worker.put(status())
    until(lambda: len(rig.connection.payloads(topic)) == before + 1)


def test_a_camera_that_is_turned_off_has_no_topics(rig):
    rig.start()
    rig.sink.use_cameras({"gate": GATE.model_copy(update={"enabled": False})})
    until(lambda: rig.connection.payloads("vedette/lodge/gate/count/person")[-1] == b"")


class FakeHighlights:
    def subscribe(self, look, listener=None):
        self.look, self.listener, self.closed = look, listener, False
        return self

    def of(self, object_id, *, wait_s=0.0):
        return None

    def close(self):
        self.closed = True


def test_best_pictures_are_kept_at_the_broker_in_the_size_asked_for():
    rig = Rig(snapshots={"width": 320, "most_kb": 100})
    highlights = rig.sink._highlights = FakeHighlights()
    rig.start()
    box = (0.0, 0.0, 1.0, 1.0)
    shown = Highlight("id", "gate", 1, "person", 0.9, box, (64, 48), 1, ended=False, jpeg=b"jpeg")
    highlights.listener(shown)
    until(lambda: rig.connection.payloads("vedette/lodge/gate/snapshot/person") == [b"jpeg"])
    assert highlights.look == Look(width=320, boxed=True, most_bytes=102_400)
    assert rig.worker.stop(1.0)
    assert highlights.closed


def test_without_snapshots_no_picture_is_asked_for():
    rig = Rig(snapshots=None)
    highlights = rig.sink._highlights = FakeHighlights()
    rig.start()
    assert not hasattr(highlights, "look")
    assert rig.worker.stop(1.0)


def test_cameras_that_leave_take_their_topics_with_them(rig):
    rig.start()
    rig.worker.put(status())
    until(lambda: rig.connection.payloads("vedette/lodge/gate/status"))
    rig.sink.use_cameras({})
    until(lambda: rig.connection.payloads("vedette/lodge/gate/status")[-1] == b"")


def test_what_is_told_of_it(rig):
    rig.start()
    told = rig.sink.told
    assert told.retained == 2  # the count of persons, the device
    assert told.held == {"label": 0, "cooldown": 0, "update": 0}
    assert rig.sink.link.place == "localhost:1883"
