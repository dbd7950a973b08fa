"""One recording for each object's life: the picture of its best moment and a clip, by its id."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest

from config.schema import RecordingsConfig
from daemon.books.reports import RecordingReport
from daemon.highlights.darkroom import Darkroom
from daemon.recording import clips
from daemon.recording.recorder import Recorder
from daemon.recording.shelf import Item, Part, Shelf, moment_of
from tests.support.fakes import FakeClock, camera_config, rules_of
from tests.support.pictures import grey_of
from tests.support.waiting import until
from tests.support.watched import WatchedCamera

TRACKING = {"forget_after_s": 1}


class Studio:
    """One camera that records the lives of what it sees, onto a real disk."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.highlights = Darkroom(self.clock)
        self.recorder = Recorder(self.clock, best=self.highlights.best)
        self.camera = WatchedCamera(self.clock, self.highlights, self.recorder, tracking=TRACKING)

    def use(self, **record: Any) -> None:
        options = {"snapshots": True, "per": "object", "min_interval_s": 1} | record
        config = camera_config(record=options, tracking=TRACKING)
        seat = self.camera.seat
        seat.retune(config, rules_of(config))
        self.highlights.use([seat], full=[seat])
        self.recorder.use(RecordingsConfig(folder=self.folder), [seat])

    def start(self, **record: Any) -> None:
        self.use(**record)
        self.highlights.start()
        self.recorder.start()
        until(lambda: self.recorder.shelf(self.camera.seat))

    def see(self, *scores: float, pictures: int = 1, grey: int = 128) -> None:
        """One picture after the other, as fast as the recorder takes them."""
        for _ in range(pictures):
            self.camera.see(*scores, grey=grey)
            until(lambda: self.recorder.report().queue.depth == 0)

    def wait(self, seconds: float) -> None:
        """Nobody is there for so long."""
        self.see(pictures=round(seconds * 10))

    @property
    def made(self) -> RecordingReport:
        return self.recorder.report().cameras.get("gate", RecordingReport())

    @property
    def shelf(self) -> Shelf:
        shelf = self.recorder.shelf(self.camera.seat)
        assert shelf is not None
        return shelf

    def items(self) -> list[Item]:
        return self.shelf.newest(99)

    def score(self) -> float:
        """Of the best object in the only recording."""
        (item,) = self.items()
        message = json.loads(self.shelf.message(item.name))
        return float(max(found["score"] for found in message["detections"]))

    def stop(self) -> None:
        assert self.highlights.stop(5.0)
        self.recorder.request_stop(2.0)
        assert self.recorder.join(5.0)


