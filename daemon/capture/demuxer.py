"""The open container of a stream: everything that FFmpeg does over a network, file or device.

PyAV interrupts FFmpeg when a deadline passes, so every call here is bounded in time, and camera
threads open and read in parallel. What cannot be bounded: a name look-up, and a V4L2 driver that
hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from config.camera import CameraConfig
from daemon.capture.address import Address
from daemon.capture.errors import CaptureError, Cause, guarded
from daemon.capture.http import Fetcher
from daemon.capture.hwaccel import hardware_decoder
from daemon.capture.local_file import check_file
from daemon.capture.peer import Trust
from daemon.capture.picture import check_size
from daemon.capture.rtsp import Relay, Wanted, check_picture
from daemon.capture.tracks import best_video
from daemon.clock import Clock

T = TypeVar("T")
_NEARLY_S = 0.1
_NO_PIECE = "no new piece came: one must not last longer than read_timeout_s"


class Demuxer:
    """The packets of the best video stream. One thread; raises only CaptureError."""

    def __init__(
        self,
        address: Address,
        camera: CameraConfig,
        clock: Clock,
        fetcher: Fetcher | None = None,
    ) -> None:
        self.address = address
        self.camera = camera
        self._clock = clock
        self._fetcher = fetcher  # of HLS
        self._relay: Relay | None = None  # of RTSP
        end_s = clock.now_s() + camera.open_timeout_s
        try:
            self._container = self._open()
        except CaptureError as error:
            self._leave()
            raise self._reason(error) from None
        try:
            self._check_media(late=clock.now_s() >= end_s - _NEARLY_S)
            self.stream = _video_of(self._container, address)
        except CaptureError:
            self._container.close()
            self._leave()
            raise
        if fetcher is not None:
            fetcher.opened()
        packets = self._container.demux(self.stream)
        self._packets = cast("Generator[Packet[VideoStream], None, None]", packets)

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets in decoding order; the last one is empty and drains the decoder."""
        next_packet = _next_copy if self.address.medium == "device" else _next
        while True:
            asked_s = self._clock.now_s()
            try:
                packet = self._guarded(partial(next_packet, self._packets), opening=False)
            except CaptureError as error:
                raise self._reason(error) from None
            waited_s = self._clock.now_s() - asked_s
            if packet is None:
                self._check_end()
                return
            if self._relay is not None:
                self._relay.budget.picture()
                check_picture(bytes(packet))
            yield packet
            # When the deadline passes, FFmpeg first hands out what it had kept back, as if nothing
            # were wrong, and would then wait for as long again.
            if self.address.medium == "network" and waited_s >= self.camera.read_timeout_s:
                raise self._reason(CaptureError(Cause.TIMEOUT))

    @property
    def start_us(self) -> int | None:
        """Wall clock of presentation time 0, once an RTCP sender report told it."""
        return self._container.start_time_realtime

    def close(self) -> None:
        self._packets.close()  # it holds the last packet, which must not outlive its device
        self._container.close()
        self._leave()

    def _leave(self) -> None:
        if self._relay is not None:
            self._relay.close()
        if self._fetcher is not None:
            self._fetcher.close()

    def _check_media(self, *, late: bool) -> None:
        """FFmpeg opens a stream whose media it has waited for in vain."""
        if late and self._relay is not None and self._relay.budget.nothing_came:
            raise self._reason(CaptureError(Cause.TIMEOUT))

    def _reason(self, error: CaptureError) -> CaptureError:
        """What is known of the camera, in place of what FFmpeg made of it."""
        source = self._fetcher or self._relay
        if source is not None and source.failure is not None:
            return source.failure
        if self._fetcher is not None and error.kind is Cause.TIMEOUT:
            return CaptureError(Cause.TIMEOUT, _NO_PIECE)
        if self._relay is None:
            return error
        budget = self._relay.budget
        if error.kind is Cause.TIMEOUT and budget.nothing_came:
            if budget.elsewhere:
                return CaptureError(Cause.PROTOCOL, "it sends on other channels than agreed upon")
            return CaptureError(Cause.TIMEOUT, "it agreed to send, and no media came")
        return error

    def _check_end(self) -> None:
        """Raises what ended the camera's side, if anything; no name here keeps it, and with it all
        that it passed.
        """
        source = self._fetcher or self._relay
        if source is not None and source.failure is not None:
            raise source.failure

    def _open(self) -> InputContainer:
        address, camera = self.address, self.camera
        open_container = partial(
            av.open,
            mode="r",
            format=address.format,
            options=address.options,
            metadata_errors="replace",
            hwaccel=hardware_decoder(camera.hwaccel),
        )
        if address.medium == "file":
            check_file(Path(address.target.removeprefix("file:")), camera.open_timeout_s)
            return self._guarded(partial(open_container, address.target), opening=True)
        remaining = _Remaining(self._clock, camera.open_timeout_s)
        timeouts_s = (cast(float, remaining), camera.read_timeout_s)

        def go_there() -> InputContainer:
            if self._fetcher is not None:
                target, fetch = self._fetcher.home.url, self._fetcher.open
                return open_container(target, timeout=timeouts_s, io_open=fetch)
            if address.medium != "network":
                return open_container(address.target, timeout=timeouts_s)
            self._relay = Relay(_wanted(address, camera), remaining)
            return open_container(self._relay.address, timeout=timeouts_s)

        return self._guarded(go_there, opening=True)

    def _guarded(self, call: Callable[[], T], *, opening: bool) -> T:
        return guarded(
            call,
            clock=self._clock,
            medium=self.address.medium,
            opening=opening,
            timeout_s=self.camera.open_timeout_s if opening else self.camera.read_timeout_s,
        )


