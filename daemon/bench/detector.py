"""`vedette bench detector`: time per picture of a detector, beside plain Keras with its weights.

Frames of the demo clip, from bytes to kept boxes; the score threshold is set such that suppression
has a hundred boxes per picture to decide on. Everyone takes turns, and the
speed-up is the median over all turns, so that a busy machine favours nobody. The stages are timed
one by one for their shares.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from daemon.arguments import batch_sizes, input_size
from daemon.bench.recording import DEMO
from daemon.console import complain, say_text
from daemon.exits import EXIT_NO_MODEL
from detector.api import ModelError
from detector.build import start_tensorflow
from detector.letterbox import InputSpec
from detector.weights.bundled import resolve
from detector.weights.random import save_random

if TYPE_CHECKING:
    from detector.contenders import Contender

_PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
PLAIN_KERAS = "plain_keras"
_EVERY_NTH_FRAME = 10
_HEADING = (
    "batch  precision     ms/image  images/s  over Keras  batch ms p50     p99"
    "   preprocess    forward  postprocess"
)
_MS = 1e3


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "detector",
        help="time per picture, beside a plain Keras model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", default="efficientdet-lite0", metavar="NAME", help="default: efficientdet-lite0"
    )
    parser.add_argument(
        "--weights",
        default="random",
        metavar="W",
        help="bundled, a .safetensors file, or random numbers for 90 classes; default: random",
    )
    parser.add_argument(
        "--input-size", type=input_size, metavar="N", help="default: as the weights say"
    )
    parser.add_argument(
        "--batch", type=batch_sizes, default=[1, 4, 8], metavar="N,…", help="default: 1,4,8"
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=_PRECISIONS,
        default=["auto", "float32"],
        help="default: auto float32; weights that were not measured for int8 are, on the spot",
    )
    parser.add_argument("--rounds", type=int, default=9, help="default: 9")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; exit code 69 where there is no such model."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = _measure(args, Path(folder))
    except ModelError as error:
        complain(f"vedette bench: {error}")
        return EXIT_NO_MODEL
    say_text(table(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    if args.weights == "random":
        weights = folder / "random.safetensors"
        save_random(weights, args.model)
    else:
        weights = resolve(args.model, args.weights)
    start_tensorflow()
    from detector.contenders import line_up

    contenders = line_up(
        args.model,
        weights,
        lambda spec: _street(spec, 4),
        input_size=args.input_size,
        precisions=args.precision,
        max_batch=max(args.batch),
    )
    batches = {}
    for size in args.batch:
        pixels = _street(contenders.input_spec, size)
        times_ms = take_turns(dict(contenders.on(pixels)), _rounds(args.rounds, size))
        batches[str(size)] = figures_of(times_ms, size)
    return {
        "model": args.model,
        "weights": args.weights,
        "input_size": contenders.input_spec.width,
        "rounds": args.rounds,
        "batches": batches,
    }


def _rounds(asked: int, size: int) -> int:
    """More of small batches: single pictures are cheap, and their slowest tells most."""
    return asked * max(1, 8 // size)


def take_turns(contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round, after two that do not count: one prepares, one settles."""
    times_ms: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 2):
        for name, answer in contenders.items():
            started_s = time.perf_counter()
            answer()
            if number >= 2:
                times_ms[name].append((time.perf_counter() - started_s) * _MS)
    return times_ms


def figures_of(times_ms: Mapping[str, Sequence[float]], size: int) -> dict[str, Any]:
    """Of one batch size: plain Keras, and every precision with the shares of its stages."""
    medians_ms = {name: statistics.median(values) for name, values in times_ms.items()}
    precisions = {}
    for precision in (name for name in times_ms if name != PLAIN_KERAS and "/" not in name):
        prefix = f"{precision}/"
        stages = {k.removeprefix(prefix): v for k, v in medians_ms.items() if k.startswith(prefix)}
        turns = zip(times_ms[PLAIN_KERAS], times_ms[precision], strict=True)
        precisions[precision] = {
            "ms_per_image": medians_ms[precision] / size,
            "images_per_s": size / medians_ms[precision] * _MS,
            "latency_ms": {f"p{p}": float(np.percentile(times_ms[precision], p)) for p in (50, 99)},
            "share": {name: ms / sum(stages.values()) for name, ms in stages.items()},
            "speedup_over_plain_keras": statistics.median(plain / ours for plain, ours in turns),
        }
    plain = {"ms_per_image": medians_ms[PLAIN_KERAS] / size}
    return {PLAIN_KERAS: plain, "precisions": precisions}


def table(figures: Mapping[str, Any]) -> str:
    """For a terminal."""
    setting = f"{figures['weights']} weights, {figures['input_size']} pixels"
    lines = [
        f"{figures['model']}, {setting}, {figures['rounds']} rounds",
        _HEADING,
    ]
    for size, batch in figures["batches"].items():
        keras_ms = batch[PLAIN_KERAS]["ms_per_image"]
        lines.append(f"{size:>5}  {'plain Keras':<12}{keras_ms:10.1f}{_MS / keras_ms:10.1f}")
        for precision, of in batch["precisions"].items():
            shares = "".join(f"{share:12.1%}" for share in of["share"].values())
            latency = "".join(f"{ms:8.1f}" for ms in of["latency_ms"].values())
            lines.append(
                f"{size:>5}  {precision:<12}{of['ms_per_image']:10.1f}{of['images_per_s']:10.1f}"
                f"{of['speedup_over_plain_keras']:11.2f}×{latency:>20}{shares}"
            )
    return "\n".join(lines)


def _street(spec: InputSpec, count: int) -> npt.NDArray[np.uint8]:
    """Frames of the demo clip, stretched to the whole input."""
    with av.open(str(DEMO)) as clip:
        frames = islice(clip.decode(video=0), 0, None, _EVERY_NTH_FRAME)
        return np.stack(
            [
                frame.to_ndarray(format="rgb24", width=spec.width, height=spec.height)
                for frame in islice(frames, count)
            ]
        )
