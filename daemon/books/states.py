"""How a camera is doing, told to everyone who asks: log, metrics, API, status messages, batcher."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from daemon.clock import Clock


class CameraState(StrEnum):
    """States of a camera; the `state` label of `vedette_camera_state`."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    TAMPERED = "tampered"  # pictures come, and their view is wrong (see daemon.capture.tampering)
    STALLED = "stalled"  # open, but no frame for longer than it should take
    BACKOFF = "backoff"  # lost; waiting before the next try
    DISABLED = "disabled"  # enabled: false
    FAILED = "failed"  # will not be tried again (bad configuration, a file played to its end)

    @property
    def is_up(self) -> bool:
        """Pictures come."""
        return self in (CameraState.STREAMING, CameraState.TAMPERED)


class Tampering(StrEnum):
    """The `reason` of TAMPERED, as `watch` of a camera names them; of several the first."""

    DARK = "dark"
    BLURRED = "blurred"
    MOVED = "moved"
    FROZEN = "frozen"  # a covered lens shows the same picture all the time too


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What an open stream turned out to be."""

    codec: str
    width: int
    height: int
    fps: float | None  # as the stream announces it
    transport: str  # tcp, udp, file, v4l2, synthetic
    decoder: str  # software, or the name of the hardware device


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera at one moment. `reason` is a short enum-like word (`timeout`, `auth` …) or ''.

    An outage begins with the last picture and ends with the next, however often the camera is
    tried in between: `blind_since_s` is when it began, None while pictures come, and
    `lost_reason` why the stream was lost last, '' where it never was.
    """

    camera: str
    state: CameraState
    reason: str = ""
    since_s: float = 0.0  # monotonic time of the last change of state
    stream: StreamInfo | None = None
    last_frame_s: float | None = None  # monotonic arrival of the newest frame
    last_frame_ns: int | None = None  # its wall clock
    reconnects: int = 0
    retry_s: float | None = None  # the wait that is running, in BACKOFF
    blind_since_s: float | None = None  # monotonic
    lost_reason: str = ""


class StatusBoard:
    """The newest status of every camera. Camera threads write, anyone reads.

    `on_change` callbacks run in the writing thread, one after another, once per change of state;
    they may read the board and must not write to it.
    """

    def __init__(self, cameras: list[str], clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # so that changes are told in the order they happen
        self._listeners: list[Callable[[CameraStatus], None]] = []
        self._newest: dict[str, tuple[float, int]] = {}  # arrival of the newest frame
        self._statuses: dict[str, CameraStatus] = {}
        for name in cameras:
            self.add(name)

    def on_change(self, listener: Callable[[CameraStatus], None]) -> None:
        """Call before the camera threads start."""
        self._listeners.append(listener)

    def add(self, camera: str) -> None:
        """A camera that was not there before begins by connecting; one that was is left alone."""
        with self._lock:
            now_s = self._clock.now_s()
            begin = CameraStatus(camera, CameraState.CONNECTING, since_s=now_s, blind_since_s=now_s)
            self._statuses.setdefault(camera, begin)

    def remove(self, camera: str) -> None:
        """Forget it; what a thread of it still tells is not heard."""
        with self._lock:
            self._statuses.pop(camera, None)
            self._newest.pop(camera, None)

    def change(
        self,
        camera: str,
        state: CameraState,
        *,
        reason: str = "",
        stream: StreamInfo | None = None,
        retry_s: float | None = None,
        only_from: CameraState | None = None,
    ) -> None:
        """A change of state; nothing happens where state and reason are what they were, nor, with
        `only_from`, where the camera is in another state by now.
        """
        with self._telling:
            new = self._changed(camera, state, reason, stream, retry_s, only_from)
            if new is not None:
                for listener in self._listeners:
                    listener(new)

    def _changed(
        self,
        camera: str,
        state: CameraState,
        reason: str,
        stream: StreamInfo | None,
        retry_s: float | None,
        only_from: CameraState | None,
    ) -> CameraStatus | None:
        with self._lock:
            old = self._statuses.get(camera)
            if old is None or only_from not in (None, old.state):
                return None
            if (old.state, old.reason) == (state, reason) and stream in (None, old.stream):
                return None
            new = self._statuses[camera] = replace(
                old,
                state=state,
                reason=reason,
                since_s=self._clock.now_s(),
                stream=stream or old.stream,
                retry_s=retry_s,
                reconnects=old.reconnects + (state is CameraState.BACKOFF),
                blind_since_s=self._blind_since_s(old, state),
                lost_reason=_lost_reason(old, state, reason),
            )
            return new

    def _blind_since_s(self, old: CameraStatus, state: CameraState) -> float | None:
        if state.is_up or old.blind_since_s is not None:
            return None if state.is_up else old.blind_since_s
        newest = self._newest.get(old.camera)
        return newest[0] if newest else old.since_s

    def frame_arrived(self, camera: str, now_s: float, wall_ns: int) -> None:
        """A frame came; called for every one, so it costs next to nothing."""
        self._newest[camera] = (now_s, wall_ns)

    def get(self, camera: str) -> CameraStatus:
        with self._lock:
            return self._with_newest(self._statuses[camera])

    def state(self, camera: str) -> CameraState | None:
        """None for a camera that is not there."""
        status = self._statuses.get(camera)
        return status.state if status else None

    def is_up(self, camera: str) -> bool:
        """Whether its pictures come; False for a camera that is not there."""
        status = self._statuses.get(camera)
        return status is not None and status.state.is_up

    def all(self) -> list[CameraStatus]:
        with self._lock:
            return [self._with_newest(status) for status in self._statuses.values()]

    def _with_newest(self, status: CameraStatus) -> CameraStatus:
        newest = self._newest.get(status.camera)
        if newest is None:
            return status
        return replace(status, last_frame_s=newest[0], last_frame_ns=newest[1])


def _lost_reason(old: CameraStatus, state: CameraState, reason: str) -> str:
    if state.is_up:
        return ""
    return reason if state in (CameraState.BACKOFF, CameraState.FAILED) else old.lost_reason
