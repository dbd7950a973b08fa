"""Whether a picture is worth the detector's time: has anything changed since a moment ago?

Small grey pictures are compared, block means of the decoded luma, with one of a moment ago and with
one of some seconds ago, so that what creeps shows too. How much change is noise is learnt from the
pictures themselves, by median and quartiles, as most of a picture stands still. It fails open:
whatever is not sure is looked at. Pure logic; runs in the capture thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum, auto
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from config.gate import GateConfig
from daemon.seats.view import WHOLE
from detector.letterbox import Rect

SIZE_WH = (160, 90)
LAG_S = 0.3  # a person walks a pixel or two meanwhile
SLOW_LAG_S = 3.0  # what creeps 0.2 pixels of a full picture per frame has left its edges by then
LOOKS_EVERY = 100  # closed pictures of which one is looked at all the same

_BOX = 3  # pixels, each way, whose sum is compared
_LEAST_CHANGE = 3.0 * _BOX**2  # 3 of 255: below it nobody sees anything
_OVER_NOISE = 6.0  # standard deviations
_LEAST_PIXELS = 4
_GLOBAL = 0.25  # share of the picture: the light went on, or infrared
_LEARNING = 0.1  # weight of the newest picture in what is noise
_TO_SIGMA = 1.4826  # from the distance between median and quartile, for normal noise
_SOME = (slice(1, None, _BOX), slice(1, None, 2 * _BOX))  # sums that share no pixel: enough
_CREEP_S = 1.0  # between two looks for what creeps
Luma = npt.NDArray[np.uint8]  # [90, 160]
Places = npt.NDArray[np.bool_]  # [90, 160]


class Why(StrEnum):
    """Why a picture goes to the detector, or not."""

    STILL = auto()  # it does not: nothing has changed
    FIRST = auto()  # nothing to compare with
    CHANGE = auto()
    GLOBAL = auto()  # nearly everything has changed: what is noise must be learnt again
    HOLD = auto()  # something changed a moment ago
    OBJECT = auto()  # something is there that may move, says the newest answer
    HEARTBEAT = auto()  # closed for so long that it is looked at all the same
    SAMPLE = auto()  # one of a hundred closed ones, to know what is missed

    @property
    def was_closed(self) -> bool:
        """Whether this picture was looked at although nothing had changed."""
        return self in (Why.HEARTBEAT, Why.SAMPLE)


class _Past(NamedTuple):
    at_s: float
    luma: Luma


class _Change(NamedTuple):
    """By how much each sum of 3×3 pixels has changed, less what the whole picture has [90, 160],
    and the standard deviation of that where nothing moves.

    Whole numbers, and one sort for all that must be known of them: while others decode, what a
    picture costs here is the way of these few arrays, and of the code, into the cache.
    """

    moved: npt.NDArray[np.int16]
    sigma: float

    @classmethod
    def between(cls, luma: Luma, before: Luma) -> _Change:
        change = np.subtract(luma, before, dtype=np.int16)
        sums = cv2.boxFilter(change, -1, (_BOX, _BOX), normalize=False)
        some = sums[_SOME].ravel()
        some.sort()
        quarter = some.size // 4
        low, middle, high = some[quarter::quarter][:3].tolist()
        sums -= middle
        moved = np.abs(sums, out=sums)
        # An object that gets lighter or darker widens one side more than the other.
        return cls(np.asarray(moved, np.int16), _TO_SIGMA * min(middle - low, high - middle))


class ChangeGate:
    """One stream's. `judge` is given every picture that `detect.fps` lets through."""

    def __init__(self, config: GateConfig) -> None:
        self._hold_s = config.hold_s
        self._heartbeat_s = config.heartbeat_s
        self._unmasked = self._seen = _unmasked(config.ignore)
        self._pixels = np.count_nonzero(self._seen)
        self._region = WHOLE
        self._recent: deque[_Past] = deque()
        self._slow: _Past | None = None
        self._next_slow: _Past | None = None
        self._sigma: float | None = None
        self._open_until_s = float("-inf")
        self._looked_s = float("-inf")
        self._closed = 0
        self._judged_s = float("-inf")
        self._crept_s = float("-inf")
        self._changes: deque[tuple[float, Places]] = deque()  # within `hold_s`, oldest first

    def judge(self, luma: Luma, now_s: float, *, alive: bool, region: Rect = WHOLE) -> Why:
        """Whether this picture is for the detector; `alive`: an object is followed that
        must not be left alone; `region` is all that the detector is shown, in fractions.
        """
        if region != self._region:
            self._region = region
            self._seen = self._unmasked & _inside(region)
            self._pixels = np.count_nonzero(self._seen)
        why = self._judge(luma, now_s, alive=alive)
        self._judged_s = now_s
        if why is not Why.STILL:
            self._looked_s = now_s
        return why

    def changed(self) -> Places:
        """Where something has changed within `hold_s` of the newest picture."""
        changed = np.zeros_like(self._seen)
        for at_s, places in self._changes:
            if self._judged_s - at_s <= self._hold_s:
                changed |= places
        return changed

    def _judge(self, luma: Luma, now_s: float, *, alive: bool) -> Why:
        if self._recent and now_s < self._recent[-1].at_s:  # a clock of ours never runs back
            self._forget()
        change = self._compare(luma, now_s)
        self._remember(luma, now_s)
        if change in (Why.FIRST, Why.CHANGE, Why.GLOBAL):
            self._open_until_s = now_s + self._hold_s
            return change
        if now_s < self._open_until_s:
            return Why.HOLD
        if alive:
            return Why.OBJECT
        if now_s - self._looked_s >= self._heartbeat_s:
            return Why.HEARTBEAT
        self._closed += 1
        return Why.SAMPLE if self._closed % LOOKS_EVERY == 0 else Why.STILL

    def _compare(self, luma: Luma, now_s: float) -> Why:
        before = self._of_a_moment_ago(now_s)
        if before is None:
            return Why.FIRST
        change = _Change.between(luma, before.luma)
        if self._sigma is None:
            self._sigma = change.sigma
        share = self._share(change, now_s)
        if share >= _GLOBAL:
            self._forget()
            return Why.GLOBAL
        self._sigma += _LEARNING * (change.sigma - self._sigma)
        if not share and self._slow is not None and now_s - self._crept_s >= _CREEP_S:
            self._crept_s = now_s
            share = self._share(_Change.between(luma, self._slow.luma), now_s)
        return Why.CHANGE if share else Why.STILL

    def _share(self, change: _Change, now_s: float) -> float:
        """Of the picture: 0 where so little has changed that it is noise."""
        least = max(_LEAST_CHANGE, _OVER_NOISE * (self._sigma or 0.0))
        changed = change.moved > int(least)
        changed &= self._seen
        count = np.count_nonzero(changed)
        if count < _LEAST_PIXELS:
            return 0.0
        self._changes.append((now_s, changed))
        while now_s - self._changes[0][0] > self._hold_s:
            self._changes.popleft()
        return float(count / self._pixels)

    def _of_a_moment_ago(self, now_s: float) -> _Past | None:
        """The newest picture that is `LAG_S` old; the oldest one where none is."""
        while len(self._recent) > 1 and now_s - self._recent[1].at_s >= LAG_S:
            self._recent.popleft()
        return self._recent[0] if self._recent else None

    def _remember(self, luma: Luma, now_s: float) -> None:
        newest = _Past(now_s, luma)
        self._recent.append(newest)
        if self._next_slow is None or now_s - self._next_slow.at_s >= SLOW_LAG_S:
            self._slow, self._next_slow = self._next_slow, newest

    def _forget(self) -> None:
        self._recent.clear()
        self._slow = self._next_slow = self._sigma = None


def _inside(region: Rect) -> Places:
    """What the detector is shown."""
    (width, height), (x1, y1, x2, y2) = SIZE_WH, region
    inside = np.zeros((height, width), np.bool_)
    inside[int(y1 * height) : ceil(y2 * height), int(x1 * width) : ceil(x2 * width)] = True
    return inside


def _unmasked(ignore: Sequence[Sequence[Sequence[float]]]) -> Places:
    """Where a change counts."""
    width, height = SIZE_WH
    seen = np.ones((height, width), np.uint8)
    for polygon in ignore:
        corners = np.round(np.array(polygon) * (width, height)).astype(np.int32)
        cv2.fillPoly(seen, [corners], 0)
    return seen.astype(bool)
