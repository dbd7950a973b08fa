"""The recorder with its own thread and real files: what it writes, bounds, loses and survives."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import pytest
from msgspec.structs import replace

from config.schema import RecordingsConfig
from daemon.books.reports import Deletion, RecordingReport
from daemon.recording import recorder as recording
from daemon.recording.inbox import CAPACITY
from daemon.recording.recorder import Recorder
from daemon.recording.shelf import Part, Shelf, name_of
from daemon.seats.seat import Seat
from sinks.messages import Detection, DetectionMessage
from tests.support.fakes import (
    FakeClock,
    GreyPicture,
    camera_config,
    frame,
    one_box,
    rules_of,
    seat_of,
    sight_of,
)
from tests.support.messages import detection
from tests.support.waiting import until

DAY_S = 86_400


class BlockedPicture(GreyPicture):
    """Keeps whoever converts it waiting until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def to_bgr(self, max_width: int | None = None) -> Any:
        self.reached.set()
        assert self.let_go.wait(5)
        return super().to_bgr(max_width)


class Studio:
    """A recorder and its folder; `see` is an answer of a camera."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.recorder = Recorder(self.clock)
        self.seats: dict[str, Seat] = {}
        self.stranger = seat_of("stranger")
        self.seq = 0

    def use(self, **cameras: dict[str, Any]) -> None:
        for name, entry in cameras.items():
            config = camera_config(record=entry)
            seat = self.seats.setdefault(name, seat_of(name, config))
            seat.retune(config, rules_of(config))
        self.seats = {name: self.seats[name] for name in cameras}
        self.recorder.use(RecordingsConfig(folder=self.folder), self.seats.values())

    def start(self, **cameras: dict[str, Any]) -> None:
        self.use(**cameras)
        self.recorder.start()
        until(lambda: all(self.recorder.shelf(seat) for seat in self.seats.values()))

    def see(
        self,
        camera: str = "gate",
        *labels: str,
        picture: GreyPicture | None = None,
        camera_clock_s: float = 0.0,
    ) -> None:
        self.seq += 1
        captured_ns = self.clock.wall_ns() + round(camera_clock_s * 1e9)
        seen = replace(frame(camera, self.clock.now_s()), captured_ns=captured_ns)
        if picture is not None:
            seen = replace(seen, picture=picture)
        sight = sight_of(seen, one_box(), inferred_s=self.clock.now_s())
        message = detection(camera, self.seq).message
        assert isinstance(message, DetectionMessage)
        objects = tuple(Detection(label, 0, 0.9, (8, 6, 24, 36)) for label in labels)
        seat = self.seats.get(camera, self.stranger)
        self.recorder.see(seat, sight, replace_detections(message, objects, seen.captured_ns))

    def made(self, camera: str = "gate") -> RecordingReport:
        return self.recorder.report().cameras.get(camera, RecordingReport())

    def has(self, what: str, count: int) -> bool:
        return bool(getattr(self.made(), what) == count)

    def shelf(self, camera: str = "gate") -> Shelf:
        shelf = self.recorder.shelf(self.seats.get(camera))
        assert shelf is not None
        return shelf

    def failing(self) -> str:
        return self.recorder.report().failing


def replace_detections(
    message: DetectionMessage, objects: tuple[Detection, ...], captured_ns: int
) -> DetectionMessage:
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return DetectionMessage(**fields | {"detections": objects, "captured_ns": captured_ns})


@contextmanager
def studio_in(folder: Path) -> Iterator[Studio]:
    studio = Studio(folder)
    try:
        yield studio
    finally:
        studio.recorder.request_stop(1.0)
        assert studio.recorder.join(5.0)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with studio_in(tmp_path) as studio:
        yield studio


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder looks at the clock all the time."""
    monkeypatch.setattr(recording, "TURN_S", 0.01)


def test_a_snapshot_is_a_picture_with_and_without_boxes_and_the_message(studio: Studio) -> None:
    studio.start(gate={"snapshots": True})
    studio.see("gate", "person")
    until(lambda: studio.made().snapshots == 1)
    (item,) = studio.shelf().newest(9)
    assert set(item.parts) == {Part.THUMBNAIL, Part.PICTURE, Part.BOXES, Part.MESSAGE}
    folder = studio.folder / "gate"
    plain, boxes = (cv2.imread(str(folder / f"{item.name}.{end}")) for end in ("jpg", "boxes.jpg"))
    assert plain is not None
    assert boxes is not None
    assert plain.shape == boxes.shape == (48, 64, 3)
    assert plain.std() < 2 < boxes.std(), "one is grey, the other has a box on it"
    message = json.loads((folder / f"{item.name}.json").read_text())
    assert (message["kind"], message["camera"], message["seq"]) == ("detection", "gate", 1)
    assert message["published_ns"] == studio.clock.wall_ns()
    assert item.size == sum(path.stat().st_size for path in folder.iterdir())


