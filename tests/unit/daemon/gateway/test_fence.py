"""Of each camera only the newest grant passes."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.gateway.fence import Fence, Holder, Refusal
from daemon.gateway.heads import NO_GRANT, Head


def said(camera="gate", grant=1, node="a"):
    return Head("det", node, camera, grant)


def test_an_older_grant_is_refused_once_a_newer_one_was_seen():
    fence = Fence()
    assert fence.judge(said(grant=3), 0.0) is None
    assert fence.judge(said(grant=4, node="b"), 1.0) is None
    assert fence.judge(said(grant=3), 2.0) is Refusal.GRANT
    assert fence.judge(said(grant=4, node="b"), 3.0) is None
    assert fence.late() == {"gate": 1}
    assert fence.holders()["gate"] == Holder(4, "b", 3.0)


def test_another_camera_is_not_touched():
    fence = Fence()
    fence.judge(said("gate", 9), 0.0)
    assert fence.judge(said("yard", 1), 0.0) is None


def test_a_daemon_without_grants_is_heard_until_a_grant_was_seen():
    fence = Fence()
    assert fence.judge(said(grant=NO_GRANT), 0.0) is None
    assert fence.judge(said(grant=NO_GRANT, node="b"), 0.0) is None
    assert fence.changes == 0
    fence.judge(said(grant=1), 0.0)
    assert fence.judge(said(grant=NO_GRANT), 0.0) is Refusal.GRANT


def test_a_heartbeat_passes_whoever_sends_it():
    fence = Fence()
    fence.judge(said(grant=2), 0.0)
    assert fence.judge(Head("hb", "a", None, NO_GRANT, frozenset({"gate"})), 0.0) is None


def test_an_earlier_run_is_remembered():
    fence = Fence({"gate": Holder(7, "b", None)})
    assert fence.judge(said(grant=6), 0.0) is Refusal.GRANT
    assert fence.newest("gate") == 7
    assert fence.newest("yard") == NO_GRANT


def test_more_cameras_than_there_is_room_for_are_refused_and_the_known_ones_go_on():
    fence = Fence(most=2)
    for camera in ("gate", "yard"):
        assert fence.judge(said(camera), 0.0) is None
    assert fence.judge(said("door"), 0.0) is Refusal.CROWDED
    assert fence.judge(said("gate", 2), 0.0) is None
    assert len(fence) == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), max_size=60))
def test_what_passes_of_a_camera_never_goes_back(grants):
    fence = Fence()
    passed: dict[str, list[int]] = {"a": [], "b": []}
    for camera, grant in grants:
        if fence.judge(said(camera, grant), 0.0) is None:
            passed[camera].append(grant)
    for camera, numbers in passed.items():
        assert numbers == sorted(numbers)
        offered = [grant for name, grant in grants if name == camera]
        assert len(numbers) + fence.late().get(camera, 0) == len(offered)
