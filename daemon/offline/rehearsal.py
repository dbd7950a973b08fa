"""A camera's rules, zones and lines over a video of which every picture is answered. With a gate
they are tried twice, with it and without: what it leaves out can be counted, and what it misses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from config.camera import CameraConfig
from daemon.offline.gating import GateTrial
from daemon.offline.rows import together
from daemon.seats.rules import CameraRules
from daemon.seats.view import View, Wh
from daemon.tracking.happenings import Counts, Happening
from daemon.tracking.watch import Seen, Watch
from detector.api import Detector
from detector.detections import Detections
from detector.letterbox import Rect

if TYPE_CHECKING:
    from daemon.offline.shots import Shot


class Onlooker:
    """Rules and watch of one camera, shown one picture after the other. Wall clock and all times of
    what it tells are those of the video.
    """

    def __init__(
        self, camera: CameraConfig, detector: Detector, *, score_threshold: float | None
    ) -> None:
        rules = CameraRules(camera, score_threshold=score_threshold)
        self._rules = rules.of(detector.labels, detector.thresholds)
        self._labels = detector.labels
        self._watch = Watch(camera)
        self._newest = Detections.none()

    @property
    def is_restless(self) -> bool:
        """Whether there is an object that must not be left alone; see `Seat.shows_objects`."""
        return self._watch.is_restless if self._watch.enabled else len(self._newest) > 0

    def look(self, found: Detections, wh: Wh, at_s: float) -> Seen:
        found, certain = self._rules.sift(found, wh)
        seen = self._watch.report(
            found, certain, self._labels, at_s=at_s, at_ns=round(at_s * 1e9), size=wh
        )
        self._newest = seen.found
        return seen

    def pass_time(self, at_s: float) -> Sequence[Happening]:
        """There was a picture that it is not shown."""
        return self._watch.pass_time(at_s)

    def end(self) -> tuple[Sequence[Happening], Counts | None]:
        """Lives that the end of the video interrupts, and the counts of a moment before."""
        counts = self._watch.due_counts(float("inf"))
        self._watch.end_all()
        return self._watch.pass_time(0.0), counts


class Rehearsal:
    """One camera's; what it tells is what the camera would have told."""

    def __init__(
        self, camera: CameraConfig, detector: Detector, *, score_threshold: float | None
    ) -> None:
        self._fps = camera.detect.fps
        self.pictures = 0
        self._detector = detector
        self._view = View.of(camera.detect)
        self._plain = Onlooker(camera, detector, score_threshold=score_threshold)
        self.trial: GateTrial | None = None
        if camera.detect.gate.enabled:
            gated = Onlooker(camera, detector, score_threshold=score_threshold)
            self.trial = GateTrial(camera.detect, gated)

    def run(self, video: Path) -> Iterator[Happening | Counts]:
        """What is told of a video, then the counts where there are any; as fast as it goes. Raises
        UnreadableError, InferenceError.
        """
        from daemon.offline.batches import answered_rows
        from daemon.offline.shots import read_video

        shots = read_video(
            video,
            self._detector.input_spec,
            fps=self._fps,
            parts_of=self.parts_of,
            grey=self.trial is not None,
        )
        with closing(answered_rows(self._detector, shots)) as answers:
            for shot, found in answers:
                yield from self.look(shot, found)
        happened, counts = self.end()
        yield from happened
        if counts is not None:
            yield counts

    def parts_of(self, wh: Wh) -> Sequence[Rect | None]:
        """What the detector is shown of a picture of this size; with `tiles: auto` as much as a
        batch holds, as nothing else wants the detector.
        """
        spec = self._detector.input_spec
        side, most = max(spec.height, spec.width), self._detector.buckets[-1]
        return self._view.layout(wh, side=side, most_rows=most).parts

    def look(self, shot: Shot, answers: Sequence[Detections]) -> Iterable[Happening]:
        """A picture, and what is in each of its rows."""
        self.pictures += 1
        labels = self._detector.labels
        plain = self._plain.look(together(labels, shot.rows, answers), shot.wh, shot.pts_s or 0.0)
        if self.trial is None:
            return plain.happenings

        parts = self.parts_of(shot.wh)

        def looked_at(worth: Sequence[Rect | None]) -> Detections:
            some = [part in worth for part in parts]
            rows, found = list(compress(shot.rows, some)), list(compress(answers, some))
            return together(labels, rows, found)

        return self.trial.look(shot, plain, parts, looked_at)

    def end(self) -> tuple[Iterable[Happening], Counts | None]:
        """See `Onlooker.end`."""
        happened, counts = self._plain.end()
        return (happened, counts) if self.trial is None else self.trial.end(happened)