def test_cameras_that_record_nothing_leave_no_trace(studio: Studio) -> None:
    studio.start(gate={}, yard={"snapshots": True})
    studio.see("gate", "person")
    studio.see("yard", "person")
    until(lambda: studio.made("yard").snapshots == 1)
    assert not (studio.folder / "gate").exists()
    assert list(studio.recorder.report().cameras) == ["yard"]


def test_a_clip_holds_the_seconds_around_the_event(studio: Studio) -> None:
    studio.start(gate={"clips": True, "clip": {"before_s": 1, "after_s": 2}})
    for n in range(30):
        studio.see("gate", *(["person"] if n == 10 else []))
        until(lambda: studio.recorder.report().queue.depth == 0)
        studio.clock.advance(0.2)
    until(lambda: studio.made().clips == 1)
    (item,) = studio.shelf().newest(9)
    assert set(item.parts) == {Part.THUMBNAIL, Part.MESSAGE, Part.CLIP}
    path = studio.shelf().file(f"{item.name}.mp4")
    with av.open(str(path)) as container:
        times = [float(shown.time or 0) for shown in container.decode(video=0)]
    assert times == pytest.approx([n * 0.2 for n in range(len(times))], abs=0.002)
    assert times[-1] == pytest.approx(3.0, abs=0.41), "1 s before, 2 s after"


@pytest.mark.usefixtures("in_a_hurry")
def test_a_camera_that_falls_silent_still_gets_its_clip(studio: Studio) -> None:
    studio.start(gate={"clips": True})
    studio.see("gate", "person")
    until(lambda: studio.recorder.report().queue.depth == 0)
    assert studio.made().clips == 0
    studio.clock.advance(5.1 + recording.LATE_S)
    until(lambda: studio.made().clips == 1)


def test_a_stop_closes_the_clip_that_runs(studio: Studio) -> None:
    studio.start(gate={"clips": True})
    studio.see("gate", "person")
    studio.recorder.request_stop(1.0)
    assert studio.recorder.join(5.0)
    (item,) = studio.shelf().newest(9)
    assert Part.CLIP in item.parts
    assert not list((studio.folder / "gate").glob(".*"))


def test_a_busy_recorder_keeps_nobody_waiting_and_counts_what_it_missed(studio: Studio) -> None:
    studio.start(gate={"clips": True})
    blocked = BlockedPicture()
    studio.see(picture=blocked)
    assert blocked.reached.wait(5)
    for _ in range(CAPACITY + 5):
        studio.clock.advance(0.2)
        studio.see()
    assert studio.made().missed == 5
    blocked.let_go.set()
    until(lambda: studio.recorder.report().queue.depth == 0)


def test_the_oldest_recordings_go_when_there_are_too_many(studio: Studio) -> None:
    studio.start(gate={"snapshots": True, "min_interval_s": 1, "max_gb": 12e-6})
    for made in range(1, 9):
        studio.see("gate", "person")
        until(partial(studio.has, "snapshots", made))
        studio.clock.advance(1)
    until(lambda: studio.made().stored_bytes <= 12_000)
    kept = studio.shelf().newest(99)
    assert 1 <= len(kept) < 8
    on_disk = {path.name.partition(".")[0] for path in (studio.folder / "gate").iterdir()}
    assert on_disk == {item.name for item in kept}


@pytest.mark.usefixtures("in_a_hurry")
def test_old_recordings_go_though_nothing_new_comes(studio: Studio) -> None:
    studio.start(gate={"snapshots": True, "keep_days": 2})
    studio.see("gate", "person")
    until(lambda: studio.made().stored == 1)
    studio.clock.advance(1.9 * DAY_S)
    studio.see("gate", "person")
    until(lambda: studio.made().stored == 2)
    studio.clock.advance(0.2 * DAY_S)
    until(lambda: studio.made().stored == 1)


def test_recordings_are_dated_by_our_own_clock_whatever_the_camera_says(studio: Studio) -> None:
    studio.start(gate={"snapshots": True, "min_interval_s": 1})
    for made in range(1, 4):
        studio.see("gate", "person", camera_clock_s=-30 * DAY_S)
        until(partial(studio.has, "snapshots", made))
        studio.clock.advance(2)
    assert studio.made().stored == 3
    now_ns = studio.clock.wall_ns()
    assert all(
        name_of(now_ns - 10 * 10**9) < item.name < name_of(now_ns)
        for item in studio.shelf().newest(9)
    )


