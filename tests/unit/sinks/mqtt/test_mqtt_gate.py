import pytest

from config.mqtt import MqttEventsConfig
from sinks.mqtt.gate import MOST_STORIES, EventGate, Held
from tests.support.messages import event


@pytest.fixture
def gate():
    return EventGate(MqttEventsConfig(update_every_s=5))


def told(gate, at_s, **fields):
    return gate.passes(event(**fields).message, at_s)


def test_an_object_comes_and_goes_and_its_updates_are_bounded(gate):
    assert told(gate, 0.0, phase="new")
    assert [told(gate, at_s, phase="update") for at_s in (1.0, 4.9, 5.0, 6.0, 10.0)] == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert told(gate, 10.1, phase="end")
    assert gate.held == {Held.LABEL: 0, Held.COOLDOWN: 0, Held.UPDATE: 3}


def test_updates_of_one_object_do_not_hold_back_those_of_another(gate):
    assert told(gate, 0.0, phase="new", id="a")
    assert told(gate, 0.0, phase="new", id="b")
    assert told(gate, 5.0, phase="update", id="a")
    assert told(gate, 5.0, phase="update", id="b")


def test_only_labels_that_are_asked_for(gate):
    gate = EventGate(MqttEventsConfig(labels=["car"]))
    assert not told(gate, 0.0, phase="new", label="person")
    assert told(gate, 0.0, phase="new", id="b", label="car")
    assert gate.held[Held.LABEL] == 1


def test_an_object_whose_label_becomes_one_that_is_asked_for_is_told_from_then_on():
    gate = EventGate(MqttEventsConfig(labels=["car"]))
    assert not told(gate, 0.0, phase="new", label="truck")
    assert told(gate, 1.0, phase="update", label="car")
    assert told(gate, 9.0, phase="end", label="truck")


def test_in_the_cooldown_whole_stories_are_hushed():
    gate = EventGate(MqttEventsConfig(cooldown_s=60))
    assert told(gate, 0.0, phase="new", id="a")
    assert not told(gate, 10.0, phase="new", id="b")
    assert not told(gate, 70.0, phase="update", id="b")
    assert told(gate, 70.0, phase="end", id="a")
    assert not told(gate, 71.0, phase="end", id="b")
    assert told(gate, 72.0, phase="new", id="c")
    assert gate.held[Held.COOLDOWN] == 3


def test_the_cooldown_counts_from_a_story_that_was_told_and_not_from_one_held_back():
    gate = EventGate(MqttEventsConfig(cooldown_s=60, labels=["person"]))
    assert not told(gate, 0.0, phase="new", id="a", label="car")
    assert told(gate, 1.0, phase="new", id="b")
    assert not told(gate, 50.0, phase="new", id="c")  # hushed: starts no cooldown of its own
    assert told(gate, 61.0, phase="new", id="d")


def test_each_label_camera_zone_and_way_across_a_line_has_its_own_cooldown():
    gate = EventGate(MqttEventsConfig(cooldown_s=60))
    stories = [
        {"phase": "new", "id": "1"},
        {"phase": "new", "id": "2", "label": "car"},
        {"phase": "new", "id": "3", "camera": "yard"},
        {"phase": "entered", "about": "zone", "zone": "drive", "id": "4"},
        {"phase": "entered", "about": "zone", "zone": "lawn", "id": "5"},
        {"phase": "crossed", "about": "line", "line": "door", "direction": "in", "id": "6"},
        {"phase": "crossed", "about": "line", "line": "door", "direction": "out", "id": "7"},
    ]
    assert all(told(gate, 0.0, **story) for story in stories)
    again = [story | {"id": story["id"] + "x"} for story in stories]
    assert not any(told(gate, 59.0, **story) for story in again)


def test_loitering_and_leaving_belong_to_entering():
    gate = EventGate(MqttEventsConfig(cooldown_s=60))
    zone = {"about": "zone", "zone": "drive"}
    assert told(gate, 0.0, phase="entered", id="a", **zone)
    assert not told(gate, 1.0, phase="entered", id="b", **zone)
    assert told(gate, 20.0, phase="loitering", id="a", **zone)
    assert not told(gate, 21.0, phase="loitering", id="b", **zone)
    assert told(gate, 30.0, phase="left", id="a", **zone)
    assert not told(gate, 31.0, phase="left", id="b", **zone)


def test_what_it_remembers_is_bounded():
    gate = EventGate(MqttEventsConfig(cooldown_s=1))
    for number in range(MOST_STORIES + 100):
        told(gate, 2.0 * number, phase="new", id=str(number), label=str(number))
    assert len(gate._stories) == MOST_STORIES
    assert len(gate._quiet_until_s) <= MOST_STORIES
