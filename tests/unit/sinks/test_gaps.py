from hypothesis import given
from hypothesis import strategies as st

from sinks.gaps import GapWatch, Numbered
from tests.support.messages import detection, event, heartbeat, status


def lost(watch, *envelopes):
    """Losses that the last of the messages brought to light."""
    answer = {}
    for envelope in envelopes:
        watch.restarted(envelope.message)
        answer = watch.lost(envelope.message)
    return {camera: count for (_, camera, _), count in answer.items()}


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


def test_a_camera_that_was_not_subscribed_to_loses_nothing():
    watch = GapWatch(camera="gate")
    beats = [heartbeat({"gate": seq, "yard": 10 * seq}) for seq in (1, 2, 6, 6)]
    assert lost(watch, *beats[:3]) == {}
    assert lost(watch, beats[3]) == {"gate": 4}


def test_restart_is_no_loss():
    watch = GapWatch()
    assert not watch.restarted(detection(seq=70, epoch="a").message)
    assert not watch.lost(detection(seq=70, epoch="a").message)
    assert watch.restarted(detection(seq=1, epoch="b").message)
    assert lost(watch, detection(seq=1, epoch="b")) == {}
    assert lost(watch, detection(seq=3, epoch="b")) == {"gate": 1}


def test_status_says_nothing_about_losses():
    assert lost(GapWatch(), status()) == {}


def test_two_nodes_with_a_camera_of_the_same_name_are_kept_apart():
    watch = GapWatch()
    assert lost(watch, detection(seq=1), detection(seq=500, node="barn", epoch="b")) == {}
    assert lost(watch, detection(seq=2)) == {}
    watch.restarted(detection(seq=503, node="barn", epoch="b").message)
    assert watch.lost(detection(seq=503, node="barn", epoch="b").message) == {
        Numbered("barn", "gate"): 2
    }


def test_restart_of_one_node_is_none_of_the_other():
    watch = GapWatch()
    lost(watch, detection(seq=1), detection(seq=1, node="barn", epoch="b"))
    assert watch.restarted(detection(seq=1, node="barn", epoch="c").message)
    assert lost(watch, detection(seq=3)) == {"gate": 1}


def test_events_have_a_sequence_of_their_own():
    watch = GapWatch()
    assert lost(watch, detection(seq=1), event(seq=1), detection(seq=2), event(seq=2)) == {}
    watch.restarted(event(seq=5).message)
    assert watch.lost(event(seq=5).message) == {Numbered("lodge", "gate", "events"): 2}


def test_events_lost_at_the_end_are_told_by_heartbeats():
    watch = GapWatch()
    beats = [heartbeat({"gate": 1}, events={"gate": seq}) for seq in (1, 1, 4, 4)]
    assert lost(watch, *beats) == {"gate": 3}


def test_who_takes_no_events_misses_none():
    watch = GapWatch(events=False)
    beats = [heartbeat({"gate": 1}, events={"gate": seq}) for seq in (1, 1, 4, 4)]
    assert lost(watch, *beats) == {}


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_received_and_lost_add_up_to_sent(arrivals):
    watch, received, missing = GapWatch(), 0, 0
    lost(watch, detection(seq=1))
    for seq, arrives in enumerate(arrivals, start=2):
        if arrives:
            received += 1
            missing += lost(watch, detection(seq=seq)).get("gate", 0)
    last = len(arrivals) + 1
    for beat in [heartbeat({"gate": last})] * 3:
        missing += lost(watch, beat).get("gate", 0)
    assert received + missing == len(arrivals)
