"""Cameras are looked at all at once, in bounded time, and judged by what they bring."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from config.camera import CameraConfig
from daemon.capture.errors import CaptureError, Cause
from daemon.clock import SystemClock
from daemon.diagnosis.cameras import (
    camera_finding,
    decoding_finding,
    held_by,
    held_finding,
    paused_findings,
    probe_all,
)
from daemon.diagnosis.finding import Verdict
from daemon.diagnosis.probing import Probe
from daemon.diagnosis.running import Details, Running
from tests.support.probes import probe_of

GATE = CameraConfig(url="rtsp://h/")
USB = CameraConfig(url="v4l2:///dev/video0")


def fleet(count: int) -> dict[str, CameraConfig]:
    return {f"c{number}": GATE for number in range(count)}


def test_all_are_looked_at_at_once() -> None:
    together = threading.Barrier(8, timeout=5)

    def meet(*_: object, **__: object) -> Probe:
        together.wait()
        return probe_of()

    found = probe_all(fleet(8), clock=SystemClock(), attempt=meet)
    assert found == {f"c{number}": probe_of() for number in range(8)}


def test_who_does_not_answer_in_time_holds_up_nobody() -> None:
    def wait_or_answer(
        camera: CameraConfig, *, pause: Callable[[float], bool], **_: object
    ) -> Probe:
        if camera is USB:
            pause(30)
        return probe_of()

    started_s = time.monotonic()
    found = probe_all(
        {"slow": USB, "quick": GATE}, clock=SystemClock(), most_s=0.05, attempt=wait_or_answer
    )
    assert time.monotonic() - started_s < 1
    assert isinstance(found["quick"], Probe)
    assert str(found["slow"]) == "timeout: not done within 0.05 s"


def test_a_machine_without_threads_fails_its_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    found = probe_all(fleet(1), clock=SystemClock())["c0"]
    assert isinstance(found, CaptureError)
    assert found.kind is Cause.RESOURCES


def test_a_good_camera_is_one_line() -> None:
    found = camera_finding("gate", GATE, probe_of())
    assert (found.verdict, found.what, found.todo) == (Verdict.OK, "camera gate", "")
    assert found.detail == "H.264 1920×1080, 25.0 fps, tcp, first picture after 0.5 s"


def test_a_lost_camera_says_why_and_what_to_do() -> None:
    found = camera_finding("gate", GATE, CaptureError(Cause.REFUSED))
    assert (found.verdict, found.detail) == (Verdict.FAIL, "refused")
    assert "554" in found.todo
    device = camera_finding("gate", USB, CaptureError(Cause.DEVICE))
    assert "\n" not in device.line(10)


@pytest.mark.parametrize(
    ("fields", "probe", "words"),
    [
        ({"detect": {"fps": 30.0}}, probe_of(), "It brings 25.0 fps, detect.fps asks for 30."),
        ({"hwaccel": "cuda"}, probe_of(), "hwaccel cuda is asked for"),
        ({}, probe_of(figures={"damaged": 2}), "came damaged"),
    ],
)
def test_a_camera_that_falls_short_is_a_warning(
    fields: dict[str, Any], probe: Probe, words: str
) -> None:
    camera = CameraConfig.model_validate({"url": "rtsp://h/", **fields})
    found = camera_finding("gate", camera, probe)
    assert found.verdict is Verdict.WARN
    assert words in found.todo


def test_a_rate_that_nobody_measured_is_no_warning() -> None:
    unknown = probe_of(
        stream={"transport": "file"}, figures={"fps_by_pts": None, "fps_by_arrival": None}
    )
    assert camera_finding("gate", GATE, unknown).verdict is Verdict.OK


def test_decoding_is_compared_with_the_cores() -> None:
    results = {"a": probe_of(), "b": probe_of(), "lost": CaptureError(Cause.EOF)}
    one = decoding_finding(results, cores=1)
    assert one is not None
    assert (one.verdict, one.detail) == (Verdict.OK, "0.20 of 1 cores would decode every picture")
    many = decoding_finding({str(n): probe_of() for n in range(6)}, cores=1)
    assert many is not None
    assert many.verdict is Verdict.WARN
    assert decoding_finding({"lost": CaptureError(Cause.EOF)}) is None


def test_a_device_that_the_running_vedette_has_is_left_to_it() -> None:
    running = Running(healthy=True, details=Details(None, {"usb": "backoff", "gate": "streaming"}))
    assert held_by(running, {"usb": USB, "gate": GATE, "other": USB}) == {"usb": "backoff"}
    assert held_by(None, {"usb": USB}) == {}
    closed = Running(healthy=True, details=None)
    assert held_by(closed, {"usb": USB, "gate": GATE}) == {"usb": None}
    assert held_finding("usb", None).verdict is Verdict.WARN
    assert held_finding("usb", "streaming").verdict is Verdict.OK
    assert held_finding("usb", "backoff").verdict is Verdict.FAIL


def test_a_device_that_a_vedette_has_let_go_may_be_tried() -> None:
    running = Running(healthy=True, details=Details(None, {"usb": "disabled"}, frozenset({"usb"})))
    assert held_by(running, {"usb": USB}) == {}


def test_a_paused_camera_is_told_with_the_way_out() -> None:
    details = Details(None, {"gate": "disabled", "yard": "streaming"}, frozenset({"gate"}))
    cameras = {"gate": GATE, "yard": GATE}
    (finding,) = paused_findings(Running(healthy=True, details=details), cameras)
    assert (finding.what, finding.verdict) == ("camera gate", Verdict.WARN)
    assert "paused" in finding.detail
    assert list(paused_findings(None, cameras)) == []
    assert list(paused_findings(Running(healthy=True, details=None), cameras)) == []
