"""Which answers begin a recording, and which may become part of a clip."""

from __future__ import annotations

from typing import Any

from config.camera import RecordConfig
from daemon.recording.selector import Interest, Selector
from sinks.messages import Detection


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
