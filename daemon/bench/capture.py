"""`vedette bench capture`: what reading a stream costs, beside a bare decode of the same file.

bare     PyAV decodes every frame and one kept reformatter scales it: nothing else
whole    our source and intake with nothing capped: pacing, letterbox, books, status
capped   the same with detect.fps far below the stream's rate

CPU time of the one thread that does the work, per frame that arrived. The three are interleaved
and the medians of several rounds compared, so that a busy machine does not favour one of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import Interpolation, VideoReformatter

from config.camera import CameraConfig
from daemon.bench.recording import recording
from daemon.books.accounting import Ledger
from daemon.books.states import Status
from daemon.capture.camera_log import CameraLog
from daemon.capture.intake import Intake
from daemon.capture.source import open_source
from daemon.clock import SystemClock
from daemon.console import say
from daemon.pipeline.frame import Frame
from daemon.seats.counting import Uncounted
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from detector.letterbox import InputSpec, Letterbox

_UNCAPPED_FPS = 120.0
_MS = 1e3


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "capture",
        help="CPU per frame of decoding and scaling, beside a bare decode",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--file", type=Path, help="recording to read; default: a 1080p30 clip made for this"
    )
    parser.add_argument("--fps", type=float, default=5.0, help="the cap; default: 5")
    parser.add_argument("--input-size", type=int, default=448, help="of the detector; default: 448")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write."""
    file = (args.file or recording()).absolute()
    spec = InputSpec(args.input_size, args.input_size)
    ways: dict[str, Callable[[], int]] = {
        "bare": partial(_bare, file, spec),
        "whole": partial(_ours, file, spec, _UNCAPPED_FPS),
        "capped": partial(_ours, file, spec, args.fps),
    }
    figures = _figures(ways, args.rounds)
    say(f"{file.name}, capped at {args.fps:g} fps, {args.rounds} rounds")
    for name in ways:
        say(f"  {name:<8}{figures['cpu_ms_per_frame'][name]:8.3f} ms CPU per frame")
    say(f"  whole / bare    {figures['whole_over_bare']:.3f}")
    say(f"  capped / whole  {figures['capped_over_whole']:.3f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _figures(ways: dict[str, Callable[[], int]], rounds: int) -> dict[str, Any]:
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, read in ways.items():
            started_s = time.thread_time()
            frames = read()
            costs[name].append((time.thread_time() - started_s) * _MS / frames)
    medians = {name: statistics.median(values) for name, values in costs.items()}
    return {
        "cpu_ms_per_frame": medians,
        "rounds_ms_per_frame": costs,
        "whole_over_bare": medians["whole"] / medians["bare"],
        "capped_over_whole": medians["capped"] / medians["whole"],
    }


def _bare(file: Path, spec: InputSpec) -> int:
    reformatter, frames = VideoReformatter(), 0
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            width, height = Letterbox.fit((frame.width, frame.height), spec).scaled_wh
            reformatter.reformat(
                frame, width, height, "rgb24", interpolation=Interpolation.BILINEAR, threads=1
            )
            frames += 1
    return frames


class _Discard:
    """A slot whose frames are taken at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, frame: Frame) -> None:
        self._ledger.captured()
        self._ledger.inferred()

    def wait_until_taken(self, timeout_s: float) -> bool:
        return True


def _ours(file: Path, spec: InputSpec, fps: float) -> int:
    camera = CameraConfig.model_validate(
        {
            "url": file.as_uri(),
            "detect": {"fps": fps},
            "file": {"realtime": False, "loop": False},
        }
    )
    clock, never = SystemClock(), threading.Event()
    seat = Seat(
        "bench",
        camera,
        status=Status("bench", clock),
        rules=CameraRules(camera, score_threshold=0),
        numbers=Numbers(),
        counts=Uncounted(),
    )
    intake = Intake(
        seat,
        input_spec=spec,
        slot=_Discard(seat.ledger),
        camera_log=CameraLog(seat.name, seat.status),
        clock=clock,
    )
    intake.consume(
        lambda spec: open_source(camera, input_spec=spec, clock=clock, pause=never.wait), never
    )
    return seat.ledger.page().captured
