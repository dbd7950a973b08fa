"""A stream that FFmpeg decodes in process: RTSP, V4L2, one pass of a file.

Decoding uses one thread per camera: cameras are what runs in parallel here, and frame threads
would add latency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import av
from av.packet import Packet
from av.video.stream import VideoStream

from config.camera import aspect_ratio
from daemon.books.states import StreamInfo
from daemon.capture.appearance import Appearance, Appearances
from daemon.capture.camera_clock import CameraClock
from daemon.capture.demuxer import Demuxer
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.group import Group
from daemon.capture.onset import Onset
from daemon.capture.pacer import Pacer
from daemon.capture.picture import AvPicture, Letterboxer, check_size
from daemon.capture.sample import Lost, Sample
from daemon.capture.skipping import Skipper, Verdict
from daemon.clock import Clock
from detector.letterbox import InputSpec

_BELIEVABLE_FPS = (0.1, 240.0)
_SLOWEST_FILE_FPS = 1 / 3600  # a time-lapse; its container knows
_HARDWARE_FORMATS = frozenset({"cuda", "vaapi"})
_UNDECODED = frozenset({Verdict.SKIP, Verdict.BEGIN, Verdict.HOLD})
BeforePacket = Callable[[float], bool]  # hears the decoding time; False ends the stream


class AvSource:
    """Decode a container. `before_packet` is how a file is played at its own speed; with `shift_s`
    its time begins there.
    """

    def __init__(
        self,
        demuxer: Demuxer,
        letterboxer: Letterboxer,
        *,
        clock: Clock,
        before_packet: BeforePacket | None = None,
        shift_s: float | None = None,
    ) -> None:
        self._demuxer = demuxer
        self._letterboxer = letterboxer
        self._clock = clock
        self._before_packet = before_packet
        self._timeline = Timeline(
            demuxer.stream, shift_s, recorded=demuxer.address.medium == "file"
        )
        self._appearances = Appearances(
            demuxer.stream.codec_context,
            sample=demuxer.stream.sample_aspect_ratio,
            aspect=aspect_ratio(demuxer.camera.aspect),
        )
        self._camera_clock = CameraClock(float(demuxer.stream.time_base or 0))
        self._group = Group()
        wait_s = demuxer.camera.keyframe_timeout_s
        self._onset = Onset(clock.now_s(), wait_s, live=demuxer.address.medium != "file")
        self._newest_s = clock.now_s()  # when the last sample came, or the stream was opened

    @property
    def info(self) -> StreamInfo:
        stream = self._demuxer.stream
        codec = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate
        low, high = _BELIEVABLE_FPS
        if self._demuxer.address.medium == "file":
            low = _SLOWEST_FILE_FPS
        return StreamInfo(
            codec=codec.codec.canonical_name,
            width=self.appearance.shown_wh[0],
            height=self.appearance.shown_wh[1],
            fps=float(rate) if rate and low <= rate <= high else None,
            transport=self._demuxer.address.transport,
            decoder=codec.pix_fmt if codec.pix_fmt in _HARDWARE_FORMATS else "software",
        )

    @property
    def appearance(self) -> Appearance:
        """How the newest picture is meant to be seen."""
        return self._appearances.newest

    @property
    def end_s(self) -> float:
        """Where the next pass of a file begins on the same time axis."""
        return self._timeline.end_s

    def use_input(self, spec: InputSpec) -> None:
        self._letterboxer.use_input(spec)

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        codec = self._demuxer.stream.codec_context
        skipper = Skipper(
            codec.codec.canonical_name,
            extradata=codec.extradata,
            intra_only=codec.codec.intra_only,
            tick_s=pacer.tick_s,
        )
        for packet in self._demuxer.packets():
            dts_s = self._timeline.passed(packet)
            if packet.has_sidedata("rtcp_sr"):
                report = bytes(packet.get_sidedata("rtcp_sr"))
                self._camera_clock.hear(report, start_us=self._demuxer.start_us)
            if self._before_packet and dts_s is not None and not self._before_packet(dts_s):
                return
            pacer.saw(dts_s)
            verdict = self._judge(packet, skipper, pacer)
            if verdict in _UNDECODED:
                self._keep(packet, verdict)
                self._newest_s = self._clock.now_s()
                yield Lost.EARLY
            else:
                yield from self._decode(packet, skipper, verdict)

    def close(self) -> None:
        self._demuxer.close()

    def _judge(self, packet: Packet[VideoStream], skipper: Skipper, pacer: Pacer) -> Verdict:
        if not packet.size:
            return Verdict.DECODE  # drains the decoder
        if packet.has_sidedata("new_extradata"):
            return skipper.resume()
        now_s = self._clock.now_s()
        return skipper.judge(
            memoryview(packet),
            dts_s=self._timeline.seconds(packet.dts),
            now_s=now_s,
            is_key=packet.is_keyframe,
            early=pacer.early(self._timeline.seconds(packet.pts), now_s),
        )

    def _keep(self, packet: Packet[VideoStream], verdict: Verdict) -> None:
        if verdict is Verdict.BEGIN:
            self._group.begin(packet)
        elif verdict is Verdict.HOLD:
            self._group.add(packet)

    def _decode(
        self, packet: Packet[VideoStream], skipper: Skipper, verdict: Verdict
    ) -> Iterator[Sample | Lost]:
        codec = self._demuxer.stream.codec_context
        if verdict is Verdict.RESUME:
            self._group.decode()
        self._group.clear()
        awaiting = bool(packet.size) and self._onset.waits(packet, self._clock.now_s())
        try:
            frames = [frame for frame in packet.decode() if not self._group.has(frame)]
            if verdict is Verdict.ALONE:
                # Else the decoder keeps a picture back until the next ones come, seconds later.
                frames += codec.decode(None)
                codec.flush_buffers()
                self._group.begin(packet)
        except av.FFmpegError:
            if packet.size and not awaiting:
                yield Lost.UNDECODABLE
            frames = []
        if frames:
            self._newest_s = self._clock.now_s()
            self._onset.picture_came()
            skipper.picture_came(interlaced=frames[0].interlaced_frame)
        elif awaiting:
            self._newest_s = self._clock.now_s()
            yield Lost.AWAITING
        else:
            self._check_silence()
        for frame in frames:
            check_size(frame.width, frame.height)
            pts_s = self._timeline.shown(frame)
            appearance = self._appearances.of(frame, packet)
            yield Sample(
                pts_s=pts_s,
                is_corrupt=frame.is_corrupt,
                picture=AvPicture(frame, appearance),
                luma=partial(self._letterboxer.luma, frame, appearance),
                scale=partial(self._letterboxer.scale, frame, appearance),
                wh=appearance.shown_wh,
                captured_ns=self._camera_clock.wall_ns(pts_s),
            )

    def _check_silence(self) -> None:
        """A stream may send packets for ever that give no picture."""
        silent_s = self._clock.now_s() - self._newest_s
        if (
            self._demuxer.address.medium != "file"
            and silent_s > self._demuxer.camera.read_timeout_s
        ):
            codec = self._demuxer.stream.codec_context
            check_size(codec.width, codec.height)  # that may be why the decoder refuses them
            raise CaptureError(Cause.DECODER, "data comes, but no pictures")


class Timeline:
    """A stream's timestamps in seconds; a shifted stream begins at `shift_s`.

    A recording without timestamps (an elementary stream) is counted by the length of its frames;
    a live stream's missing ones stay missing: there the clock knows better.
    """

    def __init__(self, stream: VideoStream, shift_s: float | None, *, recorded: bool) -> None:
        self._tick_s = float(stream.time_base or 0)
        begin_s = (stream.start_time or 0) * self._tick_s
        self._shift_s = 0.0 if shift_s is None else shift_s - begin_s
        self._recorded = recorded
        self.end_s = self._shown_s = self._shift_s + begin_s

    def seconds(self, ticks: int | None) -> float | None:
        return None if ticks is None else self._shift_s + ticks * self._tick_s

    def passed(self, packet: Packet[VideoStream]) -> float | None:
        """Note how far the stream has come; the decoding time of the packet."""
        length_s = (packet.duration or 0) * self._tick_s
        dts_s = self.seconds(packet.dts)
        if dts_s is None and self._recorded:
            dts_s = self.end_s
        pts_s = self.seconds(packet.pts)
        if pts_s is None:
            pts_s = dts_s
        if pts_s is not None:
            self.end_s = max(self.end_s, pts_s + length_s)
        return dts_s

    def shown(self, frame: av.VideoFrame) -> float | None:
        """The presentation time of a frame; called for each, in order of presentation."""
        pts_s = self.seconds(frame.pts)
        if pts_s is None and self._recorded:
            pts_s = self._shown_s
            self._shown_s += frame.duration * self._tick_s
        return pts_s
