"""Answers one after the other become objects, events and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from daemon.answers.publisher import Publisher
from daemon.pipeline.threads import Result, Timing
from daemon.seats.counting import Uncounted
from daemon.seats.seat import Numbers, Seat
from daemon.tracking.happenings import Counts, Happening
from detector.detections import Detections
from sinks.envelope import Envelope
from sinks.messages import (
    CountMessage,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    decode,
    encoder,
    topic_of,
)
from tests.support.fakes import FakeClock, FakeDetector, camera_config, frame, rules_of, seat_of

YARD = {"area": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
DOOR = {"from": [0.5, 0], "to": [0.5, 1], "left": "in", "right": "out"}


class Heard(Uncounted):
    def __init__(self) -> None:
        self.phases: list[str] = []
        self.looks: list[bool] = []
        self.counts: list[Counts] = []

    def gate_looked(self, *, missed: bool) -> None:
        self.looks.append(missed)

    def happened(self, happening: Happening) -> None:
        self.phases.append(happening.phase)

    def counted(self, counts: Counts) -> None:
        self.counts.append(counts)


class Scene:
    """A publisher and one camera, whose pictures of 64×48 pixels come ten times a second."""

    def __init__(self, numbers: Numbers | None = None, **fields: Any) -> None:
        self.clock = FakeClock(100.0)
        self.put: list[Envelope] = []
        self.heard = Heard()
        self.publisher = Publisher(self.put.append, epoch="9f3c", node="lodge", clock=self.clock)
        config = camera_config(**fields)
        self.seat: Seat = seat_of("gate", config, counts=self.heard, numbers=numbers)

    def see(
        self, *centres: float, score: float = 0.9, after_s: float = 0.1, was_gated: bool = False
    ) -> DetectionMessage:
        """Persons of 8×16 pixels there; returns the message."""
        boxes = np.array([[x - 4, 20, x + 4, 36] for x in centres], np.float32).reshape(-1, 4)
        count = len(centres)
        found = Detections(boxes, np.full(count, score, np.float32), np.zeros(count, np.int32))
        self.clock.advance(after_s)
        now_s = self.clock.time_s
        result = Result(
            FakeDetector(),
            replace(frame(self.seat, now_s), was_gated=was_gated),
            found,
            None,
            Timing(now_s, now_s, now_s),
        )
        before = len(self.put)
        self.publisher.result(result)
        message = self.put[before].message
        assert isinstance(message, DetectionMessage)
        return message

    def walk(self, first: float, last: float, pictures: int = 20) -> None:
        for x in np.linspace(first, last, pictures):
            self.see(float(x))

    @property
    def events(self) -> list[EventMessage]:
        return [e.message for e in self.put if isinstance(e.message, EventMessage)]

    @property
    def counts(self) -> list[CountMessage]:
        return [e.message for e in self.put if isinstance(e.message, CountMessage)]


def test_a_detection_has_a_number_once_it_lasts() -> None:
    scene = Scene(zones={"yard": YARD})
    assert scene.see(40).detections[0].track is UNSET
    for _ in range(10):
        (known,) = scene.see(40).detections
    assert (known.track, known.zones, known.stationary) == (1, ("yard",), False)
    assert known.age_s == pytest.approx(1.0)


def test_without_tracking_nothing_has_a_number_and_nothing_happens() -> None:
    scene = Scene(tracking={"enabled": False})
    scene.walk(10, 50)
    assert scene.see(50).detections[0].track is UNSET
    assert scene.events == scene.counts == []


def test_a_weak_box_holds_an_object_and_is_not_reported() -> None:
    scene = Scene()
    scene.walk(20, 30)
    assert scene.see(30.5, score=0.2).detections == ()
    for _ in range(30):
        assert scene.see(30.5, score=0.2).detections == ()
    assert scene.see(30.5).detections[0].track == 1
    assert [event.phase for event in scene.events] == ["new"]


def test_events_are_numbered_by_themselves_and_are_what_the_schema_says() -> None:
    scene = Scene(zones={"yard": YARD}, lines={"door": DOOR})
    scene.walk(10, 54, 40)
    scene.walk(54, 10, 40)
    told = [event.phase for event in scene.events if event.phase != "update"]
    assert sorted(told) == ["crossed", "crossed", "entered", "left", "new"]
    assert told[0] == "new"
    assert [event.event_seq for event in scene.events] == list(range(1, len(scene.events) + 1))
    assert {event.id for event in scene.events} == {"9f3c-gate-1"}
    assert [e.direction for e in scene.events if e.event == "line"] == ["in", "out"]
    assert scene.heard.phases == [event.phase for event in scene.events]
    for event in scene.events:
        assert decode(topic_of(event), encoder("json")(event)) == event


def test_counts_come_when_they_change_and_five_times_a_second_at_most() -> None:
    scene = Scene(zones={"yard": YARD}, lines={"door": DOOR})
    scene.walk(10, 54, 40)
    assert scene.counts[-1].present == {"person": 1}
    assert scene.counts[-1].zones == {"yard": {"person": 1}}
    assert scene.counts[-1].lines == {"door": {"person": {"in": 1, "out": 0}}}
    assert len(scene.counts) <= 5
    assert scene.heard.counts[-1].present == {"person": 1}
    for before, after in zip(scene.counts, scene.counts[1:], strict=False):
        assert before != after


def test_a_camera_that_falls_silent_ends_its_objects() -> None:
    scene = Scene()
    scene.walk(10, 54)
    scene.clock.advance(5)
    scene.publisher.pass_time([scene.seat])
    assert [event.phase for event in scene.events] == ["new", "end"]
    assert scene.events[-1].reason == "interrupted"
    assert scene.counts[-1].present == {}


def test_a_stop_interrupts_every_life_once() -> None:
    scene = Scene(zones={"yard": YARD})
    scene.walk(30, 54)
    scene.publisher.end_lives([scene.seat])
    scene.publisher.end_lives([scene.seat])
    assert [event.phase for event in scene.events][-2:] == ["left", "end"]
    assert {event.reason for event in scene.events[-2:]} == {"interrupted"}


def test_a_reload_of_the_zones_keeps_the_object_and_begins_the_new_zone() -> None:
    scene = Scene(zones={"yard": YARD})
    scene.walk(40, 54)
    config = camera_config(zones={"lawn": YARD})
    scene.seat.retune(config, rules_of(config))
    scene.walk(54, 40)
    assert [(event.phase, event.zone) for event in scene.events if event.event == "zone"] == [
        ("entered", "yard"),
        ("left", "yard"),
        ("entered", "lawn"),
    ]
    assert {event.track for event in scene.events} == {1}


def test_another_stream_is_another_scene() -> None:
    scene = Scene()
    scene.walk(40, 54)
    config = camera_config(url="synthetic://32x24")
    scene.seat.retune(config, rules_of(config))
    scene.walk(54, 40)
    assert [(e.phase, e.track) for e in scene.events] == [("new", 1), ("end", 1), ("new", 2)]


def test_numbers_outlive_the_seat_and_heartbeats_name_the_last_event() -> None:
    numbers = Numbers()
    scene = Scene(numbers)
    scene.walk(40, 54)
    assert (numbers.track, numbers.event_seq) == (1, 1)
    again = Scene(numbers)
    again.walk(40, 54)
    assert [(event.track, event.event_seq) for event in again.events] == [(2, 2)]
    again.publisher.heartbeat([again.seat], ready=True)
    beat = again.put[-1].message
    assert isinstance(beat, HeartbeatMessage)
    assert beat.cameras["gate"].event_seq == 2


def test_what_the_live_page_is_shown_says_whose_each_box_is() -> None:
    scene = Scene()
    scene.walk(40, 54)
    sight = scene.seat.sight
    assert sight is not None
    assert [known.track if known else None for known in sight.objects] == [1]


def test_objects_of_a_paused_camera_end_at_once_and_their_counts_fall_to_nothing() -> None:
    scene = Scene(zones={"yard": YARD})
    scene.walk(40, 44)
    scene.seat.pause(True)
    scene.publisher.end_lives([scene.seat])
    ended = [event for event in scene.events if event.phase == "end"]
    assert [(event.event, event.reason) for event in ended] == [("object", "interrupted")]
    scene.clock.advance(1.0)
    scene.publisher.pass_time([scene.seat])
    assert scene.heard.counts[-1].present == {}
    told = len(scene.put)
    result_at = scene.clock.time_s
    result = Result(
        FakeDetector(),
        frame(scene.seat, result_at),
        None,
        "late",
        Timing(result_at, result_at, result_at),
    )
    scene.publisher.result(result)
    assert len(scene.put) == told, "a paused camera says nothing"


def test_whoever_is_new_or_moves_must_not_be_left_alone() -> None:
    scene = Scene(detect={"gate": {"enabled": True}})
    assert not scene.seat.shows_objects
    for x in range(10, 50, 4):
        scene.see(x)
        assert scene.seat.shows_objects


def test_whoever_stands_still_may_be_left_alone_and_keeps_its_number() -> None:
    scene = Scene(detect={"gate": {"enabled": True, "heartbeat_s": 2}})
    for _ in range(200):
        known = scene.see(30).detections[0].track
    assert not scene.seat.shows_objects
    for _ in range(5):
        beat = scene.see(30, after_s=2.1, was_gated=True)
        assert beat.detections[0].track == known
        assert not scene.seat.shows_objects
    assert scene.heard.looks == [False] * 5


def test_an_object_found_while_nothing_changed_counts_as_missed_and_is_followed() -> None:
    scene = Scene(detect={"gate": {"enabled": True}})
    scene.see(was_gated=True)
    scene.see(30, was_gated=True)
    assert scene.heard.looks == [False, True]
    assert scene.seat.shows_objects


def test_without_tracking_whatever_is_reported_must_not_be_left_alone() -> None:
    scene = Scene(detect={"gate": {"enabled": True}}, tracking={"enabled": False})
    scene.see(30)
    assert scene.seat.shows_objects
    scene.see()
    assert not scene.seat.shows_objects
