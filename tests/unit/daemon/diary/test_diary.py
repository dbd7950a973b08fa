"""The thread that keeps what happened: nobody waits for it, and no file is made unasked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.camera import CameraConfig
from config.schema import RecordingsConfig
from daemon.diary import diary as module
from daemon.diary.diary import Diary
from daemon.diary.store import Wish
from sinks.messages import EventMessage
from tests.support.fakes import FakeClock
from tests.support.messages import event
from tests.support.waiting import until

GATE = {"gate": CameraConfig(url="synthetic://gate")}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def diary(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Diary]:
    monkeypatch.setattr(module, "TURN_S", 0.005)
    diary = Diary(clock)
    yield diary
    assert diary.stop(5)


def happened(**fields: object) -> EventMessage:
    message = event(**fields).message  # type: ignore[arg-type]
    assert isinstance(message, EventMessage)
    return message


def test_what_happened_survives_a_restart(diary: Diary, tmp_path: Path, clock: FakeClock) -> None:
    place = RecordingsConfig(folder=tmp_path)
    diary.use(place, GATE)
    diary.start()
    diary.put(happened())
    diary.put(happened(phase="end"))
    assert diary.stop(5), "what waits is written"
    again = Diary(clock)
    again.use(place, GATE)
    again.start()
    until(lambda: [life.ended for life in again.lives(Wish())] == ["end"])
    assert again.stop(5)


def test_where_nothing_is_recorded_no_file_is_made(
    diary: Diary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert diary.lives(Wish()) == []
    diary.use(RecordingsConfig(), GATE)
    diary.start()
    diary.put(happened())
    until(lambda: len(diary.lives(Wish())) == 1)
    assert diary.spans(0, 2**62) != []
    assert list(tmp_path.iterdir()) == []


def test_with_recordings_the_file_lies_beside_them(
    diary: Diary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    records = CameraConfig.model_validate({"url": "synthetic://gate", "record": {"clips": True}})
    diary.use(RecordingsConfig(), {"gate": records})
    diary.start()
    until((tmp_path / "recordings" / "events.sqlite").exists)


def test_a_folder_that_is_not_there_is_not_made_and_memory_has_to_do(
    diary: Diary, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        diary.use(RecordingsConfig(folder=tmp_path / "absent"), GATE)
        diary.start()
        until(lambda: "diary cannot be written" in caplog.text)
        diary.put(happened())
        until(lambda: len(diary.lives(Wish())) == 1)
    assert caplog.text.count("diary cannot be written") == 1
    assert list(tmp_path.iterdir()) == []


def test_old_lives_go_with_the_recordings_of_their_camera(
    diary: Diary, tmp_path: Path, clock: FakeClock
) -> None:
    diary.use(RecordingsConfig(folder=tmp_path), GATE)
    diary.start()
    diary.put(happened())
    until(lambda: len(diary.lives(Wish())) == 1)
    clock.advance(8 * 86_400)
    until(lambda: diary.lives(Wish()) == [])


def test_a_crowd_of_events_pushes_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary(FakeClock())  # nobody writes: it was not started
    for n in range(module.CAPACITY + 10):
        diary.put(happened(seq=n + 1))
    assert len(diary._inbox) == module.CAPACITY
