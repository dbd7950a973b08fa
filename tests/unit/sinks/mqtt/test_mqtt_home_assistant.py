import json

import pytest

from sinks.mqtt.home_assistant import Devices
from sinks.mqtt.plan import Plan
from sinks.mqtt.topics import Topics
from tests.support.fakes import camera_config
from tests.support.home_assistant import DISCOVERY_TOPIC, FIELDS, faults, rendered

AREA = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
CAMERA = camera_config(
    objects={"labels": ["person", "traffic light"]},
    zones={"drive-way": {"area": AREA, "labels": ["person"]}, "lawn": {"area": AREA}},
    lines={"door": {"from": [0.1, 0.1], "to": [0.9, 0.9], "left": "in", "right": "out"}},
)


def device_of(camera="gate", config=CAMERA, *, commands=True, node="lodge", prefix="vedette"):
    devices = Devices(Topics(prefix, node), "homeassistant", commands=commands, pictures=True)
    made = devices.device(camera, Plan.of(config, ["person", "car"]))
    return made, json.loads(made.payload)


@pytest.mark.parametrize("place", FIELDS)
def test_every_field_has_a_published_source(place):
    source, required, known = FIELDS[place]
    assert "home-assistant" in source
    assert required <= known


def test_home_assistant_knows_every_field_of_a_device():
    made, config = device_of()
    assert faults(config) == []
    assert DISCOVERY_TOPIC.fullmatch(made.topic)
    assert {body["platform"] for body in config["components"].values()} == set(
        made.platforms.values()
    )


def test_a_camera_has_what_the_page_promises():
    _, config = device_of()
    names = {body["name"]: body for body in config["components"].values()}
    assert names.keys() == {
        "Connectivity",
        "Tampering",
        "Detection",
        "Person",
        "Person count",
        "Last person",
        "Last traffic light",
        "Traffic light",
        "Traffic light count",
        "Drive way person",
        "Drive way person count",
        "Lawn person",
        "Lawn person count",
        "Lawn traffic light",
        "Lawn traffic light count",
        "Door in",
        "Door out",
    }
    assert names["Person"]["device_class"] == "occupancy"
    assert names["Tampering"]["device_class"] == "problem"
    assert names["Connectivity"]["device_class"] == "connectivity"
    assert names["Door in"]["state_class"] == "total_increasing"
    assert names["Person count"]["state_class"] == "measurement"
    assert names["Lawn traffic light count"]["state_topic"] == (
        "vedette/lodge/gate/zone/lawn/traffic%20light"
    )
    assert names["Detection"]["command_topic"] == "vedette/lodge/gate/detect/set"


def test_without_commands_there_is_no_switch():
    _, config = device_of(commands=False)
    assert "switch" not in {body["platform"] for body in config["components"].values()}


def test_without_tracking_there_are_no_counts():
    _, config = device_of(config=camera_config(tracking={"enabled": False}))
    assert {body["name"] for body in config["components"].values()} == {
        "Connectivity",
        "Tampering",
        "Detection",
    }


def test_ids_are_stable_and_belong_to_one_camera_of_one_node_alone():
    ids = set()
    for node, camera in [("a", "b_c"), ("a_b", "c"), ("a-b", "c"), ("a", "b-c"), ("A", "b_c")]:
        _, config = device_of(camera, node=node)
        ids |= {body["unique_id"] for body in config["components"].values()}
        assert device_of(camera, node=node)[1] == config
    assert len(ids) == 5 * 17
    assert device_of("c", node="a_b")[0].topic != device_of("b_c", node="a")[0].topic


def test_all_of_its_availabilities_must_hold():
    _, config = device_of()
    assert config["availability_mode"] == "all"
    for body in config["components"].values():
        assert body.get("availability_mode", "all") == "all"
        topics = [one["topic"] for one in body.get("availability", config["availability"])]
        assert topics[0] == "vedette/lodge/available"


@pytest.mark.parametrize(
    ("state", "connected", "tampered", "counts"),
    [
        ("streaming", "ON", "OFF", "online"),
        ("tampered", "ON", "ON", "online"),
        ("stalled", "OFF", "OFF", "offline"),
        ("backoff", "OFF", "OFF", "offline"),
        ("disabled", "OFF", "OFF", "offline"),
    ],
)
def test_what_a_state_means_to_each_entity(state, connected, tampered, counts):
    _, config = device_of()
    names = {body["name"]: body for body in config["components"].values()}
    payload = json.dumps({"state": state})
    assert rendered(names["Connectivity"]["value_template"], payload) == connected
    assert rendered(names["Tampering"]["value_template"], payload) == tampered
    assert rendered(names["Person"]["availability"][1]["value_template"], payload) == counts


@pytest.mark.parametrize(("payload", "there"), [("0", "OFF"), ("1", "ON"), ("12", "ON")])
def test_occupancy_is_a_number_above_zero(payload, there):
    _, config = device_of()
    names = {body["name"]: body for body in config["components"].values()}
    assert rendered(names["Person"]["value_template"], payload) == there
