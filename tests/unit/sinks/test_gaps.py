from hypothesis import given
from hypothesis import strategies as st

from sinks.gaps import GapWatch
from tests.support.messages import detection, heartbeat, status


def lost(watch, *envelopes):
    """Losses that the last of the messages brought to light."""
    answer = {}
    for envelope in envelopes:
        watch.restarted(envelope.message)
        answer = watch.lost(envelope.message)
    return answer


def test_what_came_before_us_is_no_loss():
    assert lost(GapWatch(), detection(seq=4711)) == {}


def test_gap_in_seq_is_a_loss_of_that_camera_only():
    watch = GapWatch()
    assert lost(watch, detection("gate", 1), detection("yard", 1), detection("gate", 5)) == {
        "gate": 3
    }
    assert lost(watch, detection("yard", 2)) == {}


def test_loss_at_the_end_is_told_by_the_heartbeat_after_the_next():
    watch = GapWatch()
    assert lost(watch, heartbeat({"gate": 1}), detection(seq=2), heartbeat({"gate": 5})) == {}
    assert lost(watch, heartbeat({"gate": 5})) == {"gate": 3}
    assert lost(watch, heartbeat({"gate": 5}), detection(seq=6)) == {}


def test_heartbeat_that_overtakes_a_message_is_no_loss():
    watch = GapWatch()
    lost(watch, heartbeat({"gate": 1}), detection(seq=1), heartbeat({"gate": 2}), detection(seq=2))
    assert lost(watch, heartbeat({"gate": 2})) == {}


def test_old_heartbeat_that_greets_us_blames_nobody():
    # 8 was sent after the heartbeat and before we came.
    watch = GapWatch()
    assert lost(watch, heartbeat({"gate": 7}), heartbeat({"gate": 8}), heartbeat({"gate": 8})) == {}
    assert lost(watch, detection(seq=9)) == {}


def test_camera_from_which_nothing_ever_came_is_noticed():
    watch = GapWatch()
    lost(watch, *[heartbeat({"gate": seq}) for seq in (0, 0, 0)])
    assert lost(watch, heartbeat({"gate": 4}), heartbeat({"gate": 8})) == {"gate": 4}


def test_restart_is_no_loss():
    watch = GapWatch()
    assert not watch.restarted(detection(seq=70, epoch="a").message)
    watch.lost(detection(seq=70, epoch="a").message)
    assert watch.restarted(detection(seq=1, epoch="b").message)
    assert lost(watch, detection(seq=1, epoch="b")) == {}
    assert lost(watch, detection(seq=3, epoch="b")) == {"gate": 1}


def test_status_says_nothing_about_losses():
    assert lost(GapWatch(), status()) == {}


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_received_and_lost_add_up_to_sent(arrivals):
    watch, received, missing = GapWatch(), 0, 0
    watch.lost(detection(seq=1).message)
    for seq, arrives in enumerate(arrivals, start=2):
        if arrives:
            received += 1
            missing += watch.lost(detection(seq=seq).message).get("gate", 0)
    last = len(arrivals) + 1
    for beat in [heartbeat({"gate": last})] * 3:
        missing += watch.lost(beat.message).get("gate", 0)
    assert received + missing == len(arrivals)
