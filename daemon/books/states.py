"""How a camera is: read by metrics, API and batcher, told to messages as it changes."""

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
    DISABLED = "disabled"  # enabled: false, or paused: then the reason is PAUSED
    FAILED = "failed"  # will not be tried again: the configuration cannot work
    FINISHED = "finished"  # a file was played to its end, as it should

    @property
    def is_up(self) -> bool:
        """Pictures come."""
        return self in (CameraState.STREAMING, CameraState.TAMPERED)

    @property
    def is_wanted(self) -> bool:
        """Pictures should come."""
        return self not in (CameraState.DISABLED, CameraState.FINISHED)


PAUSED = "paused"  # the `reason` of DISABLED where somebody paused detection


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
    transport: str  # tcp, udp, http, http_still, hls, file, v4l2, synthetic
    decoder: str  # software, or the name of the hardware device


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera at one moment. `reason` is a short enum-like word (`timeout`, `auth` …) or ''.

    An outage begins with the last picture and ends with the next, however often the camera is
    tried in between: `blind_since_s` is when it began, None while pictures come, and
    `lost_reason` why the stream was lost last, '' where it never was, with `lost_detail` as a
    sentence where there is more to say.
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
    lost_detail: str = ""


class Status:
    """How one camera is, by what its thread and the stall watch say. Any thread.

    Each change is told to `tell`, one after another, in the thread that made it; `tell` may ask
    `now` and must not change anything.
    """

    def __init__(
        self, camera: str, clock: Clock, tell: Callable[[CameraStatus], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._telling = threading.Lock()  # so that changes are told in the order they happen
        self._closed = False
        self._newest: tuple[float, int] | None = None  # arrival of the newest frame
        now_s = clock.now_s()
        self._status = CameraStatus(
            camera, CameraState.CONNECTING, since_s=now_s, blind_since_s=now_s
        )

    @property
    def state(self) -> CameraState:
        return self._status.state

    @property
    def is_up(self) -> bool:
        """Whether its pictures come."""
        return self._status.state.is_up

    def now(self) -> CameraStatus:
        """All of it."""
        status, newest = self._status, self._newest
        if newest is None:
            return status
        return replace(status, last_frame_s=newest[0], last_frame_ns=newest[1])

    def announce(self) -> None:
        """Tell how it is, although nothing changed."""
        with self._telling:
            if not self._closed:
                self._tell(self.now())

    def change(
        self,
        state: CameraState,
        *,
        reason: str = "",
        stream: StreamInfo | None = None,
        retry_s: float | None = None,
        only_from: CameraState | None = None,
        detail: str = "",
    ) -> None:
        """A change of state; nothing happens where state and reason are what they were, nor, with
        `only_from`, where the camera is in another state by now.
        """
        with self._telling:
            old = self._status
            if self._closed or only_from not in (None, old.state):
                return
            if (old.state, old.reason) == (state, reason) and stream in (None, old.stream):
                return
            self._status = replace(
                old,
                state=state,
                reason=reason,
                since_s=self._clock.now_s(),
                stream=stream or old.stream,
                retry_s=retry_s,
                reconnects=old.reconnects + (state is CameraState.BACKOFF),
                blind_since_s=self._blind_since_s(old, state),
                lost_reason=_lost(old.lost_reason, state, reason),
                lost_detail=_lost(old.lost_detail, state, detail),
            )
            self._tell(self.now())

    def frame_arrived(self, now_s: float, wall_ns: int) -> None:
        """A frame came; called for every one, so it costs next to nothing."""
        self._newest = (now_s, wall_ns)

    def close(self) -> None:
        """The camera is gone: what its thread still says is not told any more."""
        with self._telling:
            self._closed = True

    def _blind_since_s(self, old: CameraStatus, state: CameraState) -> float | None:
        if state.is_up or state is CameraState.FINISHED:
            return None
        if old.blind_since_s is not None:
            return old.blind_since_s
        return self._newest[0] if self._newest else old.since_s


def _lost(old: str, state: CameraState, new: str) -> str:
    if state.is_up or not state.is_wanted:
        return ""
    return new if state in (CameraState.BACKOFF, CameraState.FAILED) else old
