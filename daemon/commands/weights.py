"""`vedette weights import|info|fetch|export|tune`: trained parameters, checked and converted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from config.hints import did_you_mean
from daemon.arguments import labels
from daemon.commands import weights_export, weights_quantize, weights_tune
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE

_IMPORT_HELP = """\
Reads a TensorFlow checkpoint of EfficientDet (folder, prefix, .tar.gz; moving averages preferred),
an .h5 file or an .npz archive with its official variable names, or an .h5 file of the projects
efficientdet-keras and efficientnet-yolo3; finds out which size it is, and writes a .safetensors
file. Every tensor that is missing, unknown or wrong is named, and nothing
is written then. A file with 90 classes is taken for COCO's: its 80 categories are kept, and the ten
numbers that COCO never used are left out."""
_EXITS = "Exits 0; 1 where a download or the disk failed; 2 for usage; 69 for weights of no use."


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("weights", help="import, describe, fetch or export weights")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_import(verbs)
    info = verbs.add_parser(
        "info",
        help="say what a weights file is",
        description="Prints what a weights file says of itself and whether it is undamaged; of a"
        " file of another project what it seems to be.",
        epilog=_EXITS,
    )
    info.add_argument("file", metavar="FILE", help="a file, or the name of fetched weights")
    info.set_defaults(run=run_info)
    fetch = verbs.add_parser(
        "fetch",
        help="download published weights",
        description="Downloads an EfficientDet that google/automl published, converts it and keeps"
        " it under $XDG_DATA_HOME/vedette/weights; `model.weights: NAME` then finds it. The SHA-256"
        " of the first download is kept, and any other content is refused from then on.",
        epilog=_EXITS,
    )
    fetch.add_argument("name", metavar="NAME", help="as in efficientdet-d0 or efficientdet-d2-640")
    fetch.add_argument("--base-url", metavar="URL", help="of a mirror with the same folders")
    fetch.set_defaults(run=run_fetch)
    weights_export.add_parser(verbs)
    weights_tune.add_parser(verbs)
    weights_quantize.add_parser(verbs)


def _add_import(verbs: Any) -> None:
    parser = verbs.add_parser(
        "import",
        help="convert weights of other projects",
        description=_IMPORT_HELP,
        epilog=_EXITS,
    )
    parser.add_argument("source", metavar="SOURCE", type=Path, help="checkpoint, .h5 or .npz")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, type=Path)
    parser.add_argument("--model", metavar="NAME", help="found out from the tensors by default")
    parser.add_argument(
        "--dialect",
        metavar="NAME",
        help="how pictures become numbers, which tensors do not tell: automl (default) or"
        " automl-advprop; for the Keras projects article (default) or article-stretched",
    )
    parser.add_argument(
        "--labels",
        type=labels,
        metavar="FILE|a,b,c",
        help="names of the classes, one per line or with commas; of COCO's 80 any selection",
    )
    parser.add_argument(
        "--input-size", metavar="N", type=int, help="side of the input the weights were trained for"
    )
    parser.add_argument(
        "--float16",
        action="store_true",
        help="round kernels to 11 bits, for a file of half the size",
    )
    parser.set_defaults(run=run_import)


def run_import(args: argparse.Namespace) -> int:
    from detector.api import ModelError
    from detector.models import DIALECTS, NAMES
    from detector.weights.foreign.classes import LabelsError
    from detector.weights.foreign.importer import Wanted, import_weights, write

    if args.model is not None and args.model not in NAMES:
        return _usage(f"unknown model {args.model}{did_you_mean(args.model, NAMES)}")
    if args.dialect is not None and args.dialect not in DIALECTS:
        return _usage(f"unknown dialect {args.dialect}{did_you_mean(args.dialect, DIALECTS)}")
    if args.input_size is not None and (args.input_size % 32 or not 64 <= args.input_size <= 2048):
        return _usage("--input-size must be a multiple of 32 from 64 to 2048")
    try:
        wanted = Wanted(args.model, args.dialect, args.labels, args.input_size)
        imported = import_weights(args.source, wanted, _bar("import"))
        write(args.out, imported, half=args.float16)
    except LabelsError as error:
        return _usage(f"{args.source}: {error}")
    except ModelError as error:
        return _no_model(error)
    except OSError as error:
        return _failed(error)
    about = imported.description
    left_out = imported.num_classes - len(about.labels)
    say(
        f"{args.out}: {about.architecture}, {len(about.labels)} labels"
        f"{f' ({left_out} of the classes left out)' if left_out else ''}, input"
        f" {about.input_size}, {imported.num_parameters:,} parameters ({imported.kind})"
    )
    return 0


def run_info(args: argparse.Namespace) -> int:
    from detector.api import ModelError
    from detector.weights.bundled import resolve
    from detector.weights.inspection import inspect

    try:
        path = Path(args.file)
        rows = inspect(path if path.exists() else resolve("", args.file))
    except ModelError as error:
        return _no_model(error)
    except OSError as error:
        return _failed(error)
    for heading, text in rows:
        say(f"{heading:<14}{text}")
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    from detector.api import ModelError
    from detector.weights.published.cache import weights_file
    from detector.weights.published.download import FetchError
    from detector.weights.published.fetch import fetch
    from detector.weights.published.table import BASE_URL, PUBLISHED

    if args.name not in PUBLISHED:
        hint = did_you_mean(args.name, PUBLISHED) or f" (known: {', '.join(PUBLISHED)})"
        return _usage(f"no weights are published as {args.name}{hint}")
    try:
        if weights_file(args.name).is_file():
            say(f"{weights_file(args.name)}: is there already")
            return 0
        with tqdm(
            desc=args.name, unit="B", unit_scale=True, disable=None, file=sys.stderr
        ) as meter:
            fetched = fetch(
                PUBLISHED[args.name],
                meter=meter,
                track=_bar("convert"),
                base_url=args.base_url or BASE_URL,
            )
    except (FetchError, OSError) as error:
        return _failed(error, args.name)
    except ModelError as error:
        return _no_model(error)
    remark = "kept for later downloads" if fetched.first else "as received before"
    say(f"received {fetched.pin.size:,} bytes, SHA-256 {fetched.pin.sha256} ({remark})")
    architecture = PUBLISHED[args.name].architecture
    say(f"{fetched.path}: use it with `model: {{name: {architecture}, weights: {args.name}}}`")
    return 0


def _bar(what: str) -> Callable[[Collection[str]], Iterable[str]]:
    """Progress over tensors, on a terminal only."""
    return lambda names: tqdm(names, desc=what, unit=" tensors", disable=None, file=sys.stderr)


def _usage(message: str) -> int:
    return _say(message, EXIT_USAGE)


def _failed(error: Exception, what: str = "") -> int:
    return _say(f"{what}: {error}" if what else str(error), EXIT_FAILED)


def _no_model(error: Exception) -> int:
    code = _say(str(error), EXIT_NO_MODEL)
    for fault in getattr(error, "faults", ()):
        complain(f"  {fault}")
    return code


def _say(message: str, code: int) -> int:
    complain(f"vedette weights: {message}")
    return code
