"""Answers, changes of state and heartbeats become messages, and every sink gets each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from msgspec import UNSET

from daemon.answers.live import LiveBoard, Sight
from daemon.answers.rules import CameraRules
from daemon.books.states import CameraState, CameraStatus
from daemon.clock import Clock
from daemon.pipeline.threads import Result
from detector.detections import Detections
from sinks.messages import (
    CameraBeat,
    Detection,
    DetectionMessage,
    Envelope,
    HeartbeatMessage,
    LatencyMs,
    StatusMessage,
    Stream,
)


class Publisher:
    """Gives each message its place in its camera's sequence and hands it to the sinks.

    `result` is called by the results thread, `status` by camera threads, `heartbeat` by the
    main thread, which also calls `add` and `remove`. Nothing here waits for a sink. `record` is
    told of every answer, and must not wait either.
    """

    def __init__(
        self,
        put: Callable[[Envelope], None],
        *,
        epoch: str,
        node: str,
        live: LiveBoard,
        count_detections: Callable[[str, str, int], None],
        clock: Clock,
        record: Callable[[Sight, DetectionMessage], None] = lambda _sight, _message: None,
    ) -> None:
        self._put = put
        self._epoch = epoch
        self._node = node
        self._live = live
        self._count_detections = count_detections
        self._clock = clock
        self._record = record
        self._rules: dict[str, CameraRules] = {}
        # A name that comes back in the same epoch goes on counting, so that no number comes twice.
        self._seq: dict[str, int] = {}  # the results thread's

    def add(self, camera: str, rules: CameraRules) -> None:
        """Messages of this camera may come, by these rules from now on."""
        self._rules[camera] = rules

    def remove(self, camera: str) -> None:
        """Answers for frames of it that are still on their way are not published."""
        self._rules.pop(camera, None)

    def result(self, result: Result) -> None:
        """Publish the answer for one frame, or that there is none."""
        frame, timing, model = result.frame, result.timing, result.detector
        rules = self._rules.get(frame.camera)
        if rules is None:
            return
        size = frame.letterbox.source_wh
        found, sight = result.detections, None
        if found is not None:
            found = rules.of(model.labels, model.thresholds).apply(found, size)
            sight = self._live.show(frame, found, model.labels, inferred_s=timing.answered_s)
        seq = self._seq[frame.camera] = self.last_seq(frame.camera) + 1
        message = DetectionMessage(
            epoch=self._epoch,
            node=self._node,
            camera=frame.camera,
            seq=seq,
            status="error" if found is None else "ok",
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
            detections=(
                () if found is None else self._on_the_wire(frame.camera, found, model.labels)
            ),
        )
        self._put(Envelope(message, frame.captured_s))
        if sight is not None:
            self._record(sight, message)

    def status(self, status: CameraStatus) -> None:
        """A camera's state changed: a listener for `StatusBoard.on_change`."""
        self._put(self.told(status))

    def told(self, status: CameraStatus) -> Envelope:
        """The message that says so."""
        is_open = status.state.is_up or status.state is CameraState.STALLED
        stream = status.stream if is_open else None
        return Envelope(
            StatusMessage(
                epoch=self._epoch,
                node=self._node,
                camera=status.camera,
                state=status.state.value,
                reason=status.reason,
                since_ns=self._wall_ns(status.since_s),
                stream=Stream(**asdict(stream)) if stream else None,
                retry_s=status.retry_s if status.state is CameraState.BACKOFF else None,
            )
        )

    def heartbeat(self, statuses: Iterable[CameraStatus], *, ready: bool) -> None:
        """Say who is alive and how far each camera's sequence has come."""
        now_s = self._clock.now_s()
        beats = {
            status.camera: CameraBeat(
                state=status.state.value,
                seq=self.last_seq(status.camera),
                last_frame_age_s=None
                if status.last_frame_s is None
                else round(max(0.0, now_s - status.last_frame_s), 3),
            )
            for status in statuses
        }
        self._put(
            Envelope(
                HeartbeatMessage(epoch=self._epoch, node=self._node, ready=ready, cameras=beats)
            )
        )

    def last_seq(self, camera: str) -> int:
        """Of the newest message of this camera; 0 before the first."""
        return self._seq.get(camera, 0)

    def _on_the_wire(
        self, camera: str, found: Detections, labels: Sequence[str]
    ) -> tuple[Detection, ...]:
        counts: dict[str, int] = {}
        objects = []
        rows = zip(
            found.class_id.tolist(), found.score.tolist(), found.xyxy_px.tolist(), strict=True
        )
        for class_id, score, box in rows:
            label = labels[class_id]
            counts[label] = counts.get(label, 0) + 1
            objects.append(Detection.rounded(label, class_id, score, box))
        for label, count in counts.items():
            self._count_detections(camera, label, count)
        return tuple(objects)

    def _wall_ns(self, at_s: float) -> int:
        """Wall clock of a monotonic time of a moment ago."""
        return self._clock.wall_ns() - int((self._clock.now_s() - at_s) * 1e9)
