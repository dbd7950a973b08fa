"""How a configuration's detector is built, checked and warmed up: at the start and for a reload."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.loader import Loaded
from config.schema import ModelConfig
from daemon.clock import Clock
from daemon.reload.labels import check_labels
from daemon.seats.rules import lowest_scores, weakest_share
from detector.api import Detector
from detector.spec import DetectorSpec

log = logging.getLogger(__name__)


BuildDetector = Callable[[DetectorSpec], Detector]  # `detector.build.build_detector`


def detector_spec(
    model: ModelConfig,
    *,
    max_batch: int,
    min_scores: Mapping[str, float] | None = None,
    weak: float = 1.0,
) -> DetectorSpec:
    """The detector that a configuration means; `min_scores` are those of labels that cameras want
    from a lower score, and `weak` is the share of every score that boxes of known objects need.
    """
    return DetectorSpec(
        name=model.name,
        weights=model.weights,
        sha256=model.sha256,
        input_size=model.input_size,
        precision=model.precision,
        score_threshold=model.score_threshold,
        min_scores=min_scores or {},
        weak=weak,
        iou_threshold=model.iou_threshold,
        nms=model.nms,
        max_detections=model.max_detections,
        max_batch=max_batch,
    )


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
    wanted = detector_spec(
        config.model,
        max_batch=config.batching.max_batch,
        min_scores=lowest_scores(config.cameras.values()),
        weak=weakest_share(config.cameras.values()),
    )
    detector = build(wanted)
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
