"""A file as a camera: at its recorded speed or as fast as frames are used, once or for ever."""

from __future__ import annotations

from collections.abc import Iterator

from config.camera import CameraConfig
from daemon.books.states import StreamInfo
from daemon.capture.address import Address
from daemon.capture.av_source import AvSource
from daemon.capture.demuxer import Demuxer
from daemon.capture.pacer import Pacer
from daemon.capture.picture import Letterboxer
from daemon.capture.sample import Lost, Pause, Sample
from daemon.clock import Clock
from detector.letterbox import InputSpec

_LATE_S = 1.0  # a player that is later than this starts counting anew instead of racing
_AHEAD_S = 10.0  # a longer step is a broken timestamp, not a pause


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
        self._player = Player(clock, pause)
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

    def _open(self, shift_s: float | None) -> AvSource:
        return AvSource(
            Demuxer(self._address, self._camera, self._clock),
            self._letterboxer,
            clock=self._clock,
            before_packet=self._player.wait if self._camera.file.realtime else None,
            shift_s=shift_s,
        )


class Player:
    """Wait until it is time for a timestamp, on a clock that starts with the first one."""

    def __init__(self, clock: Clock, pause: Pause) -> None:
        self._clock = clock
        self._pause = pause
        self._start_s: float | None = None  # clock at timestamp 0
        self.stopped = False

    def wait(self, time_s: float) -> bool:
        """False if a stop was requested meanwhile."""
        now_s = self._clock.now_s()
        ahead_s = 0.0 if self._start_s is None else self._start_s + time_s - now_s
        if self._start_s is None or not -_LATE_S <= ahead_s <= _AHEAD_S:
            self._start_s = now_s - time_s
        elif ahead_s > 0:
            self.stopped = self._pause(ahead_s)
        return not self.stopped
