import json

import pytest

from config.mqtt import MqttConfig
from sinks.messages import CountMessage
from sinks.mqtt.manifest import Manifest
from sinks.mqtt.outgoing import Outgoing
from sinks.mqtt.scribe import Scribe
from sinks.mqtt.topics import Topics
from tests.support.fakes import camera_config
from tests.support.messages import EPOCH, NODE, detection, event, heartbeat, status

AREA = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
GATE = camera_config(
    objects={"labels": ["person"]},
    zones={"lawn": {"area": AREA}},
    lines={"door": {"from": [0.1, 0.1], "to": [0.9, 0.9], "left": "in", "right": "out"}},
)


class Rig:
    def __init__(self, **config):
        self.outgoing = Outgoing(available="v/available", manifest="v/retained")
        self.scribe = Scribe(
            MqttConfig.model_validate({"host": "localhost"} | config),
            Topics("vedette", NODE),
            self.outgoing,
            lambda: 100.0,
        )
        self.scribe.use({"gate": GATE})
        self.states = {}
        self.mail = []
        self.outgoing.connected(Manifest())
        self.send()

    def write(self, envelope):
        answer = self.scribe.write(getattr(envelope, "message", envelope))
        self.send()
        return answer

    def send(self):
        sent = []
        while (post := self.outgoing.take(events=True)) is not None:
            sent.append(post.topic)
            if post.retain:
                self.states[post.topic] = post.payload
            else:
                self.mail.append(post)
        return sent

    def of_gate(self):
        base = "vedette/lodge/gate/"
        return {
            topic.removeprefix(base): payload
            for topic, payload in self.states.items()
            if topic.startswith(base) and payload
        }


@pytest.fixture
def rig():
    return Rig()


def count(present, zones=None, lines=None, camera="gate"):
    return CountMessage(
        epoch=EPOCH,
        node=NODE,
        camera=camera,
        present=present,
        zones=zones or {},
        lines=lines or {},
        since_ns=1,
    )


def test_every_planned_topic_has_a_state_before_anything_was_seen(rig):
    assert rig.of_gate() == {
        "count/person": b"0",
        "zone/lawn/person": b"0",
        "line/door/in": b"0",
        "line/door/out": b"0",
    }


def test_counts_become_plain_numbers_and_what_is_gone_becomes_zero(rig):
    rig.write(count({"person": 2}, {"lawn": {"person": 1}}))
    assert rig.of_gate()["count/person"] == b"2"
    assert rig.of_gate()["zone/lawn/person"] == b"1"
    rig.write(count({}, {"lawn": {}}))
    assert rig.of_gate()["count/person"] == b"0"
    assert rig.of_gate()["zone/lawn/person"] == b"0"


def test_crossings_of_all_labels_are_added_up(rig):
    crossed = {"door": {"person": {"in": 2, "out": 1}, "dog": {"in": 1, "out": 0}}}
    rig.write(count({}, lines=crossed))
    assert rig.of_gate()["line/door/in"] == b"3"
    assert rig.of_gate()["line/door/out"] == b"1"


def test_only_numbers_that_changed_are_sent(rig):
    rig.write(count({"person": 2}))
    rig.scribe.write(count({"person": 2}, lines={"door": {"person": {"in": 1, "out": 0}}}))
    assert rig.send() == ["vedette/lodge/gate/line/door/in"]


def test_a_label_that_was_not_planned_gets_its_topic_once_it_is_seen(rig):
    rig.write(count({"traffic light": 1}))
    assert rig.of_gate()["count/traffic%20light"] == b"1"
    rig.write(count({}))
    assert rig.of_gate()["count/traffic%20light"] == b"0"


def test_a_status_is_kept_with_its_reason(rig):
    rig.write(status(state="backoff"))
    kept = json.loads(rig.of_gate()["status"])
    assert (kept["state"], kept["reason"], kept["node"]) == ("backoff", "timeout", "lodge")
    assert "detect/state" not in rig.of_gate()


def test_with_commands_the_switch_has_a_state():
    rig = Rig(commands=True)
    rig.write(status())
    assert rig.of_gate()["detect/state"] == b"ON"
    rig.write(status(state="disabled"))
    assert rig.of_gate()["detect/state"] == b"OFF"


def test_events_are_confirmed_and_not_kept(rig):
    assert rig.write(event(seq=7)) is False
    (post,) = rig.mail
    assert (post.topic, post.qos, post.retain) == ("vedette/lodge/gate/event", 1, False)
    assert json.loads(post.payload)["event_seq"] == 7


def test_an_event_that_the_gate_holds_is_not_sent():
    rig = Rig(events={"labels": ["car"]})
    assert rig.write(event()) is False
    assert rig.mail == []


def test_answers_for_frames_are_sent_once_and_not_kept(rig):
    rig.write(detection())
    (post,) = rig.mail
    assert (post.topic, post.qos, post.retain) == ("vedette/lodge/gate/detections", 0, False)


def test_of_a_camera_that_is_not_there_nothing_is_said(rig):
    for envelope in (event("yard"), status("yard"), detection("yard"), count({}, camera="yard")):
        rig.write(envelope)
    assert rig.mail == []
    assert not any("yard" in topic for topic in rig.states)
    assert rig.write(heartbeat({"gate": 1})) is True


def test_a_camera_that_leaves_leaves_nothing_behind(rig):
    rig.write(status())
    rig.write(count({"traffic light": 1}))
    rig.scribe.use({"yard": GATE})
    rig.send()
    assert rig.of_gate() == {}
    kept = {topic for topic, payload in rig.states.items() if payload}
    assert {topic for topic in kept if "device" in topic} == {
        "homeassistant/device/vedette__lodge/yard/config"
    }
    listed = json.loads(rig.states["v/retained"])["topics"]
    assert sorted(listed) == sorted(kept - {"v/retained", "v/available"})


def test_labels_zones_and_lines_that_go_take_their_topics_with_them(rig):
    rig.write(count({"person": 1}, {"lawn": {"person": 1}}))
    rig.scribe.use({"gate": camera_config(objects={"labels": ["car"]})})
    rig.send()
    assert rig.of_gate() == {"count/car": b"0"}


def test_numbers_go_on_where_another_part_of_the_camera_changed(rig):
    rig.write(count({"person": 3}))
    rig.scribe.use({"gate": GATE.model_copy(update={"lines": {}})})
    rig.send()
    assert rig.of_gate()["count/person"] == b"3"


def test_without_home_assistant_no_device_is_told():
    rig = Rig(home_assistant=None)
    assert not any(topic.startswith("homeassistant") for topic in rig.states)
