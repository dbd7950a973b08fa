"""Events with a gate and without it: which are the same, and which are missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from config.camera import DetectConfig
from daemon.offline.gating import Comparison
from daemon.offline.rehearsal import Rehearsal, Seen
from daemon.offline.shots import Shot
from daemon.pipeline.frame import Row
from daemon.tracking.happenings import Happening, Moment, Portrait
from daemon.tracking.watcher import Lasting
from detector.detections import Detections
from detector.letterbox import Letterbox
from tests.support.fakes import SPEC, FakeDetector, camera_config
from tests.support.labelled import answer

WH = (640, 480)
BOX = (10.0, 10.0, 50.0, 90.0)
NOTHING = Seen(Detections.none(), (), ())


def happening(track: int, phase: Any = "new", at_s: float = 1.0, **fields: Any) -> Happening:
    moment = Moment(0, 0.9, BOX)
    of = Portrait(track, "person", 0.9, BOX, moment, moment, (), stationary=False)
    return Happening("object", phase, of, round(at_s * 1e9), 0, WH, **fields)


def seen(*tracks: int, left: float = 0.0) -> Seen:
    """Objects beside one another, from there on."""
    boxes = [((left + 100 * n, 10, left + 100 * n + 50, 90), 0.9) for n in range(len(tracks))]
    objects = [Lasting(track, 1.0, (), stationary=False) if track else None for track in tracks]
    return Seen(answer(*boxes), tuple(objects), ())


def test_an_event_of_the_same_object_is_the_same_whatever_its_number() -> None:
    comparison = Comparison()
    comparison.meet(seen(5), seen(2))
    comparison.told([happening(5)], [happening(2, at_s=1.6)])
    assert comparison.events == 1
    assert comparison.missed() == []
    assert comparison.latest_s() == pytest.approx(0.6)


def test_an_event_of_another_object_is_none() -> None:
    comparison = Comparison()
    comparison.meet(seen(5, 6), seen(2, 0))
    comparison.told([happening(5), happening(6)], [happening(2), happening(3)])
    assert [each.of.track for each in comparison.missed()] == [6]


def test_boxes_that_lie_elsewhere_are_other_objects() -> None:
    comparison = Comparison()
    comparison.meet(seen(5), seen(2, left=40))
    comparison.told([happening(5)], [happening(2)])
    assert len(comparison.missed()) == 1


def test_who_enters_twice_must_be_told_twice() -> None:
    comparison = Comparison()
    comparison.meet(seen(1), seen(1))
    entered = happening(1, "entered", place="yard")
    comparison.told([entered, entered], [entered, happening(1, "entered", place="door")])
    assert len(comparison.missed()) == 1


def test_one_object_that_was_taken_for_two_without_the_gate_is_not_missed() -> None:
    comparison = Comparison()
    for number in (1, 2):
        comparison.meet(seen(number), seen(1))
    comparison.told([happening(1), happening(2)], [happening(1)])
    assert comparison.missed() == []


def test_updates_and_ends_are_no_events_that_may_lack() -> None:
    comparison = Comparison()
    comparison.told([happening(1, "update"), happening(1, "end")], [])
    assert comparison.events == 0


TILED = {"tiles": {"size": 300}, "gate": {"enabled": True, "hold_s": 0.5, "heartbeat_s": 1}}


def shots(rehearsal: Rehearsal, count: int) -> list[Shot]:
    """Still pictures, five a second."""
    places = [Letterbox.fit(WH, SPEC, part) for part in rehearsal.parts_of(WH)]
    blank = np.zeros((SPEC.height, SPEC.width, 3), np.uint8)
    rows = tuple(Row(blank, place) for place in places)
    luma = np.full((90, 160), 90, np.uint8)
    return [
        Shot(None, None, rows, n, 1 / 5, n, luma)  # type: ignore[arg-type]
        for n in range(count)
    ]


def rehearsal(**detect: Any) -> Rehearsal:
    DetectConfig.model_validate(detect)
    return Rehearsal(camera_config(detect=detect), FakeDetector(8), score_threshold=None)


def test_with_tiles_what_is_saved_counts_rows() -> None:
    tried = rehearsal(**TILED)
    for shot in shots(tried, 50):
        tried.look(shot, [Detections.none()] * len(shot.rows))
    assert tried.trial is not None
    savings = tried.trial.savings
    assert savings.pictures == 50
    assert 35 <= savings.left_out <= 45
    assert savings.rows == 50 * len(tried.parts_of(WH))
    looked_at = savings.pictures - savings.left_out
    assert looked_at < savings.run < savings.rows - savings.left_out
    assert savings.looks == 9  # one a second, by heartbeat
    assert (savings.news, savings.overlooked) == (0, 0)


def test_what_left_out_pictures_show_is_overlooked_and_looks_tell_of_it() -> None:
    """Somebody flickers who never moves the luma."""
    tried = rehearsal(gate=TILED["gate"])
    for shot in shots(tried, 50):
        there = shot.number > 10 and shot.number % 5 < 3
        tried.look(shot, [answer(((10, 10, 50, 90), 0.9)) if there else Detections.none()])
    assert tried.trial is not None
    savings = tried.trial.savings
    assert savings.overlooked > 0
    assert savings.news > 0


def test_a_gate_needs_grey_pictures() -> None:
    tried = rehearsal(gate=TILED["gate"])
    (shot,) = shots(tried, 1)
    with pytest.raises(ValueError, match="grey"):
        tried.look(Shot(shot.source, shot.bgr, shot.rows), [Detections.none()])


def test_without_a_gate_nothing_is_tried() -> None:
    tried = rehearsal()
    (shot,) = shots(tried, 1)
    assert tried.look(shot, [Detections.none()]) == ()
    assert tried.trial is None
