import threading

from hypothesis import given
from hypothesis import strategies as st

from sinks.messages import Kind
from sinks.outbox import Outbox
from tests.support.messages import count, detection, event, heartbeat, status


def drain(outbox):
    taken = []
    while (envelope := outbox.get(0)) is not None:
        taken.append(envelope)
    return taken


def test_order_of_all_kinds_is_kept():
    outbox = Outbox(10)
    sent = [detection(seq=1), status(), detection(seq=2), heartbeat({"gate": 2}), detection(seq=3)]
    for envelope in sent:
        assert outbox.put(envelope)
    assert drain(outbox) == sent


def test_full_outbox_loses_the_oldest_and_counts_it():
    outbox = Outbox(3)
    for seq in range(1, 6):
        outbox.put(detection(seq=seq))
    assert [envelope.message.seq for envelope in drain(outbox)] == [3, 4, 5]
    assert outbox.dropped == 2


def test_flood_of_detections_pushes_out_no_change_of_state():
    outbox = Outbox(2)
    outbox.put(status(state="stalled"))
    for seq in range(100):
        outbox.put(detection(seq=seq + 1))
    assert outbox.get(0).message.state == "stalled"
    assert outbox.dropped == 98


def test_flood_of_counts_and_detections_pushes_out_no_event():
    outbox = Outbox(2)
    outbox.put(event(seq=7))
    for seq in range(100):
        outbox.put(detection(seq=seq + 1))
        outbox.put(count(persons=seq))
    assert outbox.get(0).message.event_seq == 7


def test_reader_waits_for_the_first_one():
    outbox = Outbox(1)
    taken = []
    reader = threading.Thread(target=lambda: taken.append(outbox.get(5)))
    reader.start()
    outbox.put(detection())
    reader.join(5)
    assert taken == [detection()]


def test_nothing_within_the_timeout_is_none():
    assert Outbox(1).get(0.001) is None


def test_closed_outbox_takes_nothing_and_can_be_emptied():
    outbox = Outbox(5)
    outbox.put(detection(seq=1))
    outbox.close()
    assert not outbox.put(detection(seq=2))
    assert outbox.closed
    assert [envelope.message.seq for envelope in drain(outbox)] == [1]
    assert outbox.get(60) is None  # at once


def test_close_wakes_who_waits():
    outbox = Outbox(1)
    taken = []
    reader = threading.Thread(target=lambda: taken.append((outbox.get(60), outbox.wait_closed(60))))
    reader.start()
    outbox.close()
    reader.join(5)
    assert taken == [(None, True)]


def test_clear_says_how_many_it_threw_away():
    outbox = Outbox(5)
    for envelope in (detection(), status()):
        outbox.put(envelope)
    assert outbox.clear() == 2
    assert len(outbox) == 0


@given(st.lists(st.sampled_from([*Kind, None]), max_size=60), st.integers(1, 5))
def test_books_balance_after_any_puts_and_gets(steps, capacity):
    outbox = Outbox(capacity)
    make = {
        Kind.DETECTION: detection,
        Kind.STATUS: status,
        Kind.HEARTBEAT: lambda: heartbeat({}),
        Kind.EVENT: event,
        Kind.COUNT: count,
    }
    put = got = 0
    for step in steps:
        if step is None:
            got += outbox.get(0) is not None
        else:
            put += outbox.put(make[step]())
    assert put == got + outbox.dropped + len(outbox)
    assert len(outbox) <= 4 * capacity
