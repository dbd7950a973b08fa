"""How a configuration's detector is built, checked and warmed up: at the start and for a reload."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from config.loader import Loaded
from daemon.answers.rules import lowest_score
from daemon.clock import Clock
from daemon.reload.labels import check_labels
from detector.api import Detector

log = logging.getLogger(__name__)


class BuildDetector(Protocol):
    """`detector.build.build_detector`, or a stand-in."""

    def __call__(
        self,
        *,
        name: str,
        weights: str,
        sha256: str | None,
        input_size: int | None,
        precision: str,
        score_threshold: float,
        iou_threshold: float,
        nms: Literal["hard", "agnostic", "soft", "soft-agnostic"],
        max_detections: int,
        max_batch: int,
    ) -> Detector: ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A warm detector, and how it came to be."""

    detector: Detector
    loaded_ns: int
    warmup_s: float
    traces: int  # after the warm-up; more of them later is a fault


def load_model(
    loaded: Loaded, build: BuildDetector, clock: Clock, *, advanced: Callable[[], None]
) -> LoadedModel:
    """Build the detector and warm it up; may have a thread of its own.

    `advanced` is called at the beginning and after every step. Raises ModelError; InferenceError
    where it cannot run; ConfigError for labels that it does not know.
    """

    def warmed(bucket: int) -> None:
        log.debug("warm batch=%d", bucket)
        advanced()

    config = loaded.config
    advanced()
    started_s = clock.now_s()
    detector = build(
        name=config.model.name,
        weights=config.model.weights,
        sha256=config.model.sha256,
        input_size=config.model.input_size,
        precision=config.model.precision,
        score_threshold=lowest_score(list(config.cameras.values()), config.model.score_threshold),
        iou_threshold=config.model.iou_threshold,
        nms=config.model.nms,
        max_detections=config.model.max_detections,
        max_batch=config.batching.max_batch,
    )
    check_labels(loaded, detector.labels)
    built_s = clock.now_s()
    advanced()
    detector.warm_up(warmed)
    warm_s = clock.now_s()
    log.info(
        "model ready model=%s precision=%s input=%dx%d labels=%d load_s=%.1f warmup_s=%.1f",
        detector.name,
        detector.precision,
        detector.input_spec.width,
        detector.input_spec.height,
        len(detector.labels),
        built_s - started_s,
        warm_s - built_s,
    )
    return LoadedModel(detector, clock.wall_ns(), warm_s - built_s, detector.trace_count)
