"""`vedette bench gate`: what a gate saves and what it misses, on films of which all is known.

Drawn scenes, with a detector that knows who is where and errs a little; then recordings (the
demonstration clip, and what --video names) with the detector itself: whole, in tiles, and by
ninths, as of nine cameras with a crop. Every picture is answered; the camera's rules, with a
line and a zone, are run over all answers and over those that the gate lets through. An event is
missed if it is only told without the gate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from daemon.bench.recording import DEMO, recording
from daemon.console import complain, say, say_text
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from config.camera import CameraConfig
    from daemon.bench.scenes import Box, Scene
    from daemon.offline.rehearsal import Rehearsal
    from detector.api import Detector

FPS = 5.0
_NINTHS = [[x / 3, y / 3, (x + 1) / 3, (y + 1) / 3] for y in range(3) for x in range(3)]
_MAX_BATCH = 16
_TIMED = 60  # pictures of 1080p
_MS = 1e3
_HEAD = (
    "pictures",
    "left out",
    "rows left out",
    "events",
    "missed",
    "late s",
    "looks",
    "with news",
    "overlooked",
)


def add_parser(benches: Any) -> None:
    parser = benches.add_parser(
        "gate",
        help="what a gate leaves out, and what it misses",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--video", type=Path, action="append", default=[], metavar="FILE", help="one more recording"
    )
    parser.add_argument(
        "--drawn", action="store_true", help="drawn scenes alone: no model, half a minute"
    )
    parser.add_argument("--input-size", type=int, help="of the detector; default: its own")
    parser.add_argument("--precision", default="auto", metavar="P", help="default: auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; 1 if an event of a drawn scene is missed, 2 for a recording that
    cannot be read, 69 without a model.
    """
    from daemon.bench.scenes import SCENES
    from daemon.offline.shots import UnreadableError
    from detector.api import ModelError

    figures: dict[str, dict[str, Any]] = {}
    say_text(f"{'':<28}" + "".join(f"{name:>14}" for name in _HEAD))
    try:
        for scene in SCENES:
            _tell(figures, scene.name, drawn(scene))
        missed = sum(len(each["missed"]) for each in figures.values())
        for name, figure in () if args.drawn else _recorded(args):
            _tell(figures, name, figure)
    except UnreadableError as error:
        complain(str(error))
        return EXIT_USAGE
    except ModelError as error:
        complain(str(error))
        return EXIT_NO_MODEL
    cost_ms, decode_ms = _costs_ms()
    say(
        f"a picture of 1080p takes {cost_ms:.2f} ms, {cost_ms / decode_ms:.2f} of decoding it:"
        f" {cost_ms * FPS / 10:.2f} % of a core at 5 fps"
    )
    if args.json:
        whole = {"scenes": figures, "cost_ms": cost_ms, "decode_ms": decode_ms}
        args.json.write_text(json.dumps(whole, indent=2) + "\n")
    return EXIT_FAILED if missed else EXIT_OK


def drawn(scene: Scene) -> dict[str, Any]:
    """Figures of one scene."""
    from daemon.bench.scenes import FPS as DRAWN_FPS

    camera = _camera({"fps": 4 * DRAWN_FPS, "gate": {"enabled": True, **dict(scene.gate)}})
    with TemporaryDirectory() as folder:
        film = Path(folder) / "scene.mp4"
        scene.film(film)
        return _figures(film, camera, _Oracle(scene.boxes()))


def _recorded(args: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    detector = _built(args)
    ways: dict[str, list[dict[str, Any]]] = {
        "": [{}],
        ", tiles": [{"tiles": {"size": detector.input_spec.width}}],
        ", ninths": [{"crop": crop} for crop in _NINTHS],
    }
    for video in (DEMO, *args.video):
        for name, views in ways.items():
            cameras = [_camera({"fps": FPS, "gate": {"enabled": True}, **view}) for view in views]
            yield video.name + name, _sum([_figures(video, each, detector) for each in cameras])


def _camera(detect: dict[str, Any]) -> CameraConfig:
    """With a zone on the right and a line down the middle."""
    from config.camera import CameraConfig

    right = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]
    return CameraConfig.model_validate(
        {
            "url": "synthetic://bench",
            "detect": detect,
            "zones": {"right": {"area": right}},
            "lines": {"middle": {"from": [0.5, 1.0], "to": [0.5, 0.0]}},
        }
    )