def _wanted(address: Address, camera: CameraConfig) -> Wanted:
    return Wanted(
        url=address.target,
        transport=address.transport,
        login=address.login,
        trust=Trust(camera.allow_link_local, camera.tls_ca),
    )


class _Remaining:
    """What is left of the time to open, whenever PyAV asks.

    PyAV gives FFmpeg the whole timeout twice: to connect, and again to find the parameters of the
    stream. As a number that shrinks, one deadline holds for both, and for what we ask before.
    """

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._end_s = clock.now_s() + timeout_s

    def __float__(self) -> float:
        return max(0.001, self._end_s - self._clock.now_s())


def _next(packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
    try:
        return next(packets, None)
    except IndexError:
        # At the end PyAV also drains streams that appeared after the open, which it does not know.
        return None


def _next_copy(packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
    """With memory of its own. A packet of V4L2 lies in the driver's, and so does a raw picture made
    of it; FFmpeg gives them back to a device that must still be open then, or the process crashes.
    """
    packet = _next(packets)
    if packet is None or not packet.size:
        return packet
    copy = cast("Packet[VideoStream]", Packet(bytes(packet)))
    copy.stream = packet.stream
    copy.time_base = packet.time_base
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.is_keyframe = packet.is_keyframe
    return copy


def _video_of(container: InputContainer, address: Address) -> VideoStream:
    stream = best_video(container)
    if stream is None:
        raise CaptureError(Cause.NO_VIDEO)
    # None, whatever PyAV's annotations say, where FFmpeg has no decoder.
    codec = cast("av.VideoCodecContext | None", stream.codec_context)
    if codec is None:
        raise CaptureError(Cause.CODEC, "FFmpeg has no decoder for it")
    allowed = address.decoder_options.get("codec_whitelist", codec.codec.name).split(",")
    if codec.codec.name not in allowed:
        raise CaptureError(Cause.CODEC, f"{codec.codec.name} is not taken from a network")
    check_size(codec.width, codec.height)
    codec.thread_count = 1
    codec.options = address.decoder_options
    return stream
