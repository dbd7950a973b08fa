"""`vedette weights export`: a detector for other runtimes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from daemon.arguments import batch_size, detection_count, fraction, input_size
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL

_HELP = """\
Writes a detector with everything inside: uint8 RGB pictures in, boxes, scores, classes and their
count out. Boxes are x1, y1, x2, y2 in input pixels. The whole input is treated as picture: scale
yours to fit and fill the rest with the mean colour. The labels lie beside, one per line.

saved_model   a folder for TensorFlow, or for what converts from it; any batch size
tflite        a file for LiteRT, with builtin operations only; one batch size"""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "export",
        help="write a detector for other runtimes",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exits 0; 1 where the disk failed; 69 for weights of no use.",
    )
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a file, the name of fetched weights, or bundled"
    )
    parser.add_argument("--format", choices=("saved_model", "tflite"), required=True)
    parser.add_argument("-o", "--out", metavar="OUT", required=True, type=Path)
    parser.add_argument(
        "--input-size", metavar="N", type=input_size, help="default: as the weights say"
    )
    parser.add_argument(
        "--batch", metavar="N", type=batch_size, help="default: 1 for tflite, else any"
    )
    parser.add_argument(
        "--score-threshold", metavar="S", type=fraction, help="default: as the weights say, or 0.4"
    )
    parser.add_argument("--iou-threshold", metavar="I", type=fraction, default=0.5)
    parser.add_argument("--max-detections", metavar="N", type=detection_count, default=100)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from detector.api import ModelError
    from detector.build import start_tensorflow
    from detector.weights.bundled import resolve
    from detector.weights.description import read_description

    try:
        weights = Path(args.weights)
        if not weights.exists():
            weights = resolve("efficientdet-lite0", args.weights)
        start_tensorflow()
        from detector.boxes.selection import Selection
        from detector.export import export

        description = read_description(weights)

        export(
            weights,
            args.out,
            form=args.format,
            selection=Selection(
                description.scores_from(args.score_threshold),
                args.iou_threshold,
                args.max_detections,
                nms="grouped",
                groups=description.group_numbers(),
            ),
            input_size=args.input_size,
            batch=args.batch,
        )
    except ModelError as error:
        return _say(error, EXIT_NO_MODEL)
    except OSError as error:
        return _say(error, EXIT_FAILED)
    say(str(args.out))
    return 0


def _say(error: Exception, code: int) -> int:
    complain(f"vedette weights: {error}")
    return code
