"""`vedette try CONFIG --camera NAME --video FILE`: what a camera's rules, zones and lines would
have told of a recorded video, as fast as it can be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.camera import CameraConfig
from config.errors import ConfigError
from config.hints import did_you_mean
from config.loader import Loaded, load
from config.urls import redacted
from daemon.answers.events import Sender, count_message, event_message
from daemon.commands.event_words import in_words
from daemon.console import complain, complain_of, say, say_json_text
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_OK, EXIT_USAGE
from daemon.reload.labels import check_labels
from daemon.reload.model import BuildDetector, detector_spec
from daemon.seats.rules import CameraRules, lowest_scores, weakest_share
from daemon.seats.view import View, Wh
from daemon.tracking.happenings import Counts, Happening
from daemon.tracking.watch import Watch
from detector.api import Detector, InferenceError, ModelError
from detector.detections import Detections
from detector.letterbox import Rect
from sinks.messages import json_line

if TYPE_CHECKING:
    from daemon.offline.shots import Shot

BATCH = 8
SENDER = Sender(epoch="try", node="try")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "try",
        help="try a camera's rules, zones and lines on a recorded video",
        description="Reads FILE as if it came from the camera, at its detect.fps, and prints what"
        " happens with the time in the video, then the counts. Nothing is published or recorded.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    parser.add_argument("--camera", required=True, metavar="NAME", help="whose rules to try")
    parser.add_argument("--video", required=True, type=Path, metavar="FILE", help="the recording")
    parser.add_argument(
        "--json", action="store_true", help="print events and counts as JSON lines, as published"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, build: BuildDetector | None = None) -> int:
    """Exit code 0; 1 for a video that cannot be read; 2 for a camera that is not there; 69 without
    a model; 78 for a file with faults.
    """
    from daemon.offline.shots import UnreadableError, video_facts

    try:
        loaded = load(args.config)
        camera = loaded.config.cameras.get(args.camera)
        if camera is None:
            hint = did_you_mean(args.camera, loaded.config.cameras)
            return _fail(f"--camera {args.camera}: is not in {args.config}{hint}", EXIT_USAGE)
        video_facts(args.video)  # before a model is built for nothing
        detector = _built(loaded, camera, build)
        check_labels(loaded, detector.labels)
        _rehearse(Rehearsal(args.camera, camera, loaded, detector), args)
    except ConfigError as error:
        return complain_of(error)
    except ModelError as error:
        return _fail(str(error), EXIT_NO_MODEL)
    except (UnreadableError, InferenceError) as error:
        return _fail(f"{args.video}: {error}", EXIT_FAILED)
    return EXIT_OK


class Rehearsal:
    """One camera's rules and watch, told of the pictures of a video. `captured_ns` and all times of
    what it tells are nanoseconds from the video's beginning.
    """

    def __init__(self, name: str, camera: CameraConfig, loaded: Loaded, detector: Detector) -> None:
        self.name = name
        self.fps = camera.detect.fps
        self._view = View.of(camera.detect)
        self.detector = detector
        self._watch = Watch(camera)
        rules = CameraRules(camera, score_threshold=loaded.config.model.score_threshold)
        self._rules = rules.of(detector.labels, detector.thresholds)
        self.pictures = 0

    def parts_of(self, wh: Wh) -> Sequence[Rect | None]:
        """What the detector is shown of a picture of this size; with `tiles: auto` as much as a
        batch holds, as nothing else wants the detector.
        """
        spec = self.detector.input_spec
        side, most = max(spec.height, spec.width), self.detector.buckets[-1]
        return self._view.layout(wh, side=side, most_rows=most).parts

    def look(self, shot: Shot, found: Detections) -> Iterable[Happening]:
        self.pictures += 1
        size, at_s = shot.wh, shot.pts_s or 0.0
        found, certain = self._rules.sift(found, size)
        at_ns = round(at_s * 1e9)
        labels = self.detector.labels
        return self._watch.look(
            found, certain, labels, at_s=at_s, at_ns=at_ns, size=size
        ).happenings

    def end(self) -> tuple[Iterable[Happening], Counts | None]:
        """Lives that the end of the video interrupts, and the counts of a moment before."""
        counts = self._watch.due_counts(float("inf"))
        self._watch.end_all()
        return self._watch.pass_time(0.0), counts


def _rehearse(rehearsal: Rehearsal, args: argparse.Namespace) -> None:
    numbered = 0
    for happening in _happenings(rehearsal, args.video):
        if isinstance(happening, Counts):
            message = count_message(happening, SENDER, args.camera, 0)
            line, words = json_line(message), _summary(happening)
        else:
            numbered += 1
            event = event_message(happening, SENDER, args.camera, numbered)
            line, words = json_line(event), f"{_clock(event.at_ns)} {in_words(event)}"
        if args.json:
            say_json_text(line.decode().rstrip())
        else:
            say(words)
    complain(f"{args.video.name}: answered {rehearsal.pictures}, events {numbered}")


def _happenings(rehearsal: Rehearsal, video: Path) -> Iterator[Happening | Counts]:
    from daemon.offline.batches import answered
    from daemon.offline.shots import read_video

    spec, parts_of = rehearsal.detector.input_spec, rehearsal.parts_of
    shots = read_video(video, spec, fps=rehearsal.fps, parts_of=parts_of)
    with closing(answered(rehearsal.detector, shots)) as answers:
        for shot, found in answers:
            yield from rehearsal.look(shot, found)
    happened, counts = rehearsal.end()
    yield from happened
    if counts is not None:
        yield counts


def _built(loaded: Loaded, camera: CameraConfig, build: BuildDetector | None) -> Detector:
    from detector.build import build_detector

    spec = detector_spec(
        loaded.config.model,
        max_batch=max(BATCH, loaded.config.batching.max_batch),
        min_scores=lowest_scores([camera]),
        weak=weakest_share([camera]),
    )
    detector = (build or build_detector)(spec)
    detector.warm_up()
    return detector


def _summary(counts: Counts) -> str:
    """As in `in the end: person 3; yard: person 1; door: person in 2, out 1`."""
    parts = [_numbers(counts.present) or "nothing"]
    parts += [f"{zone}: {_numbers(of) or 'nothing'}" for zone, of in counts.zones.items()]
    for line, labels in counts.lines.items():
        ways = [f"{label} {_numbers(of)}" for label, of in labels.items()]
        parts.append(f"{line}: {', '.join(ways) or 'nobody crossed'}")
    return "in the end: " + "; ".join(parts)


def _numbers(of: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(of.items()))


def _clock(at_ns: int) -> str:
    minutes, seconds = divmod(at_ns / 1e9, 60)
    return f"{int(minutes):02d}:{seconds:05.2f}"


def _fail(message: str, code: int) -> int:
    complain(redacted(message))
    return code
