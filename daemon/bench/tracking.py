"""`vedette bench tracking`: how well objects keep their numbers on invented streets, what a picture
costs by the number of boxes, and what 32 cameras cost.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import numpy as np

from config.zones import LineConfig, TrackingConfig, ZoneConfig
from daemon.bench.ids import Verdict, numbering, verdict
from daemon.bench.worlds import LABELS, SIZE, Habits, Look, street, watched
from daemon.console import say_json, say_text
from daemon.tracking.tracker import Tracker
from daemon.tracking.tuning import Tuning
from daemon.tracking.watcher import Watcher
from detector.detections import Detections

RATES = (30.0, 10.0, 5.0, 2.0)
MISSES = (0.08, 0.2)
BOXES = (0, 1, 3, 6, 12, 20, 50)
CAMERAS, CAMERA_FPS, CAMERA_BOXES = 32, 10.0, 12
STRONG = 0.4

ZONE = ZoneConfig.model_validate({"area": [[0.1, 0.4], [0.9, 0.4], [0.9, 1], [0.1, 1]]})
LINE = LineConfig.model_validate({"from": [0.1, 0.6], "to": [0.9, 0.6]})


def add_parser(benches: Any) -> None:
    parser = benches.add_parser("tracking", help="numbers that stay, and what they cost")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="of each street")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="streets for each row")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    figures = {
        "streets": [
            row_of(fps, misses, range(args.seeds), args.seconds)
            for fps in RATES
            for misses in MISSES
        ],
        "ms_per_picture": {str(boxes): round(picture_ms(boxes), 3) for boxes in BOXES},
        "cores_of_32_cameras": round(cameras_cores(), 3),
        "reference_us": round(reference_us(), 2),
    }
    if args.json:
        say_json(figures)
    else:
        say_text(table(figures))
    return 0


def looks_of(fps: float, misses: float, seed: int, seconds: float) -> list[Look]:
    """One invented street, as a camera of that rate and a detector that misses so much see it."""
    objects = street(seed, seconds=seconds)
    return list(watched(objects, Habits(fps=fps, misses=misses), seed, seconds=seconds))


def row_of(fps: float, misses: float, seeds: Sequence[int], seconds: float) -> dict[str, float]:
    """Means over the streets of these seeds."""
    verdicts = [verdict(numbering(looks_of(fps, misses, seed, seconds))) for seed in seeds]
    return {"fps": fps, "misses": misses, **means(verdicts)}


def means(verdicts: Sequence[Verdict]) -> dict[str, float]:
    return {
        "switches": round(mean(one.switches for one in verdicts), 1),
        "idf1": round(mean(one.idf1 for one in verdicts), 3),
        "coverage": round(mean(one.coverage for one in verdicts), 3),
        "numbers_per_object": round(mean(one.numbers for one in verdicts), 2),
    }


def picture_ms(boxes: int, pictures: int = 200) -> float:
    """Of the tracker alone: the best of three medians, as other programs only ever add."""
    scene = _scene(boxes, pictures)
    return min(_median_ms(scene) for _ in range(3))


def cameras_cores(seconds: float = 10.0) -> float:
    """CPU time per second of tracking, a zone and a line at each of 32 cameras."""
    pictures = int(seconds * CAMERA_FPS)
    scenes = [_scene(CAMERA_BOXES, pictures, seed) for seed in range(4)]
    watchers = [
        Watcher(LABELS, TrackingConfig(), {"yard": ZONE}, {"door": LINE}) for _ in range(CAMERAS)
    ]
    started_s = time.process_time()
    for n in range(pictures):
        at_s = n / CAMERA_FPS
        for camera, watcher in enumerate(watchers):
            found = scenes[camera % len(scenes)][n]
            watcher.look(found, found.score >= STRONG, at_s=at_s, at_ns=int(at_s * 1e9), size=SIZE)
    return (time.process_time() - started_s) / seconds


def reference_us(times: int = 20_000) -> float:
    """One multiplication of a small array: how fast this machine is, as busy as it is. On a quiet
    one it is about half a microsecond; a picture of three boxes costs as much as some 40 of them.
    """
    numbers = np.ones((CAMERA_BOXES, 4))
    started_s = time.perf_counter()
    for _ in range(times):
        np.multiply(numbers, 2.0)
    return (time.perf_counter() - started_s) / times * 1e6


def table(figures: dict[str, Any]) -> str:
    """For a terminal."""
    lines = ["fps  misses  switches   IDF1  coverage  numbers per object"]
    for row in figures["streets"]:
        lines.append(
            f"{row['fps']:>3.0f}{row['misses']:>8.2f}{row['switches']:>10.1f}{row['idf1']:>7.3f}"
            f"{row['coverage']:>10.3f}{row['numbers_per_object']:>20.2f}"
        )
    lines += [
        f"{boxes:>3} boxes  {ms:.3f} ms a picture"
        for boxes, ms in figures["ms_per_picture"].items()
    ]
    cores = figures["cores_of_32_cameras"]
    lines.append(
        f"{CAMERAS} cameras × {CAMERA_FPS:.0f} fps × {CAMERA_BOXES} boxes, with a zone and a line"
        f" each: {cores:.3f} of a core"
    )
    lines.append(f"reference: {figures['reference_us']:.2f} µs for one small NumPy multiplication")
    return "\n".join(lines)


def _median_ms(scene: Sequence[Detections]) -> float:
    tracker = Tracker(LABELS, Tuning())
    took_ms = []
    for n, found in enumerate(scene):
        strong = found.score >= STRONG
        started_s = time.perf_counter()
        tracker.update(found, strong, n / CAMERA_FPS, size_wh=SIZE)
        took_ms.append((time.perf_counter() - started_s) * 1e3)
    return median(took_ms)


def _scene(boxes: int, pictures: int, seed: int = 0) -> list[Detections]:
    """So many people who walk about, a tenth of them missed and a fifth weak in each picture."""
    rng = np.random.default_rng(seed)
    size = np.array([32.0, 80.0])
    start, speed = rng.uniform((60, 100), (1220, 660), (boxes, 2)), rng.normal(0, 15, (boxes, 2))
    scene = []
    for n in range(pictures):
        middle = start + 60 * np.sin(speed * n / CAMERA_FPS / 60)
        middle = middle + rng.normal(0, 1.5, (boxes, 2))
        there = rng.random(boxes) > 0.1
        score = np.where(rng.random(boxes) < 0.2, 0.25, 0.8)[there].astype(np.float32)
        xyxy = np.concatenate([middle - size / 2, middle + size / 2], axis=1)[there]
        order = np.argsort(-score)
        label = np.zeros(len(score), np.int32)
        scene.append(Detections(xyxy[order].astype(np.float32), score[order], label))
    return scene
