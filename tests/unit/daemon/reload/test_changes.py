"""What leads from one configuration to another, and nothing more than that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Config
from daemon.reload.changes import CameraChanges, Changes, camera_changes, diff

GATE = {"url": "rtsp://10.0.0.5/live"}
YARD = {"url": "file:///srv/yard.mp4"}


def config(**sections: Any) -> Config:
    raw: dict[str, Any] = {"version": 1, "cameras": {"gate": GATE, "yard": YARD}}
    return Config.model_validate(raw | sections)


def changed(name: str, **fields: Any) -> Config:
    cameras = {"gate": GATE, "yard": YARD}
    return config(cameras=cameras | {name: cameras[name] | fields})


def test_the_same_file_changes_nothing() -> None:
    changes = diff(config(), config())
    assert not changes
    assert changes == Changes()


def test_cameras_come_and_go() -> None:
    new = config(cameras={"door": GATE | {"url": "rtsp://10.0.0.6/live"}, "yard": YARD})
    assert diff(config(), new) == Changes(cameras=CameraChanges(("gate",), ("door",)))


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "rtsp://10.0.0.9/live"},
        {"enabled": False},
        {"credential": "gate"},
        {"transport": "udp"},
        {"hwaccel": "auto"},
        {"aspect": "4:3"},
        {"detect": {"fps": 9}},
        {"open_timeout_s": 3},
        {"read_timeout_s": 3},
        {"reconnect": {"max_s": 5}},
    ],
)
def test_what_a_stream_depends_on_restarts_that_camera_alone(fields: dict[str, Any]) -> None:
    changes = diff(config(), changed("gate", **fields))
    assert changes == Changes(cameras=CameraChanges(restarted=("gate",)))


@pytest.mark.parametrize(
    "fields",
    [
        {"objects": {"labels": ["person"]}},
        {"objects": {"filters": {"car": {"min_area": 0.1}}}},
        {"detect": {"roi": [[0, 0], [1, 0], [1, 1]]}},
        {"detect": {"crop": [0, 0, 0.5, 1]}},
        {"priority": 7},
        {"record": {"snapshots": True}},
    ],
)
def test_rules_and_priority_leave_the_stream_alone(fields: dict[str, Any]) -> None:
    changes = diff(config(), changed("gate", **fields))
    assert changes == Changes(cameras=CameraChanges(retuned=("gate",)))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("yard", {"transport": "udp"}),
        ("yard", {"credential": "login"}),
        ("gate", {"file": {"loop": False}}),
        ("gate", {"v4l2": {"fps": 30}}),
    ],
)
def test_fields_of_other_kinds_of_streams_restart_nothing(
    name: str, fields: dict[str, Any]
) -> None:
    """As they come from `defaults`."""
    assert not diff(config(), changed(name, **fields))


def test_a_disabled_camera_is_restarted_by_being_enabled_only() -> None:
    off = changed("gate", enabled=False)
    moved = changed("gate", enabled=False, url="rtsp://10.0.0.9/live", transport="udp")
    assert diff(off, moved).cameras.restarted == ()
    assert diff(moved, config()).cameras.restarted == ("gate",)


def test_cameras_that_gave_up_are_tried_again() -> None:
    changes = diff(config(), config(), given_up={"gate", "unknown"})
    assert changes == Changes(cameras=CameraChanges(restarted=("gate",)))


@pytest.mark.parametrize(
    "model",
    [
        {"name": "efficientdet-d0"},
        {"weights": "street"},
        {"sha256": "0" * 64},
        {"input_size": 448},
        {"precision": "float32"},
        {"iou_threshold": 0.6},
        {"nms": "soft"},
        {"max_detections": 7},
    ],
)
def test_another_network_is_another_detector(model: dict[str, Any]) -> None:
    assert diff(config(), config(model=model)) == Changes(detector=True)


def test_a_larger_batch_needs_another_detector_and_a_longer_wait_does_not() -> None:
    assert diff(config(), config(batching={"max_batch": 4})) == Changes(
        detector=True, batching=True
    )
    assert diff(config(), config(batching={"max_delay_ms": 4})) == Changes(batching=True)


def test_only_weaker_boxes_than_before_need_another_detector() -> None:
    usual, stricter, weaker = (config(model={"score_threshold": x}) for x in (0.4, 0.6, 0.2))
    tuned = CameraChanges(retuned=("gate", "yard"))
    assert diff(usual, stricter) == Changes(cameras=tuned)
    assert diff(usual, weaker) == Changes(cameras=tuned, detector=True)
    assert diff(config(), usual) == diff(usual, config()) == Changes(cameras=tuned, detector=True)


@pytest.mark.parametrize("model", [{}, {"score_threshold": 0.4}])
def test_a_label_wanted_from_a_lower_score_needs_another_detector(model: dict[str, Any]) -> None:
    def wanting(score: float) -> Config:
        cameras = changed("gate", objects={"filters": {"car": {"min_score": score}}}).cameras
        return config(model=model).model_copy(update={"cameras": cameras})

    assert diff(config(model=model), wanting(0.1)).detector
    assert not diff(wanting(0.1), config(model=model)).detector
    assert diff(wanting(0.2), wanting(0.1)).detector
    assert not diff(wanting(0.1), wanting(0.2)).detector
    unknown = not model  # whether the weights' own threshold may be higher still
    assert diff(config(model=model), wanting(0.9)).detector is unknown


def test_sinks_are_named() -> None:
    jsonl = {"path": "/var/lib/x.jsonl"}
    new = config(sinks={"zeromq": None, "jsonl": jsonl})
    assert diff(config(), new) == Changes(sinks=("zeromq", "jsonl"))
    assert diff(new, config(sinks={"zeromq": None, "jsonl": jsonl | {"keep": 1}})) == Changes(
        sinks=("jsonl",)
    )


def test_listener_and_log_are_told_apart() -> None:
    assert diff(config(), config(http={"live": False})) == Changes(http=True)
    assert diff(config(), config(log={"level": "debug"})) == Changes(log=True)


def test_the_log_line_names_what_changes() -> None:
    new = config(
        cameras={"yard": YARD, "door": {"url": "rtsp://10.0.0.7/live"}},
        log={"level": "debug"},
        sinks={"zeromq": None},
    )
    assert str(diff(config(), new)) == "removed=gate added=door sinks=zeromq log=changed"


cameras = st.dictionaries(
    st.sampled_from("abcde"),
    st.fixed_dictionaries(
        {"url": st.sampled_from(["rtsp://h/1", "rtsp://h/2"])},
        optional={
            "priority": st.integers(1, 2),
            "enabled": st.booleans(),
            "open_timeout_s": st.sampled_from([1, 2]),
        },
    ),
    min_size=1,
)


@given(cameras, cameras)
def test_every_camera_has_one_fate_and_the_way_back_mirrors_the_way_there(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    before, after = config(cameras=old).cameras, config(cameras=new).cameras
    there, back = camera_changes(before, after), camera_changes(after, before)
    fates = [*there.removed, *there.added, *there.restarted, *there.retuned]
    assert len(fates) == len(set(fates))
    for name in {*old, *new} - set(fates):
        off = not (before[name].enabled or after[name].enabled)
        assert before[name] == after[name] or off
    assert (there.removed, there.added) == (
        tuple(name for name in old if name in back.added),
        tuple(name for name in new if name in back.removed),
    )
    assert set(there.restarted) == set(back.restarted)
    assert set(there.retuned) == set(back.retuned)
