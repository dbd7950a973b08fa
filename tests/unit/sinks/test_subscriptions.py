from hypothesis import given
from hypothesis import strategies as st

from sinks import subscriptions
from sinks.subscriptions import MOST_BYTES, MOST_TOPICS, Subscriptions


def test_a_client_that_names_every_topic_of_256_cameras_stays():
    kept = Subscriptions()
    for number in range(256):
        for kind in ("det", "status", "event", "count"):
            topic = f"{kind}.{number:032d}.".encode()
            assert kept.add(7, topic) is None
    assert len(kept) == 1024


def test_too_many_topics_are_too_much():
    kept = Subscriptions()
    for number in range(MOST_TOPICS):
        assert kept.add(7, b"%d" % number) is None
    assert kept.add(7, b"one more") == 7


def test_too_many_bytes_are_too_much():
    kept = Subscriptions()
    for number in range(MOST_BYTES // 4000):
        assert kept.add(7, b"%04000d" % number) is None
    assert kept.add(7, b"x" * 4000) == 7


def test_the_same_topic_again_is_nothing_more():
    kept = Subscriptions()
    for _ in range(MOST_TOPICS * 2):
        assert kept.add(7, b"det.") is None
    kept.remove(7, b"det.")  # libzmq keeps it once
    assert len(kept) == 0


def test_in_all_the_greediest_has_too_much(monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_BYTES_IN_ALL", 1000)
    kept = Subscriptions()
    assert kept.add(1, b"a" * 600) is None
    assert kept.add(2, b"b" * 300) is None
    assert kept.add(2, b"c" * 200) == 1
    kept.leave(1)
    assert kept.add(2, b"d" * 200) is None


def test_what_everybody_wants_counts_once(monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_BYTES_IN_ALL", 1000)
    kept = Subscriptions()
    for connection in range(200):
        assert kept.add(connection, b"det.gate.") is None


def test_what_nobody_owns_is_forgotten_at_the_second_look():
    kept = Subscriptions()
    kept.add(1, b"det.")
    kept.add(2, b"det.")
    kept.keep({2})
    assert len(kept) == 2, "its connection may be heard of in a moment"
    kept.keep({2})
    assert len(kept) == 1


steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "leave"]), st.integers(0, 3), st.binary(max_size=3))
)


@given(steps)
def test_the_sums_are_those_of_the_sets(steps):
    kept, sets = Subscriptions(), {}
    for verb, connection, topic in steps:
        if verb == "add":
            kept.add(connection, topic)
            sets.setdefault(connection, set()).add(topic)
        elif verb == "remove":
            kept.remove(connection, topic)
            sets.get(connection, set()).discard(topic)
        else:
            kept.leave(connection)
            sets.pop(connection, None)
    assert len(kept) == sum(map(len, sets.values()))
    assert kept._bytes_in_all == sum(map(len, set().union(*sets.values())))
