"""`vedette bench tiles`: who is found in 4K pictures looked at whole, in quarters and in tiles.

The pictures are put together of labelled ones, so that objects are as small as far away, and none
is scaled before the detector's own input is made. Heights are those in the input of the whole
picture; a quarter of the picture stands for a crop. Costs are of the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.console import complain, say_text
from daemon.exits import EXIT_NO_MODEL, EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from daemon.bench.mosaic import Mosaic
    from detector.api import Detector
    from detector.datasets.samples import Dataset, Sample
    from detector.detections import Detections
    from detector.letterbox import Letterbox, Rect

WH = (3840, 2160)
SIZES = (1440, 960, 640)
LABEL = "person"
BINS = ("0-8", "8-16", "16-32", "32-64")
_LOWEST_SCORE = 0.02  # precision is over all that is found; what a camera has to merge is far less
_USUAL_SCORE, _USUAL_MOST = 0.1, 100
_MOST = 10_000
_MOST_ROWS = 64
_MS = 1e3


def add_parser(benches: Any) -> None:
    parser = benches.add_parser(
        "tiles",
        help="what is found of small objects whole, by crop and in tiles",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="PATH", help="labelled pictures, up to 480 px"
    )
    parser.add_argument("--split", help="of the data, as in dev")
    parser.add_argument("--label", default=LABEL, help=f"default: {LABEL}")
    parser.add_argument(
        "--tile", type=int, action="append", metavar="PX", help=f"default: {SIZES}, one by one"
    )
    parser.add_argument("--overlap", type=float, default=0.2, help="default: 0.2")
    parser.add_argument("--input-size", type=int, help="of the detector; default: its own")
    parser.add_argument("--precision", default="auto", metavar="P", help="default: auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.set_defaults(run=run)


@dataclass(slots=True)
class Way:
    """One way to look, what it found of every picture, and what it cost."""

    name: str
    layouts: list[list[Rect | None]]  # pictures that are looked at one by one, each of some rows
    found: list[Detections] = field(default_factory=list)
    scale_ms: list[float] = field(default_factory=list)
    detect_ms: list[float] = field(default_factory=list)
    merge_ms: list[float] = field(default_factory=list)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; 2 for data that cannot be used, 69 without a model."""
    from daemon.bench.mosaic import mosaics
    from detector.api import ModelError
    from detector.datasets.samples import DataError, open_dataset

    try:
        data = open_dataset(args.data, split=args.split)
        detector = _built(args)
    except DataError as error:
        complain(str(error))
        return EXIT_USAGE
    except ModelError as error:
        complain(str(error))
        return EXIT_NO_MODEL
    if args.label not in data.labels or args.label not in detector.labels:
        complain(f"--label {args.label}: data and detector do not both know it")
        return EXIT_USAGE
    ways = list(_ways(args, detector.input_spec.width))
    samples: list[Sample] = []
    for mosaic in mosaics(data.samples, WH):
        samples += [cell.sample for cell in mosaic.cells]
        for way in ways:
            _look(way, mosaic, detector)
    figures = _figures(args, data, samples, ways, detector)
    say_text(_table(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return EXIT_OK


def _ways(args: argparse.Namespace, side: int) -> Iterator[Way]:
    from config.looking import TilesConfig
    from daemon.seats.view import WHOLE, View

    yield Way("whole", [[None]])
    width, height = (length / 2 for length in WH)
    corners = [(x * width, y * height) for y in (0, 1) for x in (0, 1)]
    yield Way("crop to a quarter", [[(x, y, x + width, y + height)] for x, y in corners])
    for size in args.tile or SIZES:
        tiles = TilesConfig(size=max(size, side), overlap=args.overlap)
        layout = View(WHOLE, tiles).layout(WH, side=side, most_rows=_MOST_ROWS)
        yield Way(f"tiles of {tiles.size}", [list(layout.parts)])


def _look(way: Way, mosaic: Mosaic, detector: Detector) -> None:
    import av

    from daemon.capture.picture import Letterboxer
    from daemon.offline.rows import each_row
    from daemon.pipeline.merging import merged
    from daemon.tracking.families import families

    frame = av.VideoFrame.from_ndarray(mosaic.bgr, "bgr24").reformat(format="yuv420p")
    letterboxer = Letterboxer(detector.input_spec)
    of_cells: list[Detections] | None = None
    for parts in way.layouts:
        for part in parts:
            letterboxer.scale(frame, None, part)  # what is kept for the next ones is made here
        times_s = [time.perf_counter()]
        rows = [letterboxer.scale(frame, None, part) for part in parts]
        times_s.append(time.perf_counter())
        answers = each_row(detector, rows)
        times_s.append(time.perf_counter())
        places, family = [row.letterbox for row in rows], families(detector.labels)
        likely = [answer.where(answer.score >= _USUAL_SCORE) for answer in answers]
        merged(places, likely, family, most=_USUAL_MOST)
        times_s.append(time.perf_counter())
        found = merged(places, answers, family, most=_MOST)
        for times_ms, first, last in zip(
            (way.scale_ms, way.detect_ms, way.merge_ms), times_s, times_s[1:], strict=False
        ):
            times_ms.append((last - first) * _MS)
        split = mosaic.split(found)
        if of_cells is None:
            of_cells = split
        else:  # a quarter knows of its own cells alone
            seen = [_sees(places, mosaic, n) for n in range(len(split))]
            of_cells = [
                new if sees else old for new, old, sees in zip(split, of_cells, seen, strict=True)
            ]
    way.found += of_cells or []


def _sees(places: Sequence[Letterbox], mosaic: Mosaic, number: int) -> bool:
    """Whether a cell lies in what was looked at."""
    cell = mosaic.cells[number]
    x1, y1, x2, y2 = places[0].part_xyxy
    right, bottom = cell.left + cell.sample.width, cell.top + cell.sample.height
    return x1 <= cell.left and y1 <= cell.top and right <= x2 and bottom <= y2


def _figures(
    args: argparse.Namespace,
    data: Dataset,
    samples: Sequence[Sample],
    ways: Sequence[Way],
    detector: Detector,
) -> dict[str, Any]:
    from detector.evaluation.labels import renumber_detections, renumber_sample
    from detector.evaluation.scoring import score, score_by_height
    from detector.letterbox import Letterbox

    label = (args.label,)
    true = [renumber_sample(sample, data.labels, label) for sample in samples]
    scale = 1 / Letterbox.fit(WH, detector.input_spec).scale_xy[1]
    figures: dict[str, Any] = {
        "input": detector.input_spec.width,
        "precision": detector.precision,
        "pictures": len(samples),
        "label": args.label,
        "ways": {},
    }
    for way in ways:
        found = [renumber_detections(each, detector.labels, label) for each in way.found]
        heights = score_by_height(label, true, found, [scale] * len(true))
        figures["ways"][way.name] = {
            "rows": len(way.layouts[0]),
            "ap50": score(label, true, found).ap50,
            "by_height": {name: heights[name].ap50 for name in BINS},
            "boxes": {name: heights[name].boxes for name in BINS},
            "scale_ms": statistics.median(way.scale_ms),
            "detect_ms": statistics.median(way.detect_ms),
            "merge_ms": statistics.median(way.merge_ms),
        }
    return figures


def _table(figures: dict[str, Any]) -> str:
    boxes = next(iter(figures["ways"].values()))["boxes"]
    title = (
        f"{figures['pictures']} pictures in {WH[0]}x{WH[1]}, input {figures['input']},"
        f" {figures['precision']}; AP50 of {figures['label']} by height in the whole's input"
    )
    bins = "".join(f"{f'{name} px ({boxes[name]})':>16}" for name in BINS)
    costs = "".join(f"{name:>10}" for name in ("scale ms", "detect ms", "merge ms"))
    lines = [title, f"{'':<18}{'rows':>5}{'all':>7}{bins}{costs}"]
    for name, way in figures["ways"].items():
        by_height = "".join(f"{_number(way['by_height'][each]):>16}" for each in BINS)
        lines.append(
            f"{name:<18}{way['rows']:>5}{_number(way['ap50']):>7}{by_height}"
            f"{way['scale_ms']:>10.1f}{way['detect_ms']:>10.1f}{way['merge_ms']:>10.2f}"
        )
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _built(args: argparse.Namespace) -> Detector:
    from detector.build import build_detector
    from detector.spec import DetectorSpec

    detector = build_detector(
        DetectorSpec(
            name="efficientdet-lite0",
            input_size=args.input_size,
            precision=args.precision,
            score_threshold=_LOWEST_SCORE,
            iou_threshold=0.5,
            max_detections=300,
            max_batch=8,
        )
    )
    detector.warm_up()
    return detector
