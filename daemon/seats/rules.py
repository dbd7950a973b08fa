"""Which of a camera's detections are worth a message: labels, scores, sizes, shapes, region.

Pure; used by the results thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from config.camera import CameraConfig
from config.objects import ObjectFilter
from daemon.tracking.polygon import Area
from detector.detections import Detections

FloatArray = npt.NDArray[np.float32]

# Of the score that a box is reported from: enough for one of an object that is known.
WEAK = 0.25

# Boxes are clipped to the picture, so feet may stand on its lower edge: that is still inside.
_WITHIN = np.nextafter(np.float32(1), np.float32(0))


class ObjectRules:
    """One camera's `objects` and `detect.roi`, as arrays indexed by class id.

    `thresholds`, by class id, hold for labels without a `min_score` of their own. Labels that the
    model does not have are ignored here: whoever loads the model reports them.
    """

    def __init__(
        self, camera: CameraConfig, labels: Sequence[str], *, thresholds: Sequence[float]
    ) -> None:
        filters = [camera.objects.filters.get(label, ObjectFilter()) for label in labels]
        chosen = camera.objects.labels
        reported = [chosen is None or label in chosen for label in labels]
        min_score = np.array(
            [
                np.inf if not wanted else threshold if f.min_score is None else f.min_score
                for wanted, f, threshold in zip(reported, filters, thresholds, strict=True)
            ],
            np.float32,
        )
        self._min_score: list[float] = min_score.tolist()
        self._area = np.array([(f.min_area, f.max_area) for f in filters], np.float32)
        self._ratio = np.array([(f.min_ratio, f.max_ratio) for f in filters], np.float32)
        self._shaped = any(
            f.model_copy(update={"min_score": None}) != ObjectFilter() for f in filters
        )
        roi = camera.detect.roi
        self._roi = Area(np.array(roi, np.float32)) if roi else None

    def apply(self, found: Detections, source_wh: tuple[int, int]) -> Detections:
        """What is left of `found`, in its order."""
        kept, certain = self.sift(found, source_wh, weak=1.0)
        return kept if certain.all() else kept.where(certain)

    def sift(
        self, found: Detections, source_wh: tuple[int, int], *, weak: float = WEAK
    ) -> tuple[Detections, npt.NDArray[np.bool_]]:
        """What may belong to an object, and which of it [N] is certain enough to be reported; the
        rest has at least `weak` of the score that would take.
        """
        # Numbers, as looking up in an array by an array would give the interpreter away.
        scores = found.score.tolist()
        least = [self._min_score[class_id] for class_id in found.class_id.tolist()]
        keep = [score >= enough * weak for score, enough in zip(scores, least, strict=True)]
        if keep and (self._shaped or self._roi is not None):
            fits = self._fit(found, np.array(source_wh, np.float32)).tolist()
            keep = [likely and fit for likely, fit in zip(keep, fits, strict=True)]
        certain = [score >= enough for score, enough in zip(scores, least, strict=True)]
        if all(keep):
            return found, np.array(certain, np.bool_)
        certain = list(compress(certain, keep))
        return found.where(np.array(keep, np.bool_)), np.array(certain, np.bool_)

    def _fit(self, found: Detections, size: FloatArray) -> npt.NDArray[np.bool_]:
        """Which have a shape that is asked for, and stand in the region."""
        fits = np.ones(len(found), np.bool_)
        if self._shaped:
            fits &= self._has_shape(found, size)
        if self._roi is not None:
            x1, _, x2, y2 = found.xyxy_px.T
            feet = (np.stack([(x1 + x2) / 2, y2], axis=1) / size).astype(np.float32)
            fits &= self._roi.has(np.minimum(feet, _WITHIN))
        return fits

    def _has_shape(self, found: Detections, size: FloatArray) -> npt.NDArray[np.bool_]:
        width, height = (found.xyxy_px[:, 2:] - found.xyxy_px[:, :2]).T
        area = width * height / size.prod()
        ratio = width / np.maximum(height, np.float32(1e-6))
        least_area, most_area = self._area[found.class_id].T
        least_ratio, most_ratio = self._ratio[found.class_id].T
        fits: npt.NDArray[np.bool_] = (
            (area >= least_area)
            & (area <= most_area)
            & (ratio >= least_ratio)
            & (ratio <= most_ratio)
        )
        return fits


class CameraRules:
    """A camera's rules for whichever model answers. Results thread only.

    `score_threshold` takes the place of the model's thresholds, where there is one.
    """

    def __init__(self, camera: CameraConfig, *, score_threshold: float | None) -> None:
        self._camera = camera
        self._score_threshold = score_threshold
        self._model: tuple[tuple[str, ...], tuple[float, ...]] = ((), ())
        self._rules = ObjectRules(camera, (), thresholds=())

    def of(self, labels: tuple[str, ...], thresholds: tuple[float, ...]) -> ObjectRules:
        """For a model with these labels and thresholds; kept until another one asks."""
        if (labels, thresholds) != self._model:
            self._model = labels, thresholds
            stated = self._score_threshold
            usual = thresholds if stated is None else (stated,) * len(labels)
            self._rules = ObjectRules(self._camera, labels, thresholds=usual)
        return self._rules


def lowest_scores(cameras: Iterable[CameraConfig]) -> dict[str, float]:
    """From where on some camera wants a label, for those that have a `min_score`: the detector must
    keep as much, so that no camera's filter misses any.
    """
    lowest: dict[str, float] = {}
    for camera in cameras:
        for label, of in camera.objects.filters.items():
            if of.min_score is not None:
                lowest[label] = min(of.min_score, lowest.get(label, of.min_score))
    return lowest


def weakest_share(cameras: Iterable[CameraConfig]) -> float:
    """Of the scores that boxes are reported from: what the detector must keep for who follows
    objects.
    """
    return WEAK if any(camera.tracking.enabled for camera in cameras) else 1.0
