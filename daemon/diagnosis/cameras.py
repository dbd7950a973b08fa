"""Every camera of a configuration looked at, all at once, within a bounded time."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from config.camera import CameraConfig
from config.urls import scheme_of
from daemon.capture.errors import CaptureError, Cause
from daemon.clock import Clock
from daemon.diagnosis.advice import advice
from daemon.diagnosis.finding import Finding, fail, ok, warn
from daemon.diagnosis.hints import troubles
from daemon.diagnosis.inputs import camera_title
from daemon.diagnosis.probing import Probe, attempt
from daemon.diagnosis.report import summary
from daemon.diagnosis.running import Running

WATCH_S = 2.0
MOST_S = 30.0  # for all of them together, whatever their timeouts are
_SLOW = 0.85  # of detect.fps: brings less than was asked for

Attempt = Callable[..., "Probe | CaptureError"]


def probe_all(
    cameras: Mapping[str, CameraConfig],
    *,
    clock: Clock,
    most_s: float = MOST_S,
    seconds: float = WATCH_S,
    attempt: Attempt = attempt,
) -> dict[str, Probe | CaptureError]:
    """One thread per camera, as in the daemon; who has not answered in time counts as a timeout."""
    results: queue.SimpleQueue[tuple[str, Probe | CaptureError]] = queue.SimpleQueue()
    stopping = threading.Event()

    def look(name: str, camera: CameraConfig) -> None:
        patience_s = most_s / 2
        found = attempt(
            camera, seconds=seconds, clock=clock, pause=stopping.wait, keyframe_s=patience_s
        )
        results.put((name, found))

    found: dict[str, Probe | CaptureError] = {
        name: CaptureError(Cause.TIMEOUT, f"not done within {most_s:g} s") for name in cameras
    }
    for name, camera in cameras.items():
        try:
            # Daemon threads: nothing interrupts FFmpeg, and nobody waits for it longer than this.
            threading.Thread(
                target=partial(look, name, camera), name=f"probe:{name}", daemon=True
            ).start()
        except RuntimeError:
            results.put((name, CaptureError(Cause.RESOURCES, "no thread could be started")))
    end_s = clock.now_s() + most_s
    for _ in cameras:
        try:
            name, result = results.get(timeout=max(0.0, end_s - clock.now_s()))
        except queue.Empty:
            break
        found[name] = result
    stopping.set()
    return found


def camera_finding(name: str, camera: CameraConfig, result: Probe | CaptureError) -> Finding:
    what = camera_title(name)
    if isinstance(result, CaptureError):
        return fail(what, str(result), " ".join(advice(result.kind, camera).split()))
    todo = [*_shortcomings(camera, result), *troubles(result)]
    if todo:
        return warn(what, summary(result), " ".join(todo))
    return ok(what, summary(result))


def decoding_finding(
    results: Mapping[str, Probe | CaptureError], cores: int | None = None
) -> Finding | None:
    """What decoding every picture of all cameras would take; None where nothing was decoded."""
    cores = cores or len(os.sched_getaffinity(0))
    shares = [
        probe.decode_s * probe.figures.fps
        for probe in results.values()
        if isinstance(probe, Probe) and probe.decode_s and probe.figures.fps
    ]
    if not shares:
        return None
    detail = f"{sum(shares):.2f} of {cores} cores would decode every picture"
    if sum(shares) > cores / 2:
        todo = "smaller streams, H.264, or hwaccel: the detector wants the other half"
        return warn("decoding", detail, todo)
    return ok("decoding", detail)


def held_by(running: Running | None, cameras: Mapping[str, CameraConfig]) -> dict[str, str | None]:
    """Cameras whose device a running vedette has open, so that nobody else can: their states, None
    where it does not tell.
    """
    if running is None:
        return {}
    states = running.details.cameras if running.details else None
    return {
        name: states[name] if states else None
        for name, camera in cameras.items()
        if scheme_of(camera.url) == "v4l2"
        and (states is None or states.get(name, "disabled") != "disabled")
    }


def paused_findings(
    running: Running | None, cameras: Mapping[str, CameraConfig]
) -> Iterator[Finding]:
    """Cameras of which a running vedette reports nothing, as somebody wanted."""
    paused = running.details.paused if running and running.details else frozenset()
    for name in cameras:
        if name in paused:
            todo = "resume it on its page, or where it was paused; a restart does so too"
            yield warn(camera_title(name), "detection is paused in the running vedette", todo)


def held_finding(name: str, state: str | None) -> Finding:
    """How such a camera does, in the words of the vedette that has it."""
    what = camera_title(name)
    if state is None:
        return warn(what, "a running vedette may have it open", "its live page shows how it does")
    detail = f"{state} in the running vedette"
    if state == "streaming":
        return ok(what, detail)
    return fail(what, detail, "the service's log says why")


def _shortcomings(camera: CameraConfig, probe: Probe) -> Iterator[str]:
    asked, fps = camera.detect.fps, probe.figures.fps
    if fps is not None and fps < _SLOW * asked:
        yield f"It brings {fps:.1f} fps, detect.fps asks for {asked:g}."
    if camera.hwaccel != "none" and probe.live and probe.stream.decoder == "software":
        yield f"hwaccel {camera.hwaccel} is asked for, and the processor decodes."
