import pytest

from daemon.seats.permit import Permit
from sinks.last_value import REPEAT_S, LastValues
from sinks.messages import topic_of
from tests.support.messages import count, detection, event, heartbeat, status


@pytest.fixture
def values():
    values = LastValues()
    envelopes = [
        status("cam1"),
        status("cam10", "stalled"),
        detection("cam1"),
        status("cam1", "failed"),
    ]
    for number, envelope in enumerate([*envelopes, heartbeat({"cam1": 1, "cam10": 0})]):
        values.remember(topic_of(envelope.message), envelope.message, b"%d" % number)
    return values


@pytest.mark.parametrize(
    ("prefix", "payloads"),
    [
        (b"", [b"4", b"3", b"1"]),
        (b"status.", [b"3", b"1"]),
        (b"status.cam1.", [b"3"]),
        (b"hb.", [b"4"]),
        (b"det.", []),
        (b"status.cam1.more", []),
    ],
)
def test_newcomer_gets_the_last_values_it_asked_for(values, prefix, payloads):
    values.subscribed(prefix)
    assert [payload for _, payload in values.due(0.0)] == payloads
    assert values.due(99.0) == []


def test_flood_of_subscriptions_is_answered_once_per_interval(values):
    sent = 0
    for step in range(1000):
        values.subscribed(b"hb.")
        sent += len(values.due(step * 0.001))
    assert sent == 1 / REPEAT_S


def test_newest_value_is_sent_even_where_it_came_after_the_question(values):
    values.subscribed(b"hb.")
    beat = heartbeat({"cam1": 2, "cam10": 0}).message
    values.remember(b"hb.lodge.", beat, b"new")
    assert values.due(0.0) == [(b"hb.lodge.", b"new")]


def test_removed_camera_is_not_heard_of_again(values):
    values.subscribed(b"")
    values.remember(b"hb.lodge.", heartbeat({"cam1": 2}).message, b"new")
    assert b"status.cam10." not in dict(values.due(0.0))
    values.subscribed(b"")
    assert b"status.cam10." not in dict(values.due(9.0))


def test_newcomer_gets_the_counts_and_no_old_event(values):
    for envelope, payload in ((count("cam1"), b"old"), (count("cam1", 2), b"counts")):
        values.remember(topic_of(envelope.message), envelope.message, payload)
    values.remember(b"event.cam1.", event("cam1").message, b"event")
    values.subscribed(b"count.")
    values.subscribed(b"event.")
    assert values.due(0.0) == [(b"count.cam1.", b"counts")]
    values.remember(b"hb.lodge.", heartbeat({"cam10": 2}).message, b"new")
    values.subscribed(b"count.")
    assert values.due(9.0) == []


def test_a_newcomer_is_not_told_what_was_said_under_a_grant_that_ended(values):
    permit = Permit(17, 5.0)
    envelope = status("cam1", "backoff")
    values.remember(topic_of(envelope.message), envelope.message, b"granted", permit)
    values.subscribed(b"status.cam1.")
    assert values.due(4.0) == [(b"status.cam1.", b"granted")]
    values.subscribed(b"status.cam1.")
    assert values.due(5.0) == []
