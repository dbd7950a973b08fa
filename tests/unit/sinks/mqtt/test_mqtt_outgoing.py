import json

import pytest

from sinks.messages import Kind
from sinks.mqtt.manifest import Manifest
from sinks.mqtt.outgoing import ONLINE, Outgoing, Post
from sinks.sink import Loss

AVAILABLE, MANIFEST = "v/lodge/available", "v/lodge/retained"


@pytest.fixture
def outgoing():
    return Outgoing(available=AVAILABLE, manifest=MANIFEST, most_topics=5, most_events=3)


def event(number):
    return Post("v/lodge/gate/event", b"%d" % number, qos=1, kind=Kind.EVENT)


def taken(outgoing, *, events=True):
    posts = []
    while (post := outgoing.take(events=events)) is not None:
        posts.append(post)
        if post.kind:
            outgoing.delivered(post)
    return posts


def connected(outgoing, before=None):
    outgoing.connected(before or Manifest())
    return taken(outgoing)


def listed(post):
    return json.loads(post.payload)["topics"]


def test_what_is_kept_is_listed_before_it_is_sent_and_online_comes_last(outgoing):
    outgoing.keep("a", b"1")
    outgoing.keep("b", b"2")
    posts = connected(outgoing)
    assert [post.topic for post in posts] == [MANIFEST, "a", "b", AVAILABLE]
    assert listed(posts[0]) == ["a", "b"]
    assert posts[-1].payload == ONLINE
    assert all(post.retain and post.qos == 0 for post in posts)


def test_of_a_state_only_the_newest_is_sent_and_nothing_where_it_is_the_same(outgoing):
    connected(outgoing)
    for number in range(100):
        outgoing.keep("a", b"%d" % number)
    assert [post.payload for post in taken(outgoing)][1:] == [b"99"]
    outgoing.keep("a", b"99")
    assert taken(outgoing) == []


def test_a_new_topic_is_listed_before_it_is_sent_and_a_known_one_is_not_listed_again(outgoing):
    outgoing.keep("a", b"1")
    connected(outgoing)
    outgoing.keep("a", b"2")
    assert [post.topic for post in taken(outgoing)] == ["a"]
    outgoing.keep("b", b"1")
    assert [post.topic for post in taken(outgoing)] == [MANIFEST, "b"]


def test_everything_is_sent_again_to_a_broker_that_comes_back(outgoing):
    outgoing.keep("a", b"1")
    first = connected(outgoing)
    assert connected(outgoing) == first


def test_what_is_forgotten_is_emptied_and_then_no_longer_listed(outgoing):
    outgoing.keep("a", b"1")
    outgoing.keep("b", b"1")
    connected(outgoing)
    outgoing.forget(["b", "unknown"])
    posts = taken(outgoing)
    assert [(post.topic, post.payload, post.retain) for post in posts[:1]] == [("b", b"", True)]
    assert posts[1].topic == MANIFEST
    assert listed(posts[1]) == ["a"]
    assert len(posts) == 2


def test_what_an_earlier_start_left_is_cleared_and_what_is_ours_again_is_not(outgoing):
    outgoing.keep("a", b"1")
    posts = connected(outgoing, Manifest(["a", "ghost"]))
    assert listed(posts[0]) == ["a", "ghost"]  # until it is gone: we may be killed in between
    assert posts[1] == Post("ghost", b"", retain=True)
    assert listed(posts[2]) == ["a"]
    assert [post.topic for post in posts[3:]] == ["a", AVAILABLE]


def test_what_waits_to_be_cleared_and_comes_back_is_not_cleared(outgoing):
    outgoing.keep("a", b"1")
    connected(outgoing)
    outgoing.forget(["a"])
    outgoing.keep("a", b"2")
    assert [post.payload for post in taken(outgoing) if post.topic == "a"] == [b"2"]


def test_topics_are_bounded_and_refusals_counted(outgoing):
    for name in "abcdefg":
        outgoing.keep(name, b"1")
    assert outgoing.load().retained == 5
    assert outgoing.load().refused == 2


def test_of_events_that_wait_the_oldest_is_lost_and_counted(outgoing):
    for number in range(5):
        outgoing.mail(event(number))
    assert outgoing.load().lost[Loss.AWAY] == 2
    posts = [post for post in connected(outgoing) if post.kind]
    assert [post.payload for post in posts] == [b"2", b"3", b"4"]
    load = outgoing.load()
    assert load.published[Kind.EVENT] == 3
    assert load.waiting == 0


