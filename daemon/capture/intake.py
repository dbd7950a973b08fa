"""What becomes of every frame that a source brings: counted, paced, scaled, offered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

import av
import numpy as np

from daemon.books.accounting import Drop
from daemon.capture.arrangement import Arrangement
from daemon.capture.camera_log import CameraLog
from daemon.capture.gate import ChangeGate, Why
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, Sample, Source
from daemon.capture.sweep import Sweep
from daemon.capture.tampering import TamperWatch, look_at
from daemon.clock import Clock
from daemon.pipeline.frame import Frame, Row, TimeSource
from daemon.seats.counting import Damage
from daemon.seats.seat import Seat
from detector.letterbox import InputSpec, Rect

_LONG_WAIT_S = 2.0  # for a first keyframe: usual ones are not worth a word
_LOOK_WIDTH = 320  # of the whole picture, where the detector is not shown all of it
_TAKEN_S = 0.2  # how often a reader that waits for the detector looks whether it should stop


class FrameSink(Protocol):
    """Where frames go: the camera's slot. Called from the camera's thread."""

    def put(self, frame: Frame) -> None:
        """Offer a frame and count it as captured; newest wins. Never blocks."""
        ...

    def wait_until_taken(self, timeout_s: float) -> bool:
        """Wait until no frame waits in the slot; False if that takes longer."""
        ...


class Intake:
    """The way of one camera's frames into its slot. The camera's thread; `use_input` any."""

    def __init__(
        self,
        seat: Seat,
        *,
        input_spec: InputSpec,
        slot: FrameSink,
        camera_log: CameraLog,
        clock: Clock,
    ) -> None:
        self._seat = seat
        self._camera = seat.config  # what its rules say later is no business of the stream
        self._input_spec = self._scaled_for = input_spec  # wanted by others, in use here
        self._slot = slot
        self._log = camera_log
        self._clock = clock
        self._watch = TamperWatch(seat.config.watch)
        self._arrangement = Arrangement()
        self._sweep = Sweep()
        self._span_s: tuple[float, float] | None = None  # first and newest frame of this stream

    @property
    def streamed_s(self) -> float:
        """How long the current or last stream has brought frames."""
        return self._span_s[1] - self._span_s[0] if self._span_s else 0.0

    def use_input(self, spec: InputSpec) -> None:
        """Scale what is offered from now on for this input; the stream goes on."""
        self._input_spec = spec

    def consume(
        self, open_source: Callable[[InputSpec], Source], stopping: threading.Event
    ) -> None:
        """Open a stream and take it to its end, or until `stopping`. Raises CaptureError."""
        self._span_s = None
        opened_s = self._clock.now_s()
        self._log.connecting()
        with closing(open_source(self._input_spec)) as source:
            self._follow(source, opened_s, stopping)

    def _follow(self, source: Source, opened_s: float, stopping: threading.Event) -> None:
        # Where nobody waits for real time, no frame may be overtaken by the next one either.
        lossless = self._camera.url.startswith("file:") and not self._camera.file.realtime
        pacer = Pacer(self._camera.detect.fps, live=not lossless)
        counted_s = time.thread_time()
        gate = ChangeGate(self._camera.detect.gate) if self._camera.detect.gate.enabled else None
        for sample in source.samples(pacer):
            spent_s = time.thread_time()
            self._seat.decode_s += spent_s - counted_s
            counted_s = spent_s
            if stopping.is_set():
                return
            now_s, wall_ns = self._clock.now_s(), self._clock.wall_ns()
            if sample is Lost.AWAITING:
                self._note_wait(now_s - opened_s)
                continue
            if sample is not Lost.UNDECODABLE:
                self._note_arrival(source, opened_s, now_s, wall_ns)
            self._scaled_for = self._input_spec
            source.use_input(self._scaled_for)
            offered = self._settle(sample, pacer, gate, now_s, wall_ns)
            while offered and lossless and not stopping.is_set():
                offered = not self._slot.wait_until_taken(_TAKEN_S)

    def _note_wait(self, waited_s: float) -> None:
        """What comes before the first keyframe is not of the stream that we see."""
        if waited_s > _LONG_WAIT_S:
            self._log.awaiting_keyframe(self._camera.keyframe_timeout_s)

    def _note_arrival(self, source: Source, opened_s: float, now_s: float, wall_ns: int) -> None:
        if self._span_s is None:
            self._span_s = (now_s, now_s)
            self._seat.counts.observe_connect(now_s - opened_s)
            self._log.streaming(source.info, wanted_decoder=self._camera.hwaccel)
        else:
            first_s, newest_s = self._span_s
            self._span_s = (first_s, now_s)
            self._seat.counts.observe_frame_interval(now_s - newest_s)
        self._log.arrived(now_s, wall_ns)

    def _settle(
        self,
        sample: Sample | Lost,
        pacer: Pacer,
        gate: ChangeGate | None,
        now_s: float,
        wall_ns: int,
    ) -> bool:
        """Give a frame its fate; True if it was offered to the detector."""
        if isinstance(sample, Lost):
            if sample is Lost.EARLY:
                self._drop(Drop.FPS_CAP)
            else:
                self._drop(Drop.CORRUPT, "other")
            return False
        if sample.is_corrupt:
            self._drop(Drop.CORRUPT, "corrupt")
            return False
        if not pacer.take(sample.pts_s, now_s):
            self._drop(Drop.FPS_CAP)
            return False
        why = self._judged(sample, gate, now_s)
        if why is Why.STILL and not self._watch.due(now_s):
            self._drop(Drop.GATED)
            return False
        return self._offer(sample, why, gate, now_s, wall_ns)

    def _judged(self, sample: Sample, gate: ChangeGate | None, now_s: float) -> Why | None:
        """What the gate says; None where there is none."""
        if gate is None or sample.luma is None:
            return None
        alive, region = self._seat.shows_objects, self._seat.view.region
        return gate.judge(sample.luma(), now_s, alive=alive, region=region)

    def _worth(
        self,
        parts: Sequence[Rect | None],
        why: Why | None,
        gate: ChangeGate | None,
        wh: tuple[int, int],
        now_s: float,
    ) -> Sequence[Rect | None]:
        """Of the parts of a picture, those that are looked at; with a gate not every tile is."""
        if gate is None or why is None:
            return parts
        sight = self._seat.sight
        boxes = sight.detections.xyxy_px if sight else np.zeros((0, 4), np.float32)
        tiles = self._seat.view.tiles
        return self._sweep.worth(
            parts, why, gate=gate, tiles=tiles, wh=wh, boxes=boxes, now_s=now_s
        )

    def _offer(
        self,
        sample: Sample,
        why: Why | None,
        gate: ChangeGate | None,
        now_s: float,
        wall_ns: int,
    ) -> bool:
        try:
            parts = self._arrangement.parts(self._seat, sample.wh, self._scaled_for)
            parts = self._worth(parts, why, gate, sample.wh, now_s)
            rows = tuple(sample.scale(part) for part in parts)
            self._look_at(sample, rows[0], now_s)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._drop(Drop.PREPROCESS_ERROR, "other")
            self._log.unfit(error)
            return False
        if why is Why.STILL:  # it was scaled for the look alone
            self._drop(Drop.GATED)
            return False
        captured_ns, time_source = self._time_of(sample, wall_ns)
        self._slot.put(
            Frame(
                seat=self._seat,
                rows=rows,
                input_spec=self._scaled_for,
                captured_s=now_s,
                captured_ns=captured_ns,
                pts_s=sample.pts_s,
                time_source=time_source,
                picture=sample.picture,
                was_gated=why is not None and why.was_closed,
            )
        )
        return True

    def _look_at(self, sample: Sample, row: Row, now_s: float) -> None:
        """Whether the view is what it was; that is a question to the whole picture."""
        if not self._watch.due(now_s):
            return
        pixels, letterbox = row
        if letterbox.is_whole:
            (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
            seen = pixels[y : y + height, x : x + width]
        else:
            seen = sample.picture.to_bgr(_LOOK_WIDTH)[..., ::-1]
        self._log.judged(self._watch.judge(look_at(seen), now_s))

    def _time_of(self, sample: Sample, arrived_ns: int) -> tuple[int, TimeSource]:
        """When the picture was taken, as well as it is known and wanted."""
        if self._camera.time_source != "rtcp" or sample.captured_ns is None:
            return arrived_ns, "wallclock"
        behind_s = (arrived_ns - sample.captured_ns) / 1e9
        self._seat.counts.observe_camera_clock(behind_s)
        return sample.captured_ns, "rtcp"

    def _drop(self, reason: Drop, damage: Damage | None = None) -> None:
        self._seat.ledger.captured_and_dropped(reason)
        if damage is not None:
            self._seat.counts.count_decode_error(damage)
