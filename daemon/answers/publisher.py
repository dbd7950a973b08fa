"""Answers, changes of state and heartbeats become messages, and every sink gets each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Protocol

from msgspec import UNSET

from daemon.answers.events import Sender, count_message, event_message
from daemon.answers.records import wire_rows
from daemon.books.states import CameraState, CameraStatus
from daemon.clock import Clock
from daemon.pipeline.threads import Result
from daemon.seats.permit import Permit
from daemon.seats.seat import Seat
from daemon.seats.sight import Sight
from daemon.tracking.happenings import Happening
from daemon.tracking.watch import Seen
from daemon.tracking.watcher import is_news
from detector.detections import Detections
from sinks.envelope import Envelope
from sinks.messages import (
    CameraBeat,
    Detection,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    LatencyMs,
    StatusMessage,
    Stream,
)


class Witness(Protocol):
    """Is given every answer of a camera, then each event of it. Called by whoever holds the seat;
    must not wait.
    """

    def see(self, seat: Seat, sight: Sight, message: DetectionMessage) -> None: ...

    def tell(self, seat: Seat, event: EventMessage) -> None: ...


class Publisher:
    """Gives each message its place in its camera's sequence and hands it to the sinks.

    `result` is called by the results thread, `status` by camera threads, `heartbeat` by the
    main thread. Nothing here waits for a sink.
    """

    def __init__(
        self,
        put: Callable[[Envelope], None],
        *,
        epoch: str,
        node: str,
        clock: Clock,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self._put = put
        self._epoch = epoch
        self._node = node
        self._sender = Sender(epoch, node)
        self._clock = clock
        self._witnesses = witnesses

    def result(self, result: Result) -> None:
        """Publish the answer for one frame, or that there is none; nothing for a camera that has
        left, is paused, or whose grant has ended.
        """
        seat = result.frame.seat
        with seat.answering:
            permit = seat.permit
            if not (seat.has_left or seat.paused) and permit.holds(self._clock.now_s()):
                self._answer(result, permit)

    def _answer(self, result: Result, permit: Permit) -> None:
        frame, seat, timing, model = result.frame, result.frame.seat, result.timing, result.detector
        size = frame.source_wh
        rows: tuple[Detection, ...] = ()
        seen = None if result.detections is None else _judged(result, result.detections)
        sight = None
        if seen is not None:
            rows = wire_rows(seen.found, model.labels, seen.objects)
            shown = [row.label for row in rows]
            for label in dict.fromkeys(shown):
                seat.counts.count_detections(label, shown.count(label))
            if frame.was_gated:
                seat.counts.gate_looked(missed=is_news(seen.objects))
        seq = seat.numbers.seq = seat.numbers.seq + 1
        if seen is not None:
            sight = seat.sight = Sight(
                frame.picture,
                size,
                seen.found,
                model.labels,
                frame.captured_s,
                frame.captured_ns,
                timing.answered_s,
                number=seq,
                objects=seen.objects,
                parts=frame.parts,
            )
        message = DetectionMessage(
            epoch=self._epoch,
            node=self._node,
            camera=seat.name,
            grant=permit.number or UNSET,
            seq=seq,
            status="error" if seen is None else "ok",
            error=result.error or UNSET,
            captured_ns=frame.captured_ns,
            time_source=frame.time_source,
            pts_s=frame.pts_s,
            size=size,
            model=model.name,
            latency_ms=LatencyMs(
                queue=(timing.dispatched_s - frame.captured_s) * 1e3,
                infer=(timing.answered_s - timing.dispatched_s) * 1e3,
            ),
            detections=rows,
        )
        self._put(Envelope(message, frame.captured_s, seat.counts.observe_published, permit))
        if sight is not None:
            for witness in self._witnesses:
                witness.see(seat, sight, message)
        self._tell(seat, seen.happenings if seen else (), frame.captured_s)

    def pass_time(self, seats: Iterable[Seat]) -> None:
        """Objects that are gone although no picture came to say so, and counts that changed."""
        now_s = self._clock.now_s()
        for seat in seats:
            with seat.answering:
                if not seat.has_left:
                    self._tell(seat, seat.watch.pass_time(now_s), now_s)

    def end_lives(self, seats: Iterable[Seat]) -> None:
        """Of cameras that left or are paused, or all of them at the end: their objects are watched
        no more.
        """
        now_s = self._clock.now_s()
        for seat in seats:
            with seat.answering:
                seat.watch.end_all()
                self._tell(seat, seat.watch.pass_time(now_s), now_s)

    def _tell(self, seat: Seat, happened: Sequence[Happening], at_s: float) -> None:
        """What happened, in order, then how many there are now; nothing once the grant ended."""
        numbers, permit = seat.numbers, seat.permit
        if not permit.holds(self._clock.now_s()):
            return
        for happening in happened:
            numbers.event_seq += 1
            seat.counts.happened(happening)
            event = event_message(
                happening, self._sender, seat.name, numbers.event_seq, permit.number
            )
            for witness in self._witnesses:
                witness.tell(seat, event)
            self._put(Envelope(event, permit=permit))
        counts = seat.watch.due_counts(at_s)
        if counts is not None:
            seat.counts.counted(counts)
            message = count_message(
                counts, self._sender, seat.name, seat.watch.since_ns, permit.number
            )
            self._put(Envelope(message, permit=permit))

    def status(self, status: CameraStatus, permit: Permit | None = None) -> None:
        """A camera's state changed; nobody is told once its grant ended."""
        if permit is None or permit.holds(self._clock.now_s()):
            self._put(self.status_message(status, permit))

    def greetings(self, seats: Iterable[Seat]) -> list[Envelope]:
        """How every camera is that may be spoken for."""
        now_s = self._clock.now_s()
        return [
            self.status_message(seat.status.now(), permit)
            for seat in seats
            for permit in [seat.permit]
            if permit.holds(now_s)
        ]

    def status_message(self, status: CameraStatus, permit: Permit | None = None) -> Envelope:
        """The message that says how a camera is."""
        is_open = status.state.is_up or status.state is CameraState.STALLED
        stream = status.stream if is_open else None
        return Envelope(
            StatusMessage(
                epoch=self._epoch,
                node=self._node,
                camera=status.camera,
                grant=(permit and permit.number) or UNSET,
                state=status.state.value,
                reason=status.reason,
                since_ns=self._wall_ns(status.since_s),
                stream=Stream(**asdict(stream)) if stream else None,
                retry_s=status.retry_s if status.state is CameraState.BACKOFF else None,
            ),
            permit=permit,
        )

    def heartbeat(self, seats: Iterable[Seat], *, ready: bool) -> None:
        """Say who is alive and how far each camera's sequence has come; in a fleet of the cameras
        that are granted.
        """
        now_s = self._clock.now_s()
        beats = {seat.name: _beat(seat, now_s) for seat in seats if seat.permit.holds(now_s)}
        self._put(
            Envelope(
                HeartbeatMessage(epoch=self._epoch, node=self._node, ready=ready, cameras=beats)
            )
        )

    def _wall_ns(self, at_s: float) -> int:
        """Wall clock of a monotonic time of a moment ago."""
        return self._clock.wall_ns() - int((self._clock.now_s() - at_s) * 1e9)


def _beat(seat: Seat, now_s: float) -> CameraBeat:
    status = seat.status.now()
    arrived_s = status.last_frame_s
    age_s = None if arrived_s is None else round(max(0.0, now_s - arrived_s), 3)
    return CameraBeat(status.state.value, seat.numbers.seq, age_s, seat.numbers.event_seq)


def _judged(result: Result, found: Detections) -> Seen:
    """What is reported of the answer."""
    frame, model = result.frame, result.detector
    seat, size = frame.seat, frame.source_wh
    rules = seat.rules.of(model.labels, model.thresholds)
    if not seat.watch.enabled:
        found = rules.apply(found, size)
        return Seen(found, (None,) * len(found), ())
    found, certain = rules.sift(found, size)
    seen = seat.watch.report(
        found,
        certain,
        model.labels,
        at_s=frame.captured_s,
        at_ns=frame.captured_ns,
        size=size,
    )
    seat.numbers.track = seat.watch.number
    return seen
