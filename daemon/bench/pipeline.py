"""`vedette bench pipeline`: N synthetic cameras through the whole daemon into one detector.

The daemon under test is the real one: capture threads, batching, HTTP listener, ZeroMQ socket with
a subscriber in another process. The detector is simulated (a fixed time per batch and per image)
or the real one, whose ceiling is then measured first by running full batches back to back.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from daemon.bench.figures import figures_of, table
from daemon.bench.trial import Load, Trial
from daemon.console import say_text
from daemon.exits import EXIT_FAILED


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "pipeline",
        help="throughput, fairness, latency and cost of everything around the detector",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cameras", type=int, default=32, help="default: 32")
    parser.add_argument("--fps", type=float, default=30.0, help="of each camera; default: 30")
    parser.add_argument("--size", default="1280x720", help="of the pictures; default: 1280x720")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured; default: 20")
    parser.add_argument("--detector", choices=("simulated", "real"), default="simulated")
    parser.add_argument(
        "--precision", default="auto", metavar="P", help="of the real detector; default: auto"
    )
    parser.add_argument(
        "--clip", action="store_true", help="cameras play the demo clip, decoded and in real time"
    )
    parser.add_argument("--batch-ms", type=float, default=2.667, help="simulated, per batch")
    parser.add_argument("--image-ms", type=float, default=3.0, help="simulated, per image")
    parser.add_argument("--max-batch", type=int, default=8, help="default: 8")
    parser.add_argument("--max-delay-ms", type=float, default=10.0, help="default: 10")
    parser.add_argument(
        "--viewers", type=int, default=0, help="who watch a camera each, 16 at most; default: 0"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; exit code 1 if the conservation law did not hold."""
    plan = Load(
        cameras=args.cameras,
        fps=args.fps,
        size=args.size,
        seconds=args.seconds,
        real=args.detector == "real",
        batch_ms=args.batch_ms,
        image_ms=args.image_ms,
        max_batch=args.max_batch,
        max_delay_ms=args.max_delay_ms,
        viewers=args.viewers,
        clip=args.clip,
        precision=args.precision,
    )
    with tempfile.TemporaryDirectory() as folder:
        figures = figures_of(plan, Trial(plan, Path(folder)).run())
    say_text(table(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["conserved"] else EXIT_FAILED
