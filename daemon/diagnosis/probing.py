"""Open one stream as the daemon would, watch it for a while, say what it is. Calling thread."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from config.camera import CameraConfig
from config.credentials import credentials_directory
from config.urls import HTTP_SCHEMES, scheme_of
from daemon.books.states import StreamInfo
from daemon.capture.address import Address, address_of
from daemon.capture.av_source import AvSource, BeforePacket
from daemon.capture.demuxer import Demuxer
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.file_source import Player
from daemon.capture.http import Fetcher, Kind
from daemon.capture.http_source import HttpSource, Visit
from daemon.capture.pacer import Pacer
from daemon.capture.picture import Letterboxer
from daemon.capture.sample import Lost, Pause, Source
from daemon.capture.skipping import Skipper
from daemon.capture.source import open_source
from daemon.clock import Clock
from daemon.diagnosis.tally import Figures, PacketSeen, PictureSeen, Tally, figures
from detector.letterbox import InputSpec

PATIENCE_S = 90.0  # for a first keyframe: some cameras send one a minute
_INPUT = InputSpec(64, 64)  # nothing is scaled
_ANY_FPS = 1000.0  # so fast a cap that every picture is decoded


@dataclass(frozen=True, slots=True)
class Probe:
    """What one look at a stream found."""

    stream: StreamInfo  # its size is that of the picture as it is seen
    stored_wh: tuple[int, int]
    turned: str  # what is done to it, as in `turned by 90°`; empty for nothing
    profile: str | None  # as in `High`
    pixel_format: str | None  # as in `yuv420p`
    bits: int | None  # of one sample of a pixel
    open_s: float
    first_picture_s: float  # opening included
    decode_s: float | None  # processor time for one picture
    figures: Figures

    @property
    def live(self) -> bool:
        return self.stream.transport != "file"


def attempt(
    camera: CameraConfig,
    *,
    seconds: float,
    clock: Clock,
    pause: Pause,
    cpu_s: Callable[[], float] = time.thread_time,
    keyframe_s: float = PATIENCE_S,
) -> Probe | CaptureError:
    """Watch `seconds` of a stream, or say why that failed; never raises what may hold a URL.

    Bounded by the camera's own timeouts, and by `keyframe_s` until the first keyframe. A file is
    read as fast as it can be decoded.
    """
    tally = Tally()
    patience_s = min(keyframe_s, camera.keyframe_timeout_s)
    camera = camera.model_copy(update={"keyframe_timeout_s": patience_s})
    try:
        return _probe(camera, tally, seconds=seconds, clock=clock, pause=pause, cpu_s=cpu_s)
    except CaptureError as error:
        kind, detail = error.kind, error.detail
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        kind = Cause.INTERNAL
        detail = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
    if tally.pictures:
        seen = f"after {len(tally.pictures)} pictures"
        detail = f"{detail}, {seen}" if detail else seen
    return CaptureError(kind, detail)


def _probe(
    camera: CameraConfig,
    tally: Tally,
    *,
    seconds: float,
    clock: Clock,
    pause: Pause,
    cpu_s: Callable[[], float],
) -> Probe:
    started_s = clock.now_s()
    with closing(_open(camera, tally, clock, pause)) as source:
        opened_s, opened_cpu_s = clock.now_s(), cpu_s()
        live = source.info.transport != "file"
        _watch(source, tally, live=live, seconds=seconds, clock=clock)
        spent_s = cpu_s() - opened_cpu_s
        decoding = source if isinstance(source, _Watched | HttpSource) else None
        codec = decoding.codec if decoding else None
        pixel_format = codec.pix_fmt if codec else None
        return Probe(
            stream=source.info,
            stored_wh=(codec.width, codec.height)
            if codec
            else (source.info.width, source.info.height),
            turned=str(decoding.appearance.orientation) if decoding else "",
            profile=codec.profile if codec else None,
            pixel_format=pixel_format,
            bits=av.VideoFormat(pixel_format).components[0].bits if pixel_format else None,
            open_s=opened_s - started_s,
            first_picture_s=tally.pictures[0].arrived_s - started_s,
            decode_s=spent_s / len(tally.pictures) if codec else None,
            figures=figures(tally, live=live),
        )


def _watch(source: Source, tally: Tally, *, live: bool, seconds: float, clock: Clock) -> None:
    """Returns once at least one picture and `seconds` were seen, or a file has ended."""
    # `take` is never called, so the pacer finds no picture too early: all are decoded.
    for sample in source.samples(Pacer(_ANY_FPS, live=live)):
        if sample is Lost.AWAITING:
            continue
        if isinstance(sample, Lost):
            tally.undecodable += 1
        else:
            tally.pictures.append(PictureSeen(clock.now_s(), sample.pts_s))
            tally.corrupt += sample.is_corrupt
        if tally.pictures and _seen_s(tally, live=live) >= seconds:
            return
    if live:
        raise CaptureError(Cause.EOF)
    if not tally.pictures:
        raise CaptureError(Cause.DECODER, "the file holds no picture that can be decoded")


def _seen_s(tally: Tally, *, live: bool) -> float:
    first, newest = tally.pictures[0], tally.pictures[-1]
    waited_s = newest.arrived_s - first.arrived_s
    if live or first.pts_s is None or newest.pts_s is None:
        return waited_s
    return max(waited_s, newest.pts_s - first.pts_s)


def _open(camera: CameraConfig, tally: Tally, clock: Clock, pause: Pause) -> Source:
    if scheme_of(camera.url) == "synthetic":
        return open_source(camera, input_spec=_INPUT, clock=clock, pause=pause)
    address = address_of(camera, credential_directory=credentials_directory())
    if scheme_of(camera.url) in HTTP_SCHEMES:
        visit = Visit(address, camera, clock, pause)
        if visit.kind is Kind.PLAYLIST:
            demuxer = _WatchedDemuxer(address.as_hls(), camera, clock, tally, visit.fetcher)
            return _Watched(demuxer, clock, Player(clock, pause).wait)
        return HttpSource(visit, address, Letterboxer(_INPUT), heard=partial(_note_jpeg, tally))
    return _Watched(_WatchedDemuxer(address, camera, clock, tally), clock)


def _note_jpeg(tally: Tally, size: int) -> None:
    """Each is a keyframe, and no other needs it."""
    tally.packets.append(PacketSeen(size=size, pts_s=None, is_key=True, is_unreferenced=True))


class _Watched(AvSource):
    """The daemon's own way to decode, with a look at the packets."""

    def __init__(
        self, demuxer: _WatchedDemuxer, clock: Clock, before_packet: BeforePacket | None = None
    ) -> None:
        super().__init__(demuxer, Letterboxer(_INPUT), clock=clock, before_packet=before_packet)
        self.codec = demuxer.stream.codec_context


class _WatchedDemuxer(Demuxer):
    def __init__(
        self,
        address: Address,
        camera: CameraConfig,
        clock: Clock,
        tally: Tally,
        fetcher: Fetcher | None = None,
    ) -> None:
        super().__init__(address, camera, clock, fetcher)
        self._tally = tally

    def packets(self) -> Iterator[Packet[VideoStream]]:
        codec = self.stream.codec_context
        tick_s = float(self.stream.time_base or 0)
        skipper = Skipper(
            codec.codec.canonical_name,
            extradata=codec.extradata,
            intra_only=codec.codec.intra_only,
            tick_s=1 / _ANY_FPS,
        )
        for packet in super().packets():
            if packet.size:
                self._tally.packets.append(
                    PacketSeen(
                        size=packet.size,
                        pts_s=None if packet.pts is None else packet.pts * tick_s,
                        is_key=packet.is_keyframe,
                        is_unreferenced=skipper.unreferenced(bytes(packet)),
                    )
                )
            yield packet
