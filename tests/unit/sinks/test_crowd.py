import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.crowd import Crowd, HangUp, HangUps


def crowd_of(limit, *peers, spare=0):
    crowd = Crowd(limit, spare=spare)
    for key, peer in enumerate(peers):
        assert crowd.enter(key, peer) is None
    return crowd


def test_the_longest_waiting_of_the_heaviest_address_makes_room():
    crowd = crowd_of(5, "one", "many", "many", "two", "three")
    assert crowd.enter(9, "four") == (1, HangUp.CROWDED)


def test_who_asked_for_something_stays():
    crowd = crowd_of(3, "a", "b", "c")
    crowd.asked(0)
    assert crowd.enter(9, "d") == (1, HangUp.CROWDED)


def test_who_got_its_answer_waits_last():
    crowd = crowd_of(3, "a", "b", "c")
    for key in (0, 1, 2):
        crowd.asked(key)
    for key in (2, 0):
        crowd.waits(key)
    assert crowd.enter(9, "d") == (2, HangUp.CROWDED)


def test_where_all_are_served_the_newcomer_goes():
    crowd = crowd_of(2, "a", "b")
    crowd.asked(0)
    crowd.asked(1)
    assert crowd.enter(9, "c") == (9, HangUp.CROWDED)


def test_where_all_are_served_a_few_more_may_hear_that():
    crowd = crowd_of(4, "a", "b", "c", "d", spare=1)
    for key in range(4):
        crowd.asked(key)
    assert crowd.enter(8, "e") is None
    crowd.asked(8)
    assert crowd.enter(9, "f") == (9, HangUp.CROWDED)


def test_one_address_has_half_the_room():
    crowd = crowd_of(6, "a", "a", "a", "b")
    assert crowd.enter(9, "a") == (0, HangUp.PEER)


def test_one_address_that_is_served_everywhere_gets_no_more():
    crowd = crowd_of(4, "a", "a")
    crowd.asked(0)
    crowd.asked(1)
    assert crowd.enter(9, "a") == (9, HangUp.PEER)


def test_who_left_takes_no_room():
    crowd = crowd_of(2, "a", "b")
    crowd.leave(0)
    crowd.leave(0)
    assert crowd.enter(9, "c") is None
    crowd.waits(0)  # it is gone
    assert len(crowd) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.booleans()), max_size=80))
def test_the_bounds_hold_whatever_comes(steps):
    crowd = Crowd(6)
    peers = {}
    for number, (peer, key, asks) in enumerate(steps):
        newcomer = (number, key)
        peers[newcomer] = str(peer)
        leaves = crowd.enter(newcomer, str(peer))
        if leaves is not None:
            crowd.leave(leaves[0])
            del peers[leaves[0]]
        if asks:
            crowd.asked(newcomer)
        assert len(crowd) == len(peers) <= 6
        assert all(list(peers.values()).count(peer) <= 3 for peer in peers.values())


def test_one_line_a_minute_for_each_reason(caplog):
    now_s = 0.0
    hang_ups = HangUps("zeromq", lambda: now_s)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            hang_ups.note(HangUp.FLOOD, "10.0.0.9")
        hang_ups.note(HangUp.SLOW, "10.0.0.8")
        now_s = 61.0
        hang_ups.note(HangUp.FLOOD, "10.0.0.9")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "connection closed listener=zeromq reason=flood from=10.0.0.9 times=1"),
        ("INFO", "connection closed listener=zeromq reason=slow from=10.0.0.8 times=1"),
        ("WARNING", "connection closed listener=zeromq reason=flood from=10.0.0.9 times=3"),
    ]
    assert hang_ups.counts[HangUp.FLOOD] == 4


@pytest.mark.parametrize("reason", HangUp)
def test_every_reason_is_counted_from_the_start(reason):
    assert HangUps("http", lambda: 0.0).counts[reason] == 0
