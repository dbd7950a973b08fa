"""`vedette tune CONFIG`: how large objects are for the detector, and what would find more of them.

Looks and proposes; the file is never changed.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.camera import CameraConfig, FileConfig
from config.errors import ConfigError
from config.hints import did_you_mean
from config.loader import Loaded, load
from config.urls import redacted
from daemon.arguments import seconds
from daemon.console import complain, complain_of, say, say_json
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_OK, EXIT_USAGE
from daemon.reload.labels import check_labels
from daemon.reload.model import BuildDetector, detector_spec
from daemon.seats.rules import CameraRules, lowest_scores
from detector.api import Detector, InferenceError, ModelError

if TYPE_CHECKING:
    from daemon.capture.sample import OpenSource
    from daemon.offline.sizing import Advice, Choice
    from daemon.offline.watching import Watched

_LONGEST_S = 3600.0
_RUNS = 3  # of the largest batch, to learn how fast the detector is
_WAYS = 3  # that are told


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "tune",
        help="how large objects are, and what input, crop or tiles help",
        description="Looks at each camera of CONFIG for a while, as it is configured and as closely"
        " as can be, and says how large objects are in the detector's input, how many are too small"
        " in it, and what would help at which cost. The file is never changed.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    parser.add_argument(
        "--camera", action="append", metavar="NAME", help="this one only; may be given again"
    )
    parser.add_argument(
        "--video", type=Path, metavar="FILE", help="a recording, in place of the camera's stream"
    )
    parser.add_argument(
        "--seconds",
        type=seconds(_LONGEST_S),
        default=60.0,
        metavar="S",
        help="for each camera (default: 60)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(
    args: argparse.Namespace,
    build: BuildDetector | None = None,
    open_source: OpenSource | None = None,
) -> int:
    """Exit code 0; 1 where a camera gives no picture; 2 for options that cannot be meant; 69
    without a model; 78 for a file with faults.
    """
    try:
        loaded = load(args.config)
        cameras = _chosen(args, loaded)
        detector = _built(loaded, cameras, build)
        check_labels(loaded, detector.labels)
        return _tune(args, loaded, cameras, detector, open_source)
    except ConfigError as error:
        return complain_of(error)
    except _UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except ModelError as error:
        return _fail(str(error), EXIT_NO_MODEL)
    except InferenceError as error:
        return _fail(str(error), EXIT_FAILED)


class _UsageError(Exception):
    """One line."""


def _chosen(args: argparse.Namespace, loaded: Loaded) -> dict[str, CameraConfig]:
    known = loaded.config.cameras
    for name in args.camera or ():
        if name not in known:
            hint = did_you_mean(name, known)
            msg = f"--camera {name}: is not in {args.config}{hint}"
            raise _UsageError(msg)
    names = args.camera or [name for name, camera in known.items() if camera.enabled]
    cameras = {name: known[name] for name in names}
    if args.video is None:
        return cameras
    if len(cameras) != 1:
        raise _UsageError("--video: say with --camera whose recording it is")
    if not args.video.is_file():
        msg = f"--video {args.video}: is no file"
        raise _UsageError(msg)
    ((name, camera),) = cameras.items()
    played = {
        "url": f"file:{args.video.absolute()}",
        "file": FileConfig(loop=False, realtime=False),
    }
    return {name: camera.model_copy(update=played)}


def _tune(
    args: argparse.Namespace,
    loaded: Loaded,
    cameras: Mapping[str, CameraConfig],
    detector: Detector,
    open_source: OpenSource | None,
) -> int:
    from daemon.capture.errors import CaptureError
    from daemon.capture.source import open_source as open_by_url
    from daemon.clock import SystemClock
    from daemon.offline.watching import Watcher

    pictures_per_s = _speed(detector)
    watcher = Watcher(detector, SystemClock(), threading.Event().wait)
    threshold = loaded.config.model.score_threshold
    told: dict[str, object] = {}
    code = EXIT_OK
    for name, camera in cameras.items():
        if sys.stderr.isatty() and not args.json:
            complain(f"{name}: looking for {args.seconds:g} s …")
        rules = CameraRules(camera, score_threshold=threshold)
        try:
            watched = watcher.watch(
                camera,
                rules.of(detector.labels, detector.thresholds),
                seconds=args.seconds,
                open_source=open_source or open_by_url,
            )
        except CaptureError as error:
            complain(redacted(f"{name}: gives no picture: {error}"))
            told[name] = {"error": error.kind}
            code = EXIT_FAILED
            continue
        told[name] = _report(name, camera, watched, detector, pictures_per_s, args)
    if args.json:
        side = detector.input_spec.width
        whole = {"model": detector.name, "input_size": side, "pictures_per_s": pictures_per_s}
        say_json({**whole, "cameras": told})
    return code


def _report(
    name: str,
    camera: CameraConfig,
    watched: Watched,
    detector: Detector,
    pictures_per_s: float,
    args: argparse.Namespace,
) -> object:
    from daemon.offline.sizing import Seen, advise
    from daemon.offline.watching import boxes_of

    advice = None
    if watched.objects:
        seen = Seen(watched.wh, boxes_of(watched))
        most = detector.buckets[-1]
        advice = advise(seen, camera.detect, detector.input_spec, most_rows=most)
    if not args.json:
        for line in _lines(name, camera, watched, advice, pictures_per_s):
            say(line)
    return _as_json(camera, watched, advice, pictures_per_s)


def _lines(
    name: str,
    camera: CameraConfig,
    watched: Watched,
    advice: Advice | None,
    pictures_per_s: float,
) -> list[str]:
    width, height = watched.wh
    labels = ", ".join(f"{label} {n}" for label, n in sorted(watched.labels.items()))
    head = f"{name}: {watched.pictures} pictures of {width}x{height}"
    if advice is None:
        return [f"{head}, no objects: nothing to propose"]
    tenth, median = advice.present.heights_px
    many = f"{watched.objects} objects ({labels})"
    now = (
        f"  now: half are less than {median:.0f} px high in the detector's input, one in ten less"
        f" than {tenth:.0f} px; {advice.present.small_share:.0%} have less than 20 px"
    )
    lines = [f"{head}, {many}, {watched.missed} of them only when looked at closely", now]
    if not advice.ways:
        return [*lines, "  nothing need be done"]
    for n, way in enumerate(advice.ways[:_WAYS]):
        word = "proposal" if n == 0 else "or"
        cost = f"{way.rows * camera.detect.fps:.0f} of {pictures_per_s:.0f} pictures a second"
        lines.append(
            f"  {word}: {_yaml(way.fields)}: {way.enlarged:.1f} times larger,"
            f" {way.small_share:.0%} below 20 px; costs {cost}"
        )
    return lines


def _yaml(fields: Mapping[str, object]) -> str:
    """In flow style, as it may be pasted."""

    def text(value: object) -> str:
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{key}: {text(each)}" for key, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(f"{each:g}" for each in value) + "]"
        return str(value)

    return ", ".join(f"{key}: {text(value)}" for key, value in fields.items())


def _as_json(
    camera: CameraConfig, watched: Watched, advice: Advice | None, pictures_per_s: float
) -> dict[str, object]:
    def choice(way: Choice) -> dict[str, object]:
        tenth, median = way.heights_px
        return {
            "fields": way.fields,
            "rows": round(way.rows, 2),
            "enlarged": round(way.enlarged, 2),
            "share_below_20_px": round(way.small_share, 4),
            "height_px": {"tenth": round(tenth, 1), "median": round(median, 1)},
            "pictures_per_s": round(way.rows * camera.detect.fps, 1),
            "share_of_detector": round(way.rows * camera.detect.fps / pictures_per_s, 3),
        }

    return {
        "pictures": watched.pictures,
        "size": watched.wh,
        "objects": watched.labels,
        "missed": watched.missed,
        "now": choice(advice.present) if advice else None,
        "proposals": [choice(way) for way in advice.ways] if advice else [],
    }


def _speed(detector: Detector) -> float:
    """Pictures a second in the largest batch."""
    import numpy as np

    spec, most = detector.input_spec, detector.buckets[-1]
    pixels = np.zeros((most, spec.height, spec.width, 3), np.uint8)
    best_s = float("inf")
    for _ in range(_RUNS):
        started_s = time.perf_counter()
        detector.detect(pixels, [])
        best_s = min(best_s, time.perf_counter() - started_s)
    return most / max(best_s, 1e-6)


def _built(
    loaded: Loaded, cameras: Mapping[str, CameraConfig], build: BuildDetector | None
) -> Detector:
    from detector.build import build_detector

    config = loaded.config
    spec = detector_spec(
        config.model,
        max_batch=config.batching.max_batch,
        min_scores=lowest_scores(cameras.values()),
    )
    detector = (build or build_detector)(spec)
    detector.warm_up()
    return detector


def _fail(message: str, code: int) -> int:
    complain(redacted(message))
    return code