@contextmanager
def studio_in(folder: Path) -> Iterator[Studio]:
    studio = Studio(folder)
    try:
        yield studio
    finally:
        studio.stop()


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both threads look at the clock all the time."""
    monkeypatch.setattr("daemon.recording.recorder.TURN_S", 0.005)
    monkeypatch.setattr("daemon.highlights.darkroom.TURN_S", 0.005)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with studio_in(tmp_path) as studio:
        yield studio


def times(path: Path | None) -> list[float]:
    with av.open(str(path)) as container:
        return [float(shown.time or 0) for shown in container.decode(video=0)]


def test_a_life_is_one_recording_named_by_the_id_of_its_events(studio: Studio) -> None:
    studio.start(clips=True, clip={"before_s": 1, "after_s": 1})
    studio.wait(1)
    studio.see(0.7, pictures=20)
    studio.wait(3)
    until(lambda: studio.made.clips == 1)
    (end,) = studio.camera.events("end")
    (item,) = studio.items()
    assert item.name.endswith(f"_{end.id}")
    assert studio.shelf.of_object(end.id) == item
    assert set(item.parts) == set(Part)
    message = json.loads(studio.shelf.message(item.name))
    assert (message["kind"], message["captured_ns"]) == ("detection", end.best.captured_ns)
    assert (studio.made.snapshots, studio.made.failed) == (1, 0)
    assert abs(moment_of(item.name) - end.first.captured_ns) < 10**9


def test_the_snapshot_is_of_the_best_moment_of_the_whole_life(studio: Studio) -> None:
    studio.start()
    studio.see(0.5, pictures=15, grey=40)
    until(lambda: studio.items())
    assert studio.score() == pytest.approx(0.5)
    studio.see(0.9, grey=220)
    studio.see(0.6, pictures=15, grey=90)
    studio.wait(3)
    until(lambda: studio.items() and studio.score() > 0.8)
    (item,) = studio.items()
    folder = studio.folder / "gate"
    for part in ("jpg", "thumb.jpg", "boxes.jpg"):
        shown = (folder / f"{item.name}.{part}").read_bytes()
        assert grey_of(shown) == pytest.approx(220, abs=4), part
    assert studio.made.snapshots == 1, "one recording, however often it was bettered"
    # The message, by which it is known to be written, is there a moment before it is counted.
    until(
        lambda: (
            [one.size for one in studio.items()]
            == [sum(path.stat().st_size for path in folder.iterdir())]
            == [studio.shelf.size]
        )
    )


def test_the_picture_is_there_while_the_object_still_is(studio: Studio) -> None:
    studio.start()
    studio.see(0.7, pictures=5)
    until(lambda: studio.made.snapshots == 1)
    assert studio.camera.events("end") == []


def test_a_clip_holds_the_whole_life_with_what_was_before_and_after(studio: Studio) -> None:
    studio.start(clips=True, clip={"before_s": 1, "after_s": 1})
    studio.wait(3)
    studio.see(0.7, pictures=20)
    studio.wait(4)
    until(lambda: studio.made.clips == 1)
    (item,) = studio.items()
    shown = times(studio.shelf.file(f"{item.name}.mp4"))
    # It came at 0 and was last seen 1.9 s later; from 1 s before it to 1 s after it.
    assert shown[-1] == pytest.approx(1 + 1.9 + 1, abs=0.35)


def test_a_life_that_lasts_longer_than_a_clip_may_ends_its_clip_and_not_its_snapshot(
    studio: Studio,
) -> None:
    studio.start(clips=True, clip={"before_s": 1, "after_s": 1, "max_s": 5})
    studio.see(0.6, pictures=80)
    until(lambda: studio.made.clips == 1)
    assert studio.camera.events("end") == [], "it is still there"
    studio.see(0.9, pictures=5, grey=230)
    studio.wait(3)
    until(lambda: studio.score() == pytest.approx(0.9))
    (item,) = studio.items()
    assert times(studio.shelf.file(f"{item.name}.mp4"))[-1] <= 5.1
    assert studio.made.clips == 1


def test_two_who_overlap_get_a_recording_and_a_clip_each(studio: Studio) -> None:
    studio.start(clips=True, clip={"before_s": 1, "after_s": 1})
    studio.see(0.7, pictures=15)
    studio.see(0.7, 0.8, pictures=15)
    studio.wait(4)
    until(lambda: studio.made.clips == 2)
    ended = {event.id for event in studio.camera.events("end")}
    assert {item.name.partition("_")[2] for item in studio.items()} == ended
    assert studio.made.snapshots == 2


def test_clips_at_a_time_are_bounded_and_the_picture_is_kept_all_the_same(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "MOST_RUNNING", 1)
    studio.start(clips=True)
    studio.see(0.7, pictures=15)
    studio.see(0.7, 0.8, pictures=15)
    studio.wait(9)
    until(lambda: (studio.made.clips, studio.made.snapshots) == (1, 2))


def test_min_interval_holds_between_the_beginnings_of_two_recordings(studio: Studio) -> None:
    studio.start(min_interval_s=3)
    studio.see(0.7, 0.8, pictures=10)
    until(lambda: studio.made.snapshots == 1)
    studio.see(0.7, 0.8, pictures=20)
    assert studio.made.snapshots == 1
    studio.see(0.7, 0.8, pictures=15)
    until(lambda: studio.made.snapshots == 2)
    first, second = sorted(moment_of(item.name) for item in studio.items())
    assert second - first == pytest.approx(3e9, abs=0.21e9)


def test_who_is_gone_before_his_turn_is_not_recorded(studio: Studio) -> None:
    studio.start(min_interval_s=10)
    studio.see(0.7, pictures=10)
    studio.see(0.7, 0.8, pictures=10)
    studio.see(0.7, pictures=100)
    until(lambda: studio.made.snapshots == 1)
    assert len(studio.items()) == 1


def test_a_reload_of_the_options_ends_what_runs_whole(studio: Studio) -> None:
    studio.start(clips=True)
    studio.see(0.7, pictures=15)
    studio.use(clips=True, on=["person"])
    until(lambda: studio.made.clips == 1)
    studio.see(0.9, pictures=15)
    (item,) = studio.items()
    assert set(item.parts) == set(Part)
    studio.wait(3)
    studio.see(0.8, pictures=5)
    studio.wait(9)
    until(lambda: studio.made.clips == 2)
    assert not list((studio.folder / "gate").glob(".*"))


def test_a_reload_that_leaves_the_options_alone_leaves_recordings_alone(studio: Studio) -> None:
    studio.start(clips=True, clip={"before_s": 1, "after_s": 1})
    studio.see(0.7, pictures=15)
    studio.use(clips=True, clip={"before_s": 1, "after_s": 1})
    studio.see(0.9, pictures=10, grey=230)
    studio.wait(3)
    until(lambda: studio.made.clips == 1)
    assert len(studio.items()) == 1
    assert studio.score() == pytest.approx(0.9)


def test_a_stop_leaves_whole_recordings_of_who_is_there(studio: Studio) -> None:
    studio.start(clips=True)
    studio.see(0.6, pictures=15)
    studio.see(0.9)
    studio.camera.publisher.end_lives([studio.camera.seat])
    studio.stop()
    (item,) = studio.items()
    assert set(item.parts) == set(Part)
    assert studio.score() == pytest.approx(0.9)
    assert not list((studio.folder / "gate").glob(".*"))


def test_a_picture_that_never_came_costs_its_being_the_best_and_not_the_recording(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.recorder, "_best", lambda _: None)
    studio.start()
    studio.see(0.7, pictures=40)
    until(lambda: studio.made.snapshots == 1)
    assert studio.score() == pytest.approx(0.7)


def test_a_full_disk_costs_recordings_and_the_next_ones_are_whole(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.start()
    until(lambda: not studio.recorder.report().failing)
    write_bytes = Path.write_bytes
    is_full = True

    def full(path: Path, content: bytes) -> int:
        if is_full and path.parent.name == "gate":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    studio.see(0.7, pictures=10)
    until(lambda: studio.recorder.report().failing == "No space left on device")
    assert studio.made.failed >= 1
    assert list((studio.folder / "gate").iterdir()) == []
    is_full = False
    studio.wait(3)
    studio.see(0.8, pictures=10)
    until(lambda: studio.made.snapshots >= 1)
    until(lambda: studio.recorder.report().failing == "")
    studio.wait(3)
    until(lambda: any(studio.shelf.of_object(e.id) for e in studio.camera.events("end")))
    assert not list((studio.folder / "gate").glob(".*"))


def test_a_restart_counts_recordings_of_lives(studio: Studio) -> None:
    studio.start()
    studio.see(0.7, pictures=10)
    studio.wait(3)
    until(lambda: studio.made.snapshots == 1)
    (item,) = studio.items()
    again = Shelf(studio.folder / "gate")
    again.scan()
    found = again.of_object(studio.camera.events("end")[0].id)
    assert found is not None
    assert replace_parts(found) == replace_parts(item)


def replace_parts(item: Item) -> tuple[str, set[Part], int]:
    return item.name, set(item.parts), item.size


def test_objects_that_are_not_followed_cannot_be_recorded_by_their_lives() -> None:
    record = {"snapshots": True, "per": "object"}
    with pytest.raises(ValueError, match="per: object needs objects that are followed"):
        camera_config(record=record, tracking={"enabled": False})