def test_no_event_is_taken_while_too_many_are_not_confirmed(outgoing):
    outgoing.mail(event(1))
    outgoing.keep("a", b"1")
    outgoing.connected(Manifest())
    assert [post.topic for post in taken(outgoing, events=False)] == [MANIFEST, "a", AVAILABLE]
    assert outgoing.take(events=True) == event(1)


def test_states_and_events_take_turns(outgoing):
    connected(outgoing)
    outgoing.keep("a", b"1")
    outgoing.keep("b", b"1")
    outgoing.mail(event(1))
    outgoing.mail(event(2))
    order = [post.kind for post in taken(outgoing)][1:]
    assert order in ([None, Kind.EVENT, None, Kind.EVENT], [Kind.EVENT, None, Kind.EVENT, None])


def test_events_that_were_not_confirmed_go_first_the_next_time(outgoing):
    outgoing.mail(event(1))
    outgoing.mail(event(2))
    outgoing.connected(Manifest())
    first = next(post for post in iter(lambda: outgoing.take(events=True), None) if post.kind)
    outgoing.give_back([first])
    posts = [post.payload for post in connected(outgoing) if post.kind]
    assert posts == [b"1", b"2"]
    assert outgoing.load().published[Kind.EVENT] == 2


def test_what_waits_at_the_end_is_counted(outgoing):
    outgoing.mail(event(1))
    outgoing.close()
    assert outgoing.load().lost[Loss.SHUTDOWN] == 1
    assert outgoing.load().waiting == 0


def test_states_alone_make_nothing_lost(outgoing):
    for number in range(1000):
        outgoing.keep("a", b"%d" % number)
    assert sum(outgoing.load().lost.values()) == 0


DEVICE = b'{"components":{"x":{"platform":"sensor","unique_id":"x"}}}'


def components(post):
    return json.loads(post.payload)["components"]


def test_a_component_that_goes_is_taken_leave_of_before_the_device_is_sent_without_it(outgoing):
    outgoing.keep_device("ha/d", DEVICE, {"x": "sensor", "y": "switch"})
    connected(outgoing)
    outgoing.keep_device("ha/d", DEVICE, {"x": "sensor"})
    manifest, parting, *rest = taken(outgoing)
    assert json.loads(manifest.payload)["devices"] == {"ha/d": {"x": "sensor"}}
    assert components(parting) == components(parting) | {"y": {"platform": "switch"}}
    assert parting.retain
    assert all(post.topic != "ha/d" or "y" not in components(post) for post in rest)


def test_a_component_that_went_between_two_starts_is_taken_leave_of_too(outgoing):
    outgoing.keep_device("ha/d", DEVICE, {"x": "sensor"})
    posts = connected(outgoing, Manifest(["ha/d"], {"ha/d": {"x": "sensor", "old": "image"}}))
    of_device = [components(post) for post in posts if post.topic == "ha/d"]
    assert of_device[0]["old"] == {"platform": "image"}
    assert "old" not in of_device[-1]


def test_a_device_that_goes_is_emptied(outgoing):
    outgoing.keep_device("ha/d", DEVICE, {"x": "sensor"})
    connected(outgoing)
    outgoing.forget(["ha/d"])
    posts = taken(outgoing)
    assert posts[0] == Post("ha/d", b"", retain=True)
    assert json.loads(posts[1].payload)["devices"] == {}


def test_what_is_adopted_stays_listed_until_it_is_replaced_or_forgotten(outgoing):
    outgoing.adopt(["picture", "other"])
    posts = connected(outgoing, Manifest(["picture", "ghost"]))
    assert listed(posts[0]) == ["picture", "ghost"]
    assert posts[1] == Post("ghost", b"", retain=True)
    assert not any(post.topic == "picture" for post in posts)
    outgoing.keep("picture", b"new")
    assert [post.payload for post in taken(outgoing) if post.topic == "picture"] == [b"new"]
    assert connected(outgoing)[-2].topic == "picture"


def test_what_is_adopted_and_forgotten_is_emptied(outgoing):
    outgoing.adopt(["picture"])
    connected(outgoing, Manifest(["picture"]))
    assert outgoing.kept("pic") == ["picture"]
    outgoing.forget(["picture", "picture"])
    assert [post.payload for post in taken(outgoing) if post.topic == "picture"] == [b""]


def test_states_are_sent_again_on_demand(outgoing):
    outgoing.keep("ha/d", b"1")
    outgoing.keep("a", b"1")
    connected(outgoing)
    outgoing.again("ha/")
    assert [post.topic for post in taken(outgoing)] == ["ha/d"]
