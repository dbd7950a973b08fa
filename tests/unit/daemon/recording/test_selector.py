"""Which answers begin a recording, and which may become part of a clip."""

from __future__ import annotations

from typing import Any

from config.camera import RecordConfig
from daemon.recording.selector import Interest, LifeSelector, Selector
from sinks.messages import Detection, EventMessage
from tests.support import messages


def found(*labels: str, score: float = 0.9) -> list[Detection]:
    return [Detection(label, 0, score, (0, 0, 1, 1)) for label in labels]


def selector(**options: Any) -> Selector:
    return Selector(RecordConfig.model_validate({"snapshots": True} | options))


def test_what_is_seen_is_recorded_once_per_interval() -> None:
    one = selector(min_interval_s=10)
    looks = [one.look(found("person"), at_s) for at_s in (0.0, 0.2, 9.9, 10.0, 19.9)]
    assert looks == [Interest.EVENT, None, None, Interest.EVENT, None]


def test_an_empty_picture_is_no_event_and_does_not_delay_one() -> None:
    one = selector()
    assert [one.look([], 0.0), one.look(found("car"), 0.2)] == [None, Interest.EVENT]


def test_only_the_labels_asked_for_and_the_scores_asked_for_count() -> None:
    one = selector(on=["person"], min_score=0.6)
    assert one.look(found("car"), 0.0) is None
    assert one.look(found("person", score=0.59), 0.2) is None
    assert one.look(found("car", "person", score=0.6), 0.4) is Interest.EVENT


def test_with_clips_every_picture_is_of_interest_but_no_more_than_ten_a_second() -> None:
    one = selector(clips=True)
    looks = [one.look([], n / 30) for n in range(30)]
    assert looks.count(Interest.PASSING) == 10
    assert [one.look([], 2 + n / 10) for n in range(10)] == [Interest.PASSING] * 10


def test_a_clip_is_never_cut_short_by_the_next_event() -> None:
    one = selector(clips=True, min_interval_s=1, clip={"after_s": 5})
    looks = [one.look(found("person"), float(at_s)) for at_s in range(7)]
    assert [n for n, look in enumerate(looks) if look is Interest.EVENT] == [0, 5]


class Lives:
    """A selector of lives, and objects that come and go."""

    def __init__(self, **options: Any) -> None:
        fields = {"snapshots": True, "per": "object"} | options
        self.one = LifeSelector(RecordConfig.model_validate(fields))

    def tell(self, track: int, phase: str, at_s: float, **fields: Any) -> bool:
        best = messages.Moment(1, fields.pop("score", 0.9), (0.0, 0.0, 9.0, 9.0))
        named = {"id": f"e-gate-{track}", "track": track, "phase": phase, "best": best} | fields
        event = messages.event(**named).message
        assert isinstance(event, EventMessage)
        return self.one.tell(event, at_s)

    def look(self, at_s: float, *tracks: int, score: float = 0.9) -> str | None:
        found = [Detection("person", 0, score, (0, 0, 1, 1), track) for track in tracks]
        return self.one.look([*found, Detection("person", 0, score, (0, 0, 1, 1))], at_s)


def test_a_life_is_recorded_once_from_its_beginning_and_its_end_is_told() -> None:
    lives = Lives()
    assert lives.tell(1, "new", 0.0)
    assert not lives.tell(1, "update", 20.0)
    assert lives.look(30.0, 1) is None
    assert lives.tell(1, "end", 40.0)
    assert not lives.tell(1, "end", 40.0)


def test_who_comes_too_soon_waits_and_is_recorded_when_he_is_still_there() -> None:
    lives = Lives(min_interval_s=10)
    assert lives.tell(1, "new", 0.0)
    assert not lives.tell(2, "new", 3.0)
    assert not lives.tell(3, "new", 4.0)
    assert lives.look(9.9, 2, 3) is None
    assert not lives.tell(2, "end", 9.9), "it was never recorded"
    assert lives.look(10.0, 3) == "e-gate-3"
    assert lives.look(10.2, 3) is None
    assert lives.tell(3, "end", 11.0)


def test_a_life_must_be_of_a_label_and_a_score_that_are_asked_for() -> None:
    lives = Lives(on=["person"], min_score=0.6)
    assert not lives.tell(1, "new", 0.0, label="car")
    assert not lives.tell(2, "new", 0.0, score=0.59)
    assert lives.look(1.0, 1, 2, score=0.59) is None
    assert lives.look(1.0, 1, 2, score=0.6) == "e-gate-2"
    assert not lives.tell(1, "update", 5.0, label="person"), "too soon after the last one"
    assert lives.tell(1, "update", 11.0, label="person"), "it was taken for a car"


def test_objects_that_were_there_before_are_not_recorded() -> None:
    lives = Lives()
    assert lives.look(0.0, 7) is None
    assert not lives.tell(7, "update", 0.0)
    assert not lives.tell(7, "end", 1.0)


def test_zones_and_lines_begin_no_recording() -> None:
    lives = Lives()
    assert not lives.tell(1, "entered", 0.0, about="zone", zone="yard")


def test_pictures_for_clips_of_lives_come_ten_times_a_second_at_most() -> None:
    assert [Lives(clips=True).one.looks_on(n / 30) for n in range(3)] == [True] * 3
    one = Lives(clips=True).one
    assert sum(one.looks_on(n / 30) for n in range(30)) == 10
    assert not Lives().one.looks_on(0.0)
