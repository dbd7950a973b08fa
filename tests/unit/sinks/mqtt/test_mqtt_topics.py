from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from sinks.mqtt.home_assistant import token
from sinks.mqtt.topics import Topics, level

NAMES = st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable() or "/" in text)


@given(NAMES)
def test_every_name_is_one_level_of_a_topic_and_can_be_read_back(name):
    written = level(name)
    assert unquote(written, errors="strict") == name
    assert not set(written) & set("/+#\0 $")
    assert written.isascii()


def test_plain_names_stay_as_they_are():
    assert level("front_door-2.b~") == "front_door-2.b~"
    assert level("traffic light") == "traffic%20light"
    assert level("a/b+c#d") == "a%2Fb%2Bc%23d"
    assert level("Tür") == "T%C3%BCr"


@given(st.lists(NAMES, min_size=2, max_size=3), st.lists(NAMES, min_size=2, max_size=3))
def test_no_two_lists_of_names_are_joined_to_one_token(first, second):
    joined = ["__".join(map(token, names)) for names in (first, second)]
    assert (joined[0] == joined[1]) == (first == second)
    assert all(character.isalnum() or character in "_-" for character in joined[0])


def test_topics_of_a_node():
    topics = Topics("home/cameras", "lodge")
    assert topics.available == "home/cameras/lodge/available"
    assert topics.status("gate") == "home/cameras/lodge/gate/status"
    assert topics.event("gate") == "home/cameras/lodge/gate/event"
    assert topics.count("gate", "traffic light") == "home/cameras/lodge/gate/count/traffic%20light"
    assert topics.zone("gate", "yard", "car") == "home/cameras/lodge/gate/zone/yard/car"
    assert topics.line("gate", "door", "in") == "home/cameras/lodge/gate/line/door/in"
    assert topics.detect_set("gate") == "home/cameras/lodge/gate/detect/set"
