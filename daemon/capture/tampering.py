"""What a camera's pictures say about the camera: frozen, dark, blurred, or looking elsewhere.

Pure logic over small grey pictures, about one a second; runs in the capture thread. What is usual
is learnt from the camera itself, and only while nothing is wrong, so a view that is wrong from the
start passes for the usual one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from config.camera import WatchConfig
from daemon.books.states import Tampering

LOOK_S = 1.0
SIZE_WH = (160, 90)  # of a look, whatever the picture's shape
RELEARN_S = 3600.0  # a view that has been another for so long is the usual one from then on

_LEARNING = 10  # looks before anything is usual
_WEIGHT = 0.02  # of a new look in what is usual
_BACK_S = 3.0  # nothing wrong for so long: it is over
_STILL = 1.5  # grey levels; live pictures change more in some place, if only by noise
_DARK = 40.0  # grey levels that all but a hundredth of the picture stay below
# The demo clip stays within 5 % of its usual sharpness; blurred by 0.5 % of its width it has 0.4 of
# it. Its edges correlate by 0.83 at least, and by 0.36 when it is shifted by 5 % of its width.
_SHARP = 0.4
_ALIKE = 0.4
Look = npt.NDArray[np.float32]


def look_at(pixels: npt.NDArray[np.uint8]) -> Look:
    """The small grey picture that is judged, of RGB [H, W, 3]."""
    small = cv2.resize(pixels, SIZE_WH, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


class TamperWatch:
    """Judge one camera's looks. One thread."""

    def __init__(self, config: WatchConfig) -> None:
        self._after_s = config.after_s
        self._wanted = [kind for kind in Tampering if getattr(config, kind.value)]
        self._next_s = float("-inf")
        self._usual = _Usual()
        self._still: Look | None = None
        self._spells = {kind: _Spell() for kind in self._wanted}

    def due(self, now_s: float) -> bool:
        """Whether it is time for another look."""
        return bool(self._wanted) and now_s >= self._next_s

    def judge(self, look: Look, now_s: float) -> Tampering | None:
        """What is wrong and has been for `after_s`; None where nothing is."""
        self._next_s = now_s + LOOK_S
        view = _View.of(look)
        is_dark = float(np.percentile(look, 99)) < _DARK
        is_blurred = self._usual.is_blurred(view)
        shows_little = is_dark or is_blurred
        is_elsewhere = not shows_little and self._usual.is_elsewhere(view)
        if not (shows_little or is_elsewhere):
            self._usual.learn(view)
        wrong = {
            Tampering.DARK: is_dark,
            Tampering.BLURRED: is_blurred,
            Tampering.MOVED: is_elsewhere,
            Tampering.FROZEN: self._is_still(look),
        }
        told = [kind for kind in self._wanted if self._has_lasted(kind, wrong[kind], now_s)]
        return told[0] if told else None

    def _has_lasted(self, kind: Tampering, is_wrong: bool, now_s: float) -> bool:
        spell = self._spells[kind]
        spell.note(is_wrong, now_s)
        if kind is Tampering.MOVED and spell.length_s > RELEARN_S + self._after_s:
            self._usual = _Usual()
            spell.end()
        return spell.length_s >= self._after_s

    def _is_still(self, look: Look) -> bool:
        """Compared with the last one that was different, so that a slow drift is a change."""
        is_still = self._still is not None and bool(np.abs(look - self._still).max() <= _STILL)
        if not is_still:
            self._still = look
        return is_still


class _Spell:
    """A time in which something is wrong, with interruptions of less than `_BACK_S`."""

    def __init__(self) -> None:
        self._span_s: tuple[float, float] | None = None  # first and newest look that was wrong

    @property
    def length_s(self) -> float:
        return self._span_s[1] - self._span_s[0] if self._span_s else 0.0

    def note(self, is_wrong: bool, now_s: float) -> None:
        if is_wrong:
            self._span_s = (self._span_s[0] if self._span_s else now_s, now_s)
        elif self._span_s and now_s - self._span_s[1] >= _BACK_S:
            self.end()

    def end(self) -> None:
        self._span_s = None


@dataclass(frozen=True, slots=True)
class _View:
    """Where a look has edges [H, W], and how sharp it is whatever its contrast."""

    edges: Look
    sharpness: float

    @classmethod
    def of(cls, look: Look) -> _View:
        across = cv2.Sobel(look, cv2.CV_32F, 1, 0)
        down = cv2.Sobel(look, cv2.CV_32F, 0, 1)
        detail = float(np.abs(cv2.Laplacian(look, cv2.CV_32F)).mean())
        edges = np.asarray(cv2.magnitude(across, down), np.float32)
        return cls(edges, detail / (float(look.std()) + 1))


class _Usual:
    """What does not move in the view, averaged over a minute."""

    def __init__(self) -> None:
        self._edges = np.zeros(SIZE_WH[::-1], np.float32)
        self._sharpness = 0.0
        self._looks = 0

    def learn(self, view: _View) -> None:
        self._looks += 1
        weight = max(_WEIGHT, 1 / self._looks)
        self._edges += weight * (view.edges - self._edges)
        self._sharpness += weight * (view.sharpness - self._sharpness)

    def is_blurred(self, view: _View) -> bool:
        return self._looks >= _LEARNING and view.sharpness < _SHARP * self._sharpness

    def is_elsewhere(self, view: _View) -> bool:
        return self._looks >= _LEARNING and _correlation(view.edges, self._edges) < _ALIKE


def _correlation(one: Look, other: Look) -> float:
    """-1 to 1; 0 where one of them has no edges."""
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / scale if scale else 0.0