def _figures(video: Path, camera: CameraConfig, detector: Detector) -> dict[str, Any]:
    from daemon.offline.rehearsal import Rehearsal

    rehearsal = Rehearsal(camera, detector, score_threshold=None)
    for _ in rehearsal.run(video):
        pass  # what matters is the trial's
    return _of(rehearsal)


def _sum(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of several cameras; what is late is the latest."""
    first, *others = figures
    for other in others:
        for name, value in other.items():
            first[name] = max(first[name], value) if name == "late_s" else first[name] + value
    return first


def _of(rehearsal: Rehearsal) -> dict[str, Any]:
    trial = rehearsal.trial
    if trial is None:
        raise ValueError("a camera without a gate")
    missed = [
        {"at_s": each.at_ns / 1e9, "phase": each.phase, "label": each.of.label, "box": each.of.box}
        for each in trial.comparison.missed()
    ]
    events, late_s = trial.comparison.events, trial.comparison.latest_s()
    return asdict(trial.savings) | {"events": events, "missed": missed, "late_s": late_s}


def _tell(figures: dict[str, dict[str, Any]], name: str, figure: dict[str, Any]) -> None:
    figures[name] = figure
    left_out, pictures, rows = figure["left_out"], figure["pictures"], figure["rows"]
    cells = (
        str(pictures),
        f"{left_out / pictures:.0%}",
        f"{1 - figure['run'] / rows:.0%}",
        str(figure["events"]),
        str(len(figure["missed"])),
        f"{figure['late_s']:.1f}",
        str(figure["looks"]),
        str(figure["news"]),
        f"{figure['overlooked'] / max(1, left_out):.1%}",
    )
    say_text(f"{name:<28}" + "".join(f"{cell:>14}" for cell in cells))


class _Oracle:
    """A detector that is told in advance what is in each picture; see `Detector`."""

    name = "oracle"
    precision = "float32"
    labels = ("person",)
    thresholds = (0.4,)
    weights_sha256 = "0" * 64
    trace_count = 0
    buckets = (1, 2, 4, 8)

    def __init__(self, truth: Iterator[list[Box]]) -> None:
        from detector.letterbox import InputSpec

        self.input_spec = InputSpec(64, 64)
        self._truth = truth

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None: ...

    def detect(self, pixels: Any, letterboxes: Sequence[Any]) -> list[Any]:
        from detector.detections import Detections

        del pixels
        answers = []
        for _ in letterboxes:
            boxes = np.array(next(self._truth), np.float32).reshape(-1, 4)
            score, label = np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int32)
            answers.append(Detections(boxes, score, label))
        return answers


def _built(args: argparse.Namespace) -> Detector:
    from config.schema import ModelConfig
    from daemon.reload.model import detector_spec
    from daemon.seats.rules import WEAK
    from detector.build import build_detector

    model = ModelConfig.model_validate({"precision": args.precision, "input_size": args.input_size})
    spec = detector_spec(model, max_batch=_MAX_BATCH, min_scores={}, weak=WEAK)
    detector = build_detector(spec)
    detector.warm_up()
    return detector


def _costs_ms() -> tuple[float, float]:
    """Of one picture of 1080p: its grey picture and the gate's word on it; decoding it."""
    import av

    from config.gate import GateConfig
    from daemon.capture.appearance import Appearance
    from daemon.capture.gate import ChangeGate
    from daemon.capture.picture import small_luma

    gate, costs = ChangeGate(GateConfig(enabled=True)), []
    with av.open(str(recording())) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = container.decode(video=0)
        for n in range(_TIMED):
            started_s = time.thread_time()
            frame = next(frames)
            seen = Appearance.plain(frame)
            decoded_s = time.thread_time()
            gate.judge(small_luma(frame, seen), n / FPS, alive=False)
            judged_s = time.thread_time()
            costs.append((judged_s - decoded_s, decoded_s - started_s))
    judging, decoding = zip(*costs, strict=True)
    return statistics.median(judging) * _MS, statistics.median(decoding) * _MS
