"""A camera that sends JPEG pictures over HTTP, as a stream or one by one.

A picture's time is what the camera says of it (X-Timestamp), else that of its arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar, cast

import av
from av.packet import Packet
from av.video.stream import VideoStream

from config.camera import CameraConfig, aspect_ratio
from daemon.books.states import StreamInfo
from daemon.capture.address import Address
from daemon.capture.appearance import Appearance, Appearances
from daemon.capture.errors import CaptureError, Cause, guarded
from daemon.capture.http import (
    QUESTION,
    Client,
    Fetcher,
    Jpeg,
    Kind,
    Patience,
    Pictures,
    Place,
    kind_of,
    size_of,
)
from daemon.capture.pacer import Pacer
from daemon.capture.peer import Trust
from daemon.capture.picture import AvPicture, Letterboxer, check_size
from daemon.capture.sample import Lost, Pause, Sample
from daemon.clock import Clock
from detector.letterbox import InputSpec

T = TypeVar("T")
_END_OF_JPEG = b"\xff\xd9"
_PADDING = b"\0\r\n "


class Visit:
    """A web address that has answered: what it is, before any picture was taken from it. One
    thread. Raises CaptureError.
    """

    def __init__(self, address: Address, camera: CameraConfig, clock: Clock, pause: Pause) -> None:
        self.camera = camera
        self.clock = clock
        self.pause = pause
        self.client = Client(
            Patience(clock, pause, camera.open_timeout_s),
            login=address.login,
            trust=Trust(camera.allow_link_local, camera.tls_ca),
        )
        place = Place.of(address.target)
        self.fetcher = Fetcher(self.client, place, clock=clock, within_s=camera.read_timeout_s)
        try:
            self.answer = self.guarded(partial(self.client.ask, place, QUESTION), opening=True)
            self.kind = self.guarded(partial(kind_of, self.answer), opening=True)
            if self.kind is Kind.PLAYLIST:
                self.guarded(partial(self.fetcher.begin, self.answer), opening=True)
        except BaseException:
            self.client.close()
            raise

    def guarded(self, call: Callable[[], T], *, opening: bool) -> T:
        camera = self.camera
        return guarded(
            call,
            clock=self.clock,
            medium="network",
            opening=opening,
            timeout_s=camera.open_timeout_s if opening else camera.read_timeout_s,
        )


class HttpSource:
    """Decode the pictures that a visit brings. `heard` is told the size of each, in bytes."""

    def __init__(
        self,
        visit: Visit,
        address: Address,
        letterboxer: Letterboxer,
        *,
        heard: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._visit = visit
        self._letterboxer = letterboxer
        self._heard = heard
        self._clock = visit.clock
        self.codec = av.CodecContext.create("mjpeg", "r")
        self.codec.thread_count = 1
        self.codec.options = address.decoder_options
        self._appearances = Appearances(self.codec, aspect=aspect_ratio(visit.camera.aspect))
        self._closes = False  # pictures of this camera end as JPEG ends, so that a cut one shows
        self._opened_s = self._newest_s = self._clock.now_s()

    @property
    def info(self) -> StreamInfo:
        width, height = self.appearance.shown_wh
        kind = self._visit.kind
        fps = self._visit.camera.detect.fps if kind is Kind.STILL else None
        return StreamInfo("mjpeg", width, height, fps, kind.value, "software")

    @property
    def appearance(self) -> Appearance:
        """How the newest picture is meant to be seen."""
        return self._appearances.newest

    def use_input(self, spec: InputSpec) -> None:
        self._letterboxer.use_input(spec)

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        visit = self._visit
        pictures = Pictures(
            visit.client, visit.answer, visit.kind, clock=visit.clock, pause=visit.pause
        )
        coming = pictures.come(
            every_s=1 / visit.camera.detect.fps, within_s=visit.camera.read_timeout_s
        )
        while (jpeg := visit.guarded(partial(next, coming, None), opening=False)) is not None:
            self._heard(len(jpeg.data))
            now_s = self._clock.now_s()
            pts_s = now_s - self._opened_s if jpeg.taken_s is None else jpeg.taken_s
            pacer.saw(pts_s)
            if pacer.early(pts_s, now_s):
                self._newest_s = now_s
                yield Lost.EARLY
            else:
                yield self._decoded(jpeg, pts_s)

    def close(self) -> None:
        self._visit.client.close()

    def _decoded(self, jpeg: Jpeg, pts_s: float) -> Sample | Lost:
        packet = cast("Packet[VideoStream]", Packet(jpeg.data))
        try:
            frames = self.codec.decode(packet) if jpeg.data else []
        except av.FFmpegError:
            frames = []
        if not frames:
            self._check_damage(jpeg)
            return Lost.UNDECODABLE
        frame = frames[0]
        check_size(frame.width, frame.height)
        self._newest_s = self._clock.now_s()
        appearance = self._appearances.of(frame, packet)
        return Sample(
            pts_s=pts_s,
            is_corrupt=frame.is_corrupt or self._is_cut(jpeg),
            picture=AvPicture(frame, appearance),
            scale=partial(self._letterboxer.scale, frame, appearance),
            wh=appearance.shown_wh,
            luma=partial(self._letterboxer.luma, frame, appearance),
        )

    def _is_cut(self, jpeg: Jpeg) -> bool:
        """The decoder makes a picture of half of one, grey where nothing came."""
        closed = jpeg.data.rstrip(_PADDING).endswith(_END_OF_JPEG)
        self._closes = self._closes or closed
        return self._closes and not closed

    def _check_damage(self, jpeg: Jpeg) -> None:
        """It may be too large for the decoder; a stream may bring for ever what is no picture."""
        check_size(*(size_of(jpeg.data) or (0, 0)))
        if self._clock.now_s() - self._newest_s > self._visit.camera.read_timeout_s:
            raise CaptureError(Cause.DECODER, "data comes, but no pictures")
