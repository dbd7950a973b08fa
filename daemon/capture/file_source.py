"""A file as a camera: at its recorded speed or as fast as frames are used, once or for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from config.camera import CameraConfig
from config.urls import local_path
from daemon.books.states import StreamInfo
from daemon.capture.address import Address
from daemon.capture.av_source import AvSource
from daemon.capture.demuxer import Demuxer
from daemon.capture.pacer import Pacer
from daemon.capture.picture import Letterboxer
from daemon.capture.sample import Lost, Pause, Sample
from daemon.clock import Clock
from detector.letterbox import InputSpec

log = logging.getLogger(__name__)

_LATE_S = 1.0  # a player that is later than this starts counting anew instead of racing
_AHEAD_S = 10.0  # a longer step is a broken timestamp, unless the one before was as long
_LONGEST_S = 60.0  # of a wait: the pictures of a time-lapse may be an hour apart


class FileSource:
    """Passes of one file, each a fresh open; the time of their pictures goes on and on."""

    def __init__(
        self,
        address: Address,
        camera: CameraConfig,
        letterboxer: Letterboxer,
        *,
        clock: Clock,
        pause: Pause,
    ) -> None:
        self._address = address
        self._camera = camera
        self._letterboxer = letterboxer
        self._clock = clock
        self._player = Player(clock, pause, slow=self._tell_slowness)
        self._source = self._open(shift_s=None)

    @property
    def info(self) -> StreamInfo:
        return self._source.info

    def use_input(self, spec: InputSpec) -> None:
        self._letterboxer.use_input(spec)

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        while True:
            begin_s = self._source.end_s
            yield from self._source.samples(pacer)
            end_s = self._source.end_s
            if self._player.stopped or not self._camera.file.loop or end_s <= begin_s:
                return
            self._source.close()
            self._source = self._open(shift_s=end_s)

    def close(self) -> None:
        self._source.close()

    def _tell_slowness(self, step_s: float) -> None:
        log.info(
            "pictures of a file are far apart, each is waited for file=%s step_s=%.0f wait_s=%.0f",
            local_path(self._camera.url).name,
            step_s,
            min(step_s, _LONGEST_S),
        )

    def _open(self, shift_s: float | None) -> AvSource:
        return AvSource(
            Demuxer(self._address, self._camera, self._clock),
            self._letterboxer,
            clock=self._clock,
            before_packet=self._player.wait if self._camera.file.realtime else None,
            shift_s=shift_s,
        )


class Player:
    """Wait until it is time for a timestamp, on a clock that starts with the first one.

    Of timestamps far ahead the first is taken for broken and not waited for; where the next is far
    ahead too, that is the file's own pace (a time-lapse): it is kept, up to a minute for a picture.
    `slow` is told once of such a pace.
    """

    def __init__(
        self, clock: Clock, pause: Pause, slow: Callable[[float], None] | None = None
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._slow = slow or (lambda _: None)
        self._start_s: float | None = None  # clock at timestamp 0
        self._was_far = False
        self._is_slow = False
        self.stopped = False

    def wait(self, time_s: float) -> bool:
        """False if a stop was requested meanwhile."""
        now_s = self._clock.now_s()
        ahead_s = 0.0 if self._start_s is None else self._start_s + time_s - now_s
        is_far = ahead_s > _AHEAD_S
        if self._start_s is None or ahead_s < -_LATE_S or (is_far and not self._was_far):
            self._start_s = now_s - time_s
        elif ahead_s > 0:
            self._keep_pace(time_s, ahead_s)
        self._was_far = is_far
        return not self.stopped

    def _keep_pace(self, time_s: float, ahead_s: float) -> None:
        if ahead_s > _AHEAD_S and not self._is_slow:
            self._is_slow = True
            self._slow(ahead_s)
        self.stopped = self._pause(min(ahead_s, _LONGEST_S))
        if ahead_s > _LONGEST_S:
            self._start_s = self._clock.now_s() - time_s
