"""Which frames of a stream are wanted when it brings more than `detect.fps`."""

from __future__ import annotations

LONGEST_STEP_S = 2.0  # a longer step of the timestamps is not believed …
_STEPS = 4  # … unless that many frames of a slow cap fit into it
_ABOUT = 0.6  # of a tick: a frame interval that counts as about as long
_SMOOTHING = 0.125  # weight of the newest frame interval in the average


class Pacer:
    """Keep the frame nearest to each tick of a grid of `fps`. One thread.

    Time is the stream's own (PTS), so that network jitter does not matter. Where the timestamps
    are missing, stand still or jump, the clock measures that one step instead; nothing stalls.
    A live stream whose timestamps creep is caught by the clock as well.
    """

    def __init__(self, fps: float, *, live: bool) -> None:
        self.tick_s = 1.0 / fps
        self._live = live
        self._frame_s: float | None = None  # average interval of the stream
        self._last_dts_s: float | None = None
        self._last: tuple[float | None, float] | None = None  # PTS and clock of the newest frame
        self._time_s = 0.0  # the newest frame's place on our own, steady time axis
        self._due_s = 0.0  # the next tick on that axis
        self._kept_s = 0.0  # clock of the newest frame that was kept

    def saw(self, dts_s: float | None) -> None:
        """A packet came, decoded or not, in decoding order: how the stream's rate is learnt."""
        last_s, self._last_dts_s = self._last_dts_s, dts_s
        if dts_s is None or last_s is None or not 0 < dts_s - last_s < self._longest_step_s:
            return
        interval_s = dts_s - last_s
        if self._frame_s is None:
            self._frame_s = interval_s
        self._frame_s += _SMOOTHING * (interval_s - self._frame_s)

    def early(self, pts_s: float | None, now_s: float) -> bool:
        """True if this frame will surely not be wanted; may be asked before it is decoded."""
        if self._last is None or self._overdue(now_s):
            return False
        step_s = self._believable_step_s(pts_s)
        return step_s is not None and self._time_s + step_s < self._due_s - self._slack_s

    def take(self, pts_s: float | None, now_s: float) -> bool:
        """True if this frame, the next in order of presentation, is wanted."""
        if self._last is None:
            self._last = (pts_s, now_s)
            return self._keep(now_s)
        step_s = self._believable_step_s(pts_s)
        if step_s is None:
            step_s = max(0.0, now_s - self._last[1])
        self._time_s += step_s
        self._last = (pts_s, now_s)
        if self._time_s < self._due_s - self._slack_s and not self._overdue(now_s):
            return False
        return self._keep(now_s)

    def _keep(self, now_s: float) -> bool:
        # A late frame owes the grid at most half a tick, so a gap is not followed by a burst.
        self._due_s = max(self._due_s, self._time_s - 0.5 * self.tick_s) + self.tick_s
        self._kept_s = now_s
        return True

    def _believable_step_s(self, pts_s: float | None) -> float | None:
        last_pts_s = self._last[0] if self._last else None
        if pts_s is None or last_pts_s is None:
            return None
        step_s = pts_s - last_pts_s
        return step_s if 0 < step_s < self._longest_step_s else None

    def _overdue(self, now_s: float) -> bool:
        return self._live and now_s - self._kept_s > self.tick_s + self._longest_step_s

    @property
    def _longest_step_s(self) -> float:
        return max(LONGEST_STEP_S, _STEPS * self.tick_s)

    @property
    def _slack_s(self) -> float:
        """How far before its tick a frame is the nearest one: half a frame of the stream.

        A stream about as fast as the cap may come up to half a tick early, so that its jitter
        costs no frames.
        """
        if self._frame_s is None or self._frame_s >= _ABOUT * self.tick_s:
            return 0.5 * self.tick_s
        return 0.5 * self._frame_s