@pytest.mark.usefixtures("in_a_hurry")
def test_a_start_with_a_clock_years_ahead_deletes_nothing_and_later_little_at_a_time(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shelf = Shelf(studio.folder / "gate")
    for n in range(50):
        shelf.write(name_of(studio.clock.wall_ns() - n * 10**12), Part.PICTURE, b"x")
    studio.clock.wall_ahead_s = 3 * 365 * DAY_S
    studio.start(gate={"snapshots": True})

    def looks(after_s: float, *, left: int = 50) -> int:
        """What is there once the recorder has looked at the clock again."""
        studio.clock.advance(after_s)
        looked_s = studio.recorder._tidy_s
        until(lambda: studio.recorder._tidy_s != looked_s)
        until(lambda: studio.recorder._tidy_s > studio.clock.now_s())
        until(lambda: studio.made().stored == left)
        time.sleep(0.01)
        return studio.made().stored

    assert looks(61) == 50
    assert looks(1800) == 50
    studio.clock.wall_ahead_s = 0.0
    assert looks(61) == 50
    studio.clock.wall_ahead_s = 3 * 365 * DAY_S  # and now for good
    assert looks(61) == 50
    assert caplog.text.count("clock was set by_s=") == 3
    assert looks(7 * 3600, left=30) == 30
    assert looks(61, left=10) == 10
    assert studio.made().deleted == {Deletion.AGE: 40, Deletion.SIZE: 0}
    lines = [line for line in caplog.messages if line.startswith("recordings deleted")]
    assert len(lines) == 2
    assert "camera=gate count=20 from=2026" in lines[0]
    assert ":age to=2026" in lines[0]


def test_a_restart_goes_on_with_what_is_on_disk(studio: Studio) -> None:
    studio.start(gate={"snapshots": True})
    studio.see("gate", "person")
    until(lambda: studio.made().snapshots == 1)
    stored = studio.made().stored_bytes
    with studio_in(studio.folder) as again:
        again.start(gate={})
        until(lambda: again.made().stored == 1)
        assert again.made() == RecordingReport(stored=1, stored_bytes=stored)


def test_options_change_under_way(studio: Studio) -> None:
    studio.start(gate={"clips": True})
    studio.see("gate", "person")
    until(lambda: studio.made().stored == 1)
    studio.use(gate={"snapshots": True}, yard={"snapshots": True})
    until(lambda: studio.made().clips == 1)
    studio.see("gate", "person")
    studio.see("yard", "person")
    until(lambda: studio.made("yard").snapshots == studio.made().snapshots == 1)
    left = studio.seats["gate"]
    studio.use(yard={"snapshots": True})
    until(lambda: studio.recorder.shelf(left) is None)
    assert (studio.folder / "gate").exists(), "what was recorded stays"


@pytest.mark.usefixtures("in_a_hurry")
def test_a_folder_that_is_not_there_is_told_once_and_made_by_nobody(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    studio.folder /= "away"
    studio.start(gate={"snapshots": True, "min_interval_s": 1})
    until(lambda: studio.failing() == "No such file or directory")
    for failed in (1, 2):
        studio.see("gate", "person")
        until(partial(studio.has, "failed", failed))
        studio.clock.advance(1)
    assert not studio.folder.exists()
    studio.folder.mkdir()
    studio.clock.advance(recording.TIDY_S)
    until(lambda: studio.failing() == "")
    studio.see("gate", "person")
    until(lambda: studio.made().snapshots == 1)
    told = [line for line in caplog.messages if line.startswith("recorder")]
    assert told == [
        "recorder cannot write reason=No such file or directory",
        "recorder works again",
    ]


def test_a_full_disk_costs_recordings_and_nothing_else(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    studio.start(gate={"snapshots": True, "clips": True, "min_interval_s": 1})
    until(lambda: not studio.failing())

    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", full)
        for failed in (1, 2):
            studio.see("gate", "person")
            until(partial(studio.has, "failed", failed))
            studio.clock.advance(10)
        assert studio.failing() == "No space left on device"
        assert list((studio.folder / "gate").iterdir()) == []
    studio.see("gate", "person")
    until(lambda: studio.made().snapshots == 1)
    until(lambda: studio.failing() == "")
    assert len([line for line in caplog.messages if "cannot write" in line]) == 1


def test_a_clip_that_cannot_be_written_is_counted_and_leaves_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.start(gate={"clips": True, "min_interval_s": 1})

    def full(*_: object, **__: object) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(av, "open", full)
    studio.see("gate", "person")
    until(lambda: studio.made().failed == 1)
    until(lambda: studio.failing() == "No space left on device")
    assert sorted(path.suffix for path in (studio.folder / "gate").iterdir()) == [".jpg", ".json"]


def test_a_defect_is_logged_with_its_trace_and_the_next_one_is_recorded(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(GreyPicture):
        def to_bgr(self, max_width: int | None = None) -> Any:
            raise ZeroDivisionError

    studio.start(gate={"snapshots": True, "min_interval_s": 1})
    studio.see("gate", "person", picture=Broken())
    until(lambda: studio.failing() == "ZeroDivisionError")
    assert caplog.records[-1].exc_info
    studio.clock.advance(1)
    studio.see("gate", "person")
    until(lambda: studio.made().snapshots == 1)
