"""Every lie of a camera is told, and the demo clip as it is raises none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from prometheus_client import CollectorRegistry

from config.camera import WatchConfig
from daemon.books.states import CameraState, Status, StreamInfo, Tampering
from daemon.capture import CaptureError, Cause, tampering
from daemon.capture.camera_log import CameraLog
from daemon.capture.tampering import TamperWatch, look_at
from daemon.metrics import ReportCollector
from tests.support.fakes import FakeClock
from tests.support.reporting import FakeReporter, camera_report
from tests.support.rtsp_server import STREET

Picture = npt.NDArray[np.uint8]
AFTER_S = 5.0
EVERYTHING = WatchConfig(frozen=True, dark=True, blurred=True, moved=True, after_s=AFTER_S)
USUAL_S = 20  # seconds of the usual view before it goes wrong


@cache
def street() -> tuple[Picture, ...]:
    """A picture for each second of the demo clip."""
    with av.open(str(STREET)) as container:
        frames = list(container.decode(video=0))[::10]
    return tuple(frame.reformat(384, 288, "rgb24").to_ndarray() for frame in frames)


def seconds_of(count: int, change: Callable[[Picture], Picture] = lambda p: p) -> list[Picture]:
    pictures = [change(picture) for picture in street()[:count]]
    return [pictures[second % len(pictures)] for second in range(count)]


def judged(pictures: Iterable[Picture], config: WatchConfig = EVERYTHING) -> list[Tampering | None]:
    watch = TamperWatch(config)
    return [watch.judge(look_at(picture), float(s)) for s, picture in enumerate(pictures)]


def black(picture: Picture) -> Picture:
    noise = np.random.default_rng(int(picture.sum())).normal(8, 4, picture.shape)
    return np.clip(noise, 0, 255).astype(np.uint8)


def covered(picture: Picture) -> Picture:
    """A cloth in daylight: only what shimmers through."""
    return np.asarray(120 + cv2.blur(picture, (61, 61)) // 16, np.uint8)


def out_of_focus(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)


def turned(picture: Picture) -> Picture:
    return np.roll(picture, 60, axis=1)


def zoomed(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture[60:-60, 80:-80], (384, 288)), np.uint8)


LIES = {
    "black": (black, Tampering.DARK),
    "covered": (covered, Tampering.BLURRED),
    "out of focus": (out_of_focus, Tampering.BLURRED),
    "turned": (turned, Tampering.MOVED),
    "zoomed": (zoomed, Tampering.MOVED),
    "upside down": (lambda picture: np.ascontiguousarray(picture[::-1]), Tampering.MOVED),
    "frozen": (lambda _: street()[0], Tampering.FROZEN),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=LIES.keys())
def test_a_lie_is_told_after_its_time_and_taken_back_when_it_ends(
    lie: Callable[[Picture], Picture], reason: Tampering
) -> None:
    told = judged([*seconds_of(USUAL_S), *seconds_of(20, lie), *seconds_of(10)])
    first = told.index(reason)
    assert set(told[:first]) == {None}
    assert AFTER_S <= first - USUAL_S <= AFTER_S + 2
    assert set(told[first : USUAL_S + 20]) == {reason}
    assert told[-1] is None
    assert set(told[-5:]) == {None}


def test_the_demo_clip_raises_no_false_alarm() -> None:
    shortest = EVERYTHING.model_copy(update={"after_s": 2.0})
    assert set(judged(seconds_of(300), shortest)) == {None}


def test_nor_do_dusk_noise_and_rain() -> None:
    random = np.random.default_rng(1)

    def dimmed(picture: Picture, second: int) -> Picture:
        light = 1.0 - 0.7 * second / 300
        noisy = picture * light + random.normal(0, 4 + second / 40, picture.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    evening = [dimmed(picture, second) for second, picture in enumerate(seconds_of(300))]
    assert set(judged(evening)) == {None}


def test_a_lie_that_is_not_looked_for_is_not_told() -> None:
    for lie, reason in LIES.values():
        others = EVERYTHING.model_copy(update={reason.value: False})
        assert reason not in judged([*seconds_of(USUAL_S), *seconds_of(20, lie)], others)


def test_nothing_is_looked_at_unless_asked_for() -> None:
    assert not TamperWatch(WatchConfig()).due(0.0)


def test_a_second_lies_between_two_looks() -> None:
    watch = TamperWatch(EVERYTHING)
    assert watch.due(0.0)
    watch.judge(look_at(street()[0]), 0.0)
    assert [watch.due(second) for second in (0.5, 0.99, 1.0)] == [False, False, True]


def test_what_went_wrong_before_a_reconnect_is_told_again_after_it() -> None:
    clock, history = FakeClock(), []
    status = Status("gate", clock, lambda status: history.append((status.state, status.reason)))
    reporter = CameraLog("gate", status)
    stream = StreamInfo("h264", 640, 360, 10.0, "tcp", "software")
    for _ in range(2):
        reporter.judged(Tampering.MOVED)  # no stream is open
        reporter.streaming(stream, wanted_decoder="none")
        reporter.judged(Tampering.MOVED)
        reporter.judged(Tampering.MOVED)
        reporter.judged(Tampering.DARK)
        reporter.lost(CaptureError(Cause.TIMEOUT), 1.0)
    reporter.streaming(stream, wanted_decoder="none")
    reporter.judged(Tampering.DARK)
    reporter.judged(None)
    once = [("streaming", ""), ("tampered", "moved"), ("tampered", "dark"), ("backoff", "timeout")]
    assert history == [*once * 2, ("streaming", ""), ("tampered", "dark"), ("streaming", "")]


def test_metrics_name_the_reason_and_count_the_camera_as_up() -> None:
    registry = CollectorRegistry()
    gate = camera_report("gate", CameraState.TAMPERED, reason="moved")
    reporter = FakeReporter(gate, camera_report("yard", CameraState.BACKOFF, reason="timeout"))
    registry.register(ReportCollector(reporter, started_ns=1))

    def value(name: str, camera: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"vedette_camera_{name}", {"camera": camera, **labels})

    assert value("up", "gate") == 1
    assert value("state", "gate", state="tampered") == 1
    told = {reason for reason in Tampering if value("tampered", "gate", reason=reason)}
    assert told == {Tampering.MOVED}
    assert {value("tampered", "yard", reason=reason) for reason in Tampering} == {0}


def test_a_stalled_camera_is_not_called_tampered() -> None:
    status = Status("gate", FakeClock())
    status.change(CameraState.STALLED)
    CameraLog("gate", status).judged(Tampering.FROZEN)
    assert status.state is CameraState.STALLED


def test_what_passes_the_lens_is_no_lie() -> None:
    passing = [*seconds_of(USUAL_S), *seconds_of(3, covered)] * 4
    assert set(judged(passing)) == {None}


def test_a_new_view_becomes_the_usual_one_and_a_covered_lens_never_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tampering, "RELEARN_S", 60.0)
    told = judged([*seconds_of(USUAL_S), *seconds_of(100, turned)])
    assert 58 <= told.count(Tampering.MOVED) <= 64
    assert told[-1] is None
    assert judged([*seconds_of(USUAL_S), *seconds_of(100, covered)])[-1] is Tampering.BLURRED
