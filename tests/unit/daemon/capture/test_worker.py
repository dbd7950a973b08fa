"""A camera's thread: states, waits, books, and faults that stay inside."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import av
import numpy as np
import pytest
from msgspec.structs import replace

from config.camera import CameraConfig, DetectConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState, StreamInfo
from daemon.capture import CaptureError, Cause, Lost, OpenSource, Sample, Source, intake
from daemon.capture.gate import ChangeGate, Why
from daemon.capture.pacer import Pacer
from daemon.capture.tampering import look_at
from daemon.pipeline.frame import Row
from detector.letterbox import InputSpec, Letterbox, Rect
from tests.support.capture_rig import INPUT, CaptureRig
from tests.support.fakes import GreyPicture, camera_config, rules_of

RULES = rules_of(camera_config())
SCENE = StreamInfo("h264", 64, 48, 30.0, "tcp", "software")


def sample(pts_s: float, *, corrupt: bool = False, broken: bool = False) -> Sample:
    def scale(part: Rect | None = None) -> Row:
        if broken:
            raise av.error.InvalidDataError(1, "cannot be scaled")
        pixels = np.zeros((INPUT.height, INPUT.width, 3), np.uint8)
        return Row(pixels, Letterbox.fit((64, 48), INPUT, part))

    return Sample(pts_s=pts_s, is_corrupt=corrupt, picture=GreyPicture(), scale=scale, wh=(64, 48))


class FakeSource:
    """Plays a script: samples, then an exception, an end, or silence until it is closed."""

    info = SCENE

    def __init__(self, script: list[Any]) -> None:
        self._script = script
        self.closed = threading.Event()
        self.inputs: list[InputSpec] = []

    def use_input(self, spec: InputSpec) -> None:
        self.inputs.append(spec)

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        for step in self._script:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, threading.Event):
                step.wait(10)
                continue
            if isinstance(step, Sample):
                pacer.saw(step.pts_s)
            yield step

    def close(self) -> None:
        self.closed.set()


class Script:
    """An opener that hands out one scripted source after the other; the last one again."""

    def __init__(self, *plays: list[Any] | BaseException) -> None:
        self._plays = list(plays)
        self.opened: list[FakeSource] = []
        self.attempts = 0
        self.pause: Callable[[float], bool] | None = None

    def __call__(self, camera: CameraConfig, **rest: Any) -> Source:
        self.attempts += 1
        self.pause = rest["pause"]
        play = self._plays.pop(0) if len(self._plays) > 1 else self._plays[0]
        if isinstance(play, BaseException):
            raise play
        source = FakeSource(play)
        self.opened.append(source)
        return source


def rig(opener: OpenSource, **fields: Any) -> CaptureRig:
    fields = {"url": "rtsp://h/p", "detect": {"fps": 5.0}, **fields}
    return CaptureRig(CameraConfig.model_validate(fields), opener=opener)


def run(opener: Script, until: Callable[[CaptureRig], bool], **fields: Any) -> CaptureRig:
    capture = rig(opener, **fields)
    capture.start()
    try:
        capture.wait_for(lambda: until(capture))
    finally:
        capture.stop()
    assert all(source.closed.is_set() for source in opener.opened)
    return capture


def test_frames_reach_the_slot_and_the_status(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    hold = threading.Event()
    frames = [sample(index / 5) for index in range(3)]
    capture = rig(Script([*frames, hold]))
    capture.start()
    capture.wait_for(lambda: capture.page.captured == 3)
    assert capture.status.state is CameraState.STREAMING
    assert capture.status.stream == SCENE
    assert capture.status.last_frame_s is not None
    capture.worker.request_stop()
    hold.set()
    capture.stop()
    assert capture.page.captured == 3
    assert len(capture.observer.connects) == 1
    assert len(capture.observer.intervals) == 2
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        (
            "camera streaming camera=cam state=streaming codec=h264 size=64x48 fps=30"
            " transport=tcp decoder=software"
        )
    ]


def test_every_frame_that_is_not_offered_has_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    script: list[Any] = [sample(index / 30) for index in range(60)]
    script += [Lost.EARLY] * 7 + [Lost.UNDECODABLE] * 2
    script += [sample(2 + index / 5, corrupt=True) for index in range(3)]
    script += [sample(3 + index / 5, broken=True) for index in range(4)]
    capture = run(Script(script, CaptureError(Cause.AUTH)), lambda c: bool(c.reasons()))
    dropped = capture.page.dropped
    assert capture.page.captured == 76
    assert dropped[Drop.FPS_CAP] == 50 + 7
    assert dropped[Drop.CORRUPT] == 5
    assert dropped[Drop.PREPROCESS_ERROR] == 4
    assert capture.page.inferred + dropped[Drop.OVERWRITTEN] == 10
    assert capture.observer.errors.count("corrupt") == 3
    assert capture.observer.errors.count("other") == 6
    assert caplog.text.count("picture left out camera=cam reason=preprocess_error detail=") == 1


def still(pts_s: float, shade: int = 100) -> Sample:
    """A picture as the gate sees it: all of one shade, but for a mark."""
    luma = np.full((90, 160), 100, np.uint8)
    luma[40:50, 60:70] = shade
    return replace(sample(pts_s), luma=lambda: luma)


GATED = {"fps": 5.0, "gate": {"enabled": True, "hold_s": 0.5, "heartbeat_s": 1}}


def gated(monkeypatch: pytest.MonkeyPatch, script: list[Any], **looking: Any) -> CaptureRig:
    """Played as a file is that is read as fast as it goes, by a clock of its own."""
    clock = iter(np.arange(10**6) / 5)
    monkeypatch.setattr(ChangeGate, "judge", _at_pace(ChangeGate.judge, clock))
    return run(
        Script(script),
        lambda c: c.status.state is CameraState.FINISHED,
        url="file:///a.mp4",
        file={"realtime": False, "loop": False},
        detect=GATED | looking,
    )


def _at_pace(judge: Any, clock: Iterator[float]) -> Any:
    def judged(gate: ChangeGate, luma: Any, _now_s: float, **known: Any) -> Why:
        why: Why = judge(gate, luma, float(next(clock)), **known)
        return why

    return judged


def test_pictures_in_which_nothing_changes_are_gated_and_the_books_balance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    capture = gated(monkeypatch, [still(index / 5) for index in range(50)])
    page = capture.page
    assert page.captured == 50
    assert page.dropped[Drop.GATED] >= 35
    assert page.inferred + page.dropped[Drop.GATED] == 50
    assert sum(frame.was_gated for frame in capture.frames) >= 6  # about one a second


def test_a_picture_in_which_something_changes_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [still(index / 5, 200 if index == 30 else 100) for index in range(50)]
    capture = gated(monkeypatch, script)
    assert 6.0 in [frame.pts_s for frame in capture.frames if not frame.was_gated]


def test_with_tiles_those_are_looked_at_in_which_something_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def large(pts_s: float, shade: int) -> Sample:
        pixels = np.zeros((INPUT.height, INPUT.width, 3), np.uint8)
        return replace(
            still(pts_s, shade),
            wh=(1280, 720),
            scale=lambda part=None: (pixels, Letterbox.fit((1280, 720), INPUT, part)),
        )

    script = [large(index / 5, 200 if index >= 30 else 100) for index in range(50)]
    parts = [None, *((x, y, x + 320, y + 360) for y in (0, 360) for x in (0, 320, 640, 960))]
    monkeypatch.setattr("daemon.capture.intake.Arrangement.parts", lambda *_: parts)
    capture = gated(monkeypatch, script, tiles={"size": 320, "sweep_s": 60})
    rows = {frame.pts_s: len(frame.rows) for frame in capture.frames}
    assert rows[0.0] == 9  # the first picture: all
    assert 2 < rows[6.0] < 7  # the whole, those with the mark, and one in turn
    assert capture.page.balanced


def test_without_a_small_grey_picture_the_gate_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = gated(monkeypatch, [sample(index / 5) for index in range(10)])
    assert capture.page.inferred == 10


def test_a_camera_whose_view_is_watched_is_looked_at_though_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(
        "daemon.capture.intake.TamperWatch.judge", lambda *_: looks.append(1) or None
    )
    monkeypatch.setattr("daemon.capture.intake.TamperWatch.due", lambda *_: True)
    capture = gated(monkeypatch, [still(index / 5) for index in range(50)])
    assert len(looks) == 50
    assert capture.page.dropped[Drop.GATED] >= 35


@pytest.mark.parametrize("asked", ["wallclock", "rtcp"])
def test_the_cameras_own_clock_is_published_where_it_is_asked_for_and_known(asked: str) -> None:
    pictures = [sample(0.0), replace(sample(0.2), captured_ns=17)]
    capture = run(
        Script(pictures),
        lambda c: c.status.state is CameraState.FINISHED,
        url="file:///a.mp4",  # read at full speed, so that none replaces the other
        file={"realtime": False},
        time_source=asked,
    )
    told = [(frame.time_source, frame.captured_ns == 17) for frame in capture.frames]
    if asked == "rtcp":
        assert told == [("wallclock", False), ("rtcp", True)]
        assert len(capture.observer.behind_s) == 1
    else:
        assert told == [("wallclock", False)] * 2
        assert capture.observer.behind_s == []


@pytest.mark.parametrize("kind", sorted(set(Cause) - {Cause.CONFIG, Cause.EOF}))
def test_a_lost_stream_backs_off_and_is_tried_again(kind: Cause) -> None:
    opener = Script(CaptureError(kind), [sample(0.0)])
    capture = run(
        opener,
        lambda c: len(c.reasons()) >= 2,
        reconnect={"min_s": 0.01, "max_s": 0.01, "slow_s": 0.01},
    )
    assert capture.reasons()[:2] == [kind.value, "eof"]
    assert [status.state for status in capture.history][:4] == [
        CameraState.BACKOFF,
        CameraState.CONNECTING,
        CameraState.STREAMING,
        CameraState.BACKOFF,
    ]


def test_a_refused_login_waits_in_the_slow_lane() -> None:
    opener = Script(CaptureError(Cause.AUTH))
    capture = run(opener, lambda c: c.status.state is CameraState.BACKOFF)
    assert capture.status.retry_s == 60.0
    assert opener.attempts == 1


def test_a_fault_of_the_configuration_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    opener = Script(CaptureError(Cause.CONFIG, "credential gate: no such file"))
    capture = run(opener, lambda c: c.status.state is CameraState.FAILED)
    assert capture.status.reason == "config"
    assert opener.attempts == 1
    assert 'reason=config detail="credential gate: no such file"' in caplog.text


def test_a_file_played_once_ends_without_a_retry(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    opener = Script([sample(0.0)])
    capture = run(opener, lambda c: c.status.state is CameraState.FINISHED, url="file:///a.mp4")
    assert capture.status.reason == "eof"
    assert capture.page.captured == 1
    assert "played to its end" in caplog.text


def test_a_crash_costs_the_camera_a_wait_and_shows_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opener = Script(ZeroDivisionError("rtsp://u:canary@h"), [sample(0.0)])
    capture = run(opener, lambda c: c.page.captured > 0, reconnect={"min_s": 0.01, "max_s": 0.01})
    assert capture.reasons()[0] == "internal"
    assert "ZeroDivisionError" in caplog.text
    assert "in consume" in caplog.text
    assert "canary" not in caplog.text


def test_a_camera_that_stays_lost_is_logged_once_per_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    refused, timeout = CaptureError(Cause.REFUSED), CaptureError(Cause.TIMEOUT)
    opener = Script(refused, refused, refused, timeout, refused, CaptureError(Cause.AUTH))
    run(opener, lambda c: "auth" in c.reasons(), reconnect={"min_s": 0.01, "max_s": 0.01})
    reasons = [record.getMessage().split("reason=")[1].split()[0] for record in caplog.records]
    assert reasons == ["refused", "timeout", "refused", "auth"]


def test_a_frame_ends_a_stall() -> None:
    go_on, hold = threading.Event(), threading.Event()
    capture = rig(Script([sample(0.0), go_on, sample(0.2), hold]))
    capture.start()
    capture.wait_for_state(CameraState.STREAMING)
    capture.seat.status.change(CameraState.STALLED)
    go_on.set()
    capture.wait_for(lambda: capture.page.captured == 2)
    capture.worker.request_stop()
    hold.set()
    capture.stop()
    states = [status.state for status in capture.history]
    assert states == [CameraState.STREAMING, CameraState.STALLED, CameraState.STREAMING]


def test_a_stop_interrupts_a_long_wait_at_once() -> None:
    opener = Script(CaptureError(Cause.AUTH))
    capture = rig(opener)
    capture.start()
    capture.wait_for_state(CameraState.BACKOFF)
    capture.stop(within_s=0.5)
    capture.worker.request_stop()
    assert capture.worker.join(0.0)


def test_a_stop_interrupts_the_pauses_of_a_source() -> None:
    opener = Script([sample(0.0)])
    capture = run(opener, lambda c: opener.pause is not None)
    assert opener.pause is not None
    assert opener.pause(60.0)
    assert capture.worker.join(0.0)


def test_join_tells_of_a_thread_that_is_still_blocked() -> None:
    blocked = threading.Event()
    capture = rig(Script([sample(0.0), blocked]))
    capture.start()
    capture.wait_for_state(CameraState.STREAMING)
    capture.worker.request_stop()
    assert not capture.worker.join(0.02)
    blocked.set()
    capture.stop()


def test_a_worker_that_never_started_has_nothing_to_join() -> None:
    assert rig(Script([])).worker.join(0.0)


def test_a_machine_out_of_threads_fails_the_camera_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    capture = rig(Script([]))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more)
        capture.worker.start()
    assert capture.status.state is CameraState.FAILED
    assert capture.status.reason == "resources"
    assert "no thread could be started" in caplog.text
    assert capture.worker.join(0.0)


def test_software_decoding_is_said_where_hardware_was_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(Script([sample(0.0)]), lambda c: c.page.captured > 0, hwaccel="cuda")
    assert "no hardware decoder, decoding in software camera=cam hwaccel=cuda" in caplog.text


def test_a_file_read_at_full_speed_loses_no_frame() -> None:
    frames = [sample(index / 30) for index in range(100)]
    capture = run(
        Script(frames),
        lambda c: c.status.state is CameraState.FINISHED,
        url="file:///a.mp4",
        file={"realtime": False, "loop": False},
        detect={"fps": 30.0},
    )
    assert capture.page.captured == capture.page.inferred == 100


def test_another_input_holds_from_the_next_frame_on_and_the_stream_goes_on() -> None:
    wide, hold, end = InputSpec(32, 96), threading.Event(), threading.Event()
    opener = Script([sample(0.0), hold, sample(0.2), end])
    capture = rig(opener)
    capture.start()
    capture.wait_for_frames(1)
    capture.worker.use_input(wide)
    hold.set()
    capture.wait_for_frames(2)
    capture.worker.request_stop()
    end.set()
    capture.stop()
    assert [frame.input_spec for frame in capture.frames] == [INPUT, wide]
    assert opener.opened[0].inputs[:2] == [INPUT, wide]
    assert opener.attempts == 1


def test_another_crop_holds_from_the_next_frame_on_and_the_stream_goes_on() -> None:
    hold, end = threading.Event(), threading.Event()
    opener = Script([sample(0.0), hold, sample(1.0), end])
    capture = rig(opener, detect={"crop": [0, 0, 0.5, 1]})
    capture.start()
    capture.wait_for_frames(1)
    capture.seat.retune(capture.seat.config.model_copy(update={"detect": DetectConfig()}), RULES)
    hold.set()
    capture.wait_for_frames(2)
    capture.worker.request_stop()
    end.set()
    capture.stop()
    first, second = (frame.rows[0].letterbox for frame in capture.frames)
    assert first.part_xyxy == (0, 0, 32, 48)
    assert second.is_whole
    assert opener.attempts == 1


def test_the_view_is_watched_whole_whatever_part_the_detector_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[np.ndarray] = []
    monkeypatch.setattr(intake, "look_at", lambda seen: looks.append(seen) or look_at(seen))
    opener = Script([sample(0.0)])
    watched = {"detect": {"crop": [0, 0, 0.5, 1]}, "watch": {"dark": True}}
    run(opener, lambda rig: len(rig.frames) >= 1, **watched)
    assert looks[0].shape == (48, 64, 3)
    assert (looks[0] == 128).all()  # the grey picture; its parts are black here


def test_a_stream_is_opened_for_the_newest_input() -> None:
    wide = InputSpec(32, 96)
    seen: list[InputSpec] = []

    def opener(camera: CameraConfig, *, input_spec: InputSpec, **_: Any) -> Source:
        seen.append(input_spec)
        return FakeSource([sample(0.0)])

    capture = rig(opener)
    capture.worker.use_input(wide)
    capture.start()
    capture.wait_for_frames(1)
    capture.stop()
    assert seen == [wide]


def test_a_stream_that_was_lost_is_freed_before_the_next_one() -> None:
    streams: list[weakref.ref[FakeSource]] = []

    class BreakingSource(FakeSource):
        def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
            yield from super().samples(pacer)
            raise CaptureError(Cause.RESET)

    def opener(camera: CameraConfig, **_: Any) -> Source:
        source = BreakingSource([sample(0.0)])
        streams.append(weakref.ref(source))
        return source

    capture = rig(opener, reconnect={"min_s": 60.0, "max_s": 60.0})
    gc.disable()  # it seldom comes by where a process holds as much as TensorFlow does
    try:
        capture.start()
        capture.wait_for(lambda: capture.status.state is CameraState.BACKOFF)
        capture.wait_for(lambda: streams[0]() is None)
    finally:
        gc.enable()
        capture.stop()
