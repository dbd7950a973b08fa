"""Pictures of one camera, looked at twice: as it is configured, and as closely as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from config.camera import CameraConfig
from daemon.capture.errors import CaptureError
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, OpenSource, Pause, Sample
from daemon.clock import Clock
from daemon.offline.rows import answer
from daemon.pipeline.merging import iou
from daemon.seats.rules import ObjectRules
from daemon.seats.view import View, Wh
from detector.api import Detector
from detector.detections import Detections

FPS = 1.0  # pictures of the same second tell nothing new
MOST_ROWS = 48  # of one picture that is looked at closely
SAME_IOU = 0.4
_CLOSE_OVERLAP = 0.3


@dataclass(slots=True)
class Watched:
    """What was seen: boxes [N, 4] in pixels of the newest size; `missed` of them only closely."""

    pictures: int = 0
    wh: Wh = (0, 0)
    labels: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    xyxy_px: list[npt.NDArray[np.float32]] = field(default_factory=list)

    @property
    def objects(self) -> int:
        return sum(len(boxes) for boxes in self.xyxy_px)


def boxes_of(watched: Watched) -> npt.NDArray[np.float32]:
    """All of them, [N, 4]."""
    boxes: npt.NDArray[np.float32] = np.concatenate(watched.xyxy_px)
    return boxes


class Watcher:
    """Uses a warm detector in the calling thread."""

    def __init__(self, detector: Detector, clock: Clock, pause: Pause) -> None:
        self._detector = detector
        self._clock = clock
        self._pause = pause
        spec = detector.input_spec
        self._side = max(spec.height, spec.width)

    def watch(
        self,
        camera: CameraConfig,
        rules: ObjectRules,
        *,
        seconds: float,
        open_source: OpenSource,
        told: Callable[[Watched], None] = lambda _: None,
    ) -> Watched:
        """For that long, by the stream's own time of a file; `told` after every picture. Raises
        CaptureError where not one picture came; InferenceError.
        """
        watched = Watched()
        try:
            for sample in self._samples(camera, seconds, open_source):
                if watched.wh != sample.wh:
                    watched.wh, watched.xyxy_px = sample.wh, []
                    watched.labels, watched.missed = {}, 0
                self._look(sample, camera, rules, watched)
                watched.pictures += 1
                told(watched)
        except CaptureError:
            if not watched.pictures:
                raise
        return watched

    def _samples(
        self, camera: CameraConfig, seconds: float, open_source: OpenSource
    ) -> Iterator[Sample]:
        spec = self._detector.input_spec
        opened = open_source(camera, input_spec=spec, clock=self._clock, pause=self._pause)
        with closing(opened) as source:
            live = source.info.transport != "file"
            pacer = Pacer(FPS, live=live)
            first_s: float | None = None
            for sample in source.samples(pacer):
                now_s = self._clock.now_s()
                if isinstance(sample, Lost) or sample.is_corrupt:
                    continue
                if not pacer.take(sample.pts_s, now_s):
                    continue
                at_s = now_s if live or sample.pts_s is None else sample.pts_s
                first_s = at_s if first_s is None else first_s
                if at_s - first_s > seconds:
                    return
                yield sample

    def _look(
        self, sample: Sample, camera: CameraConfig, rules: ObjectRules, watched: Watched
    ) -> None:
        usual = self._found(sample, View.of(camera.detect), rules)
        size = {"size": self._side, "overlap": _CLOSE_OVERLAP}
        close = camera.detect.model_validate({"tiles": size}).tiles
        closely = camera.detect.model_copy(update={"tiles": close})
        found = self._found(sample, View.of(closely), rules)
        watched.xyxy_px.append(found.xyxy_px)
        labels = self._detector.labels
        for class_id in found.class_id.tolist():
            label = labels[class_id]
            watched.labels[label] = watched.labels.get(label, 0) + 1
        if len(found):
            known = iou(found.xyxy_px, usual.xyxy_px).max(axis=1, initial=0.0)
            watched.missed += int((known < SAME_IOU).sum())

    def _found(self, sample: Sample, view: View, rules: ObjectRules) -> Detections:
        layout = view.layout(sample.wh, side=self._side, most_rows=MOST_ROWS)
        rows = [sample.scale(part) for part in layout.parts]
        return rules.apply(answer(self._detector, rows), sample.wh)
