"""`vedette try CONFIG --camera NAME --video FILE`: what a camera's rules, zones and lines would
have told of a recorded video, as fast as it can be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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
from daemon.seats.rules import lowest_scores, weakest_share
from daemon.tracking.happenings import Counts
from detector.api import Detector, InferenceError, ModelError
from sinks.messages import EventMessage, json_line

if TYPE_CHECKING:
    from daemon.offline.gating import GateTrial
    from daemon.offline.rehearsal import Rehearsal

BATCH = 8
SENDER = Sender(epoch="try", node="try")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "try",
        help="try a camera's rules, zones and lines on a recorded video",
        description="Reads FILE as if it came from the camera, at its detect.fps, and prints what"
        " happens with the time in the video, then the counts. With detect.gate also what it would"
        " save, and each event that it would miss. Nothing is published or recorded.",
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
    from daemon.offline.rehearsal import Rehearsal
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
        threshold = loaded.config.model.score_threshold
        _rehearse(Rehearsal(camera, detector, score_threshold=threshold), args)
    except ConfigError as error:
        return complain_of(error)
    except ModelError as error:
        return _fail(str(error), EXIT_NO_MODEL)
    except (UnreadableError, InferenceError) as error:
        return _fail(f"{args.video}: {error}", EXIT_FAILED)
    return EXIT_OK


def _rehearse(rehearsal: Rehearsal, args: argparse.Namespace) -> None:
    numbered = 0
    for happening in rehearsal.run(args.video):
        if isinstance(happening, Counts):
            message = count_message(happening, SENDER, args.camera, 0)
            line, words = json_line(message), _summary(happening)
        else:
            numbered += 1
            event = event_message(happening, SENDER, args.camera, numbered)
            line, words = json_line(event), _in_words(event)
        if args.json:
            say_json_text(line.decode().rstrip())
        else:
            say(words)
    complain(f"{args.video.name}: answered {_answered(rehearsal)}, events {numbered}")
    if rehearsal.trial is not None:
        for words in _of_gate(rehearsal.trial, args.camera):
            complain(words)


def _answered(rehearsal: Rehearsal) -> int:
    return rehearsal.pictures - (rehearsal.trial.savings.left_out if rehearsal.trial else 0)


def _of_gate(trial: GateTrial, camera: str) -> Iterator[str]:
    """What it saves, and each event that it costs."""
    savings, missed = trial.savings, trial.comparison.missed()
    share = savings.left_out / max(1, savings.pictures)
    line = f"gate: left out {savings.left_out} of {savings.pictures} pictures ({share:.0%})"
    if savings.rows > savings.pictures:
        line += f", {1 - savings.run / savings.rows:.0%} of what the detector does with tiles"
    yield f"{line}; looked at {savings.looks} still ones, {savings.news} of them with news"
    late_s = trial.comparison.latest_s()
    late = f", told others up to {late_s:.1f} s later" if late_s else ""
    yield f"gate: missed {len(missed)} of {trial.comparison.events} events{late}"
    for happening in missed:
        yield f"  missed: {_in_words(event_message(happening, SENDER, camera, 0))}"


def _in_words(event: EventMessage) -> str:
    return f"{_clock(event.at_ns)} {in_words(event)}"


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
