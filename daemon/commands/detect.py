"""`vedette detect`: annotated copies of pictures and videos, and what was found in them as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from tqdm import tqdm

from config.errors import printable
from config.schema import ModelConfig
from config.urls import redacted
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE
from daemon.reload.model import BuildDetector, detector_spec
from daemon.seats.rules import WEAK
from detector.api import Detector, InferenceError, ModelError

if TYPE_CHECKING:  # PyAV and OpenCV are loaded when there is work for them
    from daemon.offline.following import Following
    from daemon.offline.jobs import Job
    from daemon.offline.outputs import Model, Writer
    from daemon.offline.shots import Shot


def add_parser(subparsers: Any) -> None:
    usual = ModelConfig()
    parser = subparsers.add_parser(
        "detect",
        help="run the detector on pictures or a video",
        description="Writes for every image an annotated copy and NAME.json, for every video an"
        " annotated NAME.mp4 and NAME.jsonl with one line per frame.",
    )
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", type=Path, help="image, folder, video"
    )
    parser.add_argument("-o", "--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--model", default=usual.name, help=f"default: {usual.name}")
    parser.add_argument("--weights", default=usual.weights, help="bundled, or a .safetensors file")
    parser.add_argument(
        "--score-threshold", type=float, metavar="S",
        help="of every label; default: as the weights say, or 0.4",
    )  # fmt: skip
    parser.add_argument("--input-size", type=int, metavar="N", help="side of the network's input")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="default: 8")
    parser.add_argument("--precision", default=usual.precision, metavar="P", help="default: auto")
    parser.add_argument(
        "--track",
        action="store_true",
        help="follow objects through a video: numbers drawn and in the lines, and NAME.mot.txt",
    )
    parser.add_argument(
        "--fps", type=float, metavar="F", help="of a video take no more frames a second than this"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, build: BuildDetector | None = None) -> int:
    """Exit code 0; 1 if a file failed; 2 for inputs that cannot be meant; 69 without a model."""
    from daemon.offline.jobs import UsageError, plan

    try:
        wanted = _model_config(args)
        jobs = plan(args.inputs, args.out)
    except UsageError as error:
        return _fail(error, EXIT_USAGE)
    try:
        weak = WEAK if args.track else 1.0
        largest = _largest_batch(args.batch, jobs)
        detector = _build(wanted, largest, build or _real_build(), weak=weak)
    except ModelError as error:
        return _fail(error, EXIT_NO_MODEL)
    failed = Run(detector, Options.of(args)).all(jobs)
    return EXIT_FAILED if failed else 0


@dataclass(frozen=True, slots=True)
class Options:
    """What is wanted of each video, and how much is said."""

    quiet: bool = False
    track: bool = False
    fps: float | None = None
    score_threshold: float | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> Options:
        return cls(args.quiet, args.track, args.fps, args.score_threshold)


class Run:
    """One pass over all jobs; keeps count of what failed."""

    def __init__(self, detector: Detector, options: Options) -> None:
        self._detector = detector
        self._options = options
        self._quiet = options.quiet
        self._failed = 0

    def all(self, jobs: Sequence[Job]) -> int:
        """How many files failed; each was reported on standard error."""
        for are_images, group in groupby(jobs, key=lambda job: job.is_image):
            if are_images:
                self._images(list(group))
            else:
                for job in group:
                    self._video(job)
        return self._failed

    def _images(self, jobs: Sequence[Job]) -> None:
        from daemon.offline.outputs import ImageWriter

        what = f"{len(jobs)} images" if len(jobs) > 1 else jobs[0].source.name
        writer = ImageWriter(jobs, self._model)
        self._process(self._readable(jobs), writer, what=what, total=len(jobs), source=None)

    def _video(self, job: Job) -> None:
        from daemon.offline.outputs import VideoWriter
        from daemon.offline.shots import UnreadableError, read_video, video_facts

        try:
            facts = video_facts(job.source)
        except UnreadableError as error:
            self._report(job.source, error)
            return
        fps = self._options.fps
        self._process(
            read_video(job.source, self._detector.input_spec, fps=fps),
            VideoWriter(job, facts.fps, self._model, self._following()),
            what=job.source.name,
            total=(facts.frames if fps is None else 0) or None,
            source=job.source,
        )

    def _process(
        self,
        shots: Iterator[Shot],
        writer: Writer,
        *,
        what: str,
        total: int | None,
        source: Path | None,
    ) -> None:
        from daemon.offline.batches import process
        from daemon.offline.outputs import WriteError
        from daemon.offline.shots import UnreadableError

        unit = " images" if source is None else " frames"
        hidden = True if self._quiet else None  # None: shown on a terminal only
        bar = tqdm(total=total, desc=printable(what), unit=unit, disable=hidden, file=sys.stderr)
        pictures = objects = 0
        try:
            with bar, writer, closing(process(self._detector, shots, writer)) as answers:
                for found in answers:
                    pictures += 1
                    objects += len(found)
                    bar.update()
        except (UnreadableError, WriteError, InferenceError) as error:
            self._report(source, error)
        if not self._quiet:
            say(f"{what}: answered {pictures}, objects {objects}")

    def _readable(self, jobs: Sequence[Job]) -> Iterator[Shot]:
        """Pictures of the images that can be decoded; runs in the reading thread."""
        from daemon.offline.shots import UnreadableError, read_image

        for job in jobs:
            try:
                yield read_image(job.source, self._detector.input_spec)
            except UnreadableError as error:
                self._report(job.source, error)

    def _report(self, source: Path | None, error: Exception) -> None:
        self._failed += 1
        with tqdm.external_write_mode(file=sys.stderr):
            complain(f"{source}: {error}" if source else str(error))

    def _following(self) -> Following | None:
        from daemon.offline.following import Following

        if not self._options.track:
            return None
        of, threshold = self._detector, self._options.score_threshold
        return Following(of.labels, of.thresholds, score_threshold=threshold)

    @property
    def _model(self) -> Model:
        from daemon.offline.outputs import Model

        return Model(self._detector.name, self._detector.labels)


def _model_config(args: argparse.Namespace) -> ModelConfig:
    """The options, held to the same bounds as the configuration file. Raises UsageError."""
    from daemon.offline.jobs import UsageError

    if not 1 <= args.batch <= 64:
        raise UsageError("--batch", "must be from 1 to 64")
    if args.fps is not None and not 0 < args.fps <= 240:
        raise UsageError("--fps", "must be more than 0 and at most 240")
    try:
        return ModelConfig(
            name=args.model,
            weights=args.weights,
            input_size=args.input_size,
            precision=args.precision,
            score_threshold=args.score_threshold,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        field = str(fault["loc"][0])
        option = "--model" if field == "name" else "--" + field.replace("_", "-")
        raise UsageError(option, fault["msg"]) from None


def _largest_batch(batch: int, jobs: Sequence[Job]) -> int:
    """No larger than what there is: every size up to it is warmed up first."""
    return min(batch, len(jobs)) if all(job.is_image for job in jobs) else batch


def _real_build() -> BuildDetector:
    from detector.build import build_detector

    return build_detector


def _build(wanted: ModelConfig, max_batch: int, build: BuildDetector, *, weak: float) -> Detector:
    detector = build(detector_spec(wanted, max_batch=max_batch, weak=weak))
    detector.warm_up()
    return detector


def _fail(error: Exception, code: int) -> int:
    complain(redacted(f"vedette detect: {error}"))
    return code
