"""`vedette weights quantize`: give weights an int8 form, measured on pictures."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from config.errors import ConfigError
from daemon.console import complain, complain_of, say, say_text
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE
from daemon.offline.calibration import (
    Camera,
    DataError,
    Material,
    NoPicturesError,
    frames_of,
    open_cameras,
    open_material,
    read_pictures,
)
from detector import extras

if TYPE_CHECKING:  # loaded when the arguments make sense
    from detector.evaluation.measuring import Measurement
    from detector.quantize import Choice, Picture, Quantizer

_PICTURES = 256
_FRAMES = 32  # of each camera
_MOST_EVALUATED = 1000

_HELP = """\
Measures which numbers each layer of a network holds while it looks at pictures, so that it can run
in int8: up to twice as fast on processors with AVX512-VNNI, AVX-VNNI or Arm's dot product, and
without TensorFlow. Take pictures of every kind of scene, light and weather that is to be
understood: what was not measured is cut off. The float numbers stay as they are.

Layers that lose too much stay in float32. With labels, and the packages of the extra train, average
precision is measured before and after."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "quantize",
        help="let weights run in int8",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exits 0; 1 where the disk or the network failed; 2 for usage, and for pictures of"
        " no use; 69 for weights of no use; 78 for a configuration of no use.",
    )
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a file, the name of fetched weights, or bundled"
    )
    parser.add_argument(
        "--data", nargs="+", action="extend", default=[], type=Path, metavar="PATH",
        help="pictures, folders of pictures, or labelled data as `vedette evaluate` takes them",
    )  # fmt: skip
    parser.add_argument(
        "--camera", action="append", default=[], metavar="CONFIG[:NAME]",
        help="frames of the cameras of a configuration, or of one of them; again for more",
    )  # fmt: skip
    parser.add_argument(
        "--dev", nargs="+", action="extend", default=[], type=Path, metavar="PATH",
        help="labelled data to evaluate on; default: those of --data that have labels",
    )  # fmt: skip
    parser.add_argument("--split", metavar="NAME", help="of a folder, as in train or val2017")
    parser.add_argument(
        "--pictures", type=int, default=_PICTURES, metavar="N",
        help="of --data, evenly chosen; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--frames", type=int, default=_FRAMES, metavar="N",
        help="of each camera, one a second; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--widen", action="store_true",
        help="add to what the weights were measured to hold before; then few pictures will do",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="default: the weights file itself"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, choose, evaluate, write; see the parser's epilog for the exit codes."""
    from detector.api import InferenceError, ModelError

    try:
        return _run(args)
    except (NoPicturesError, DataError) as error:
        return _fail(error, EXIT_USAGE)
    except ModelError as error:
        return _fail(error, EXIT_NO_MODEL)
    except ConfigError as error:
        return complain_of(error)
    except (InferenceError, OSError) as error:
        return _fail(error, EXIT_FAILED)


def _run(args: argparse.Namespace) -> int:
    from detector.quantize import Quantizer, best_of, joined

    source = _source(args.weights)
    out = args.out or source
    if not args.data and not args.camera:
        raise NoPicturesError("there are no pictures: give --data or --camera")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        msg = f"{out} cannot be written: choose another file with -o"
        raise NoPicturesError(msg)
    quantizer = Quantizer(source)
    earlier = quantizer.earlier() if args.widen else None
    material = open_material(args.data, split=args.split)
    cameras = open_cameras(args.camera)
    pictures = list(_pictures(args, quantizer, material, cameras))
    if earlier is None:
        _require_variety(pictures)
    form = quantizer.measure(_bar(pictures, "measure"), _about(material, cameras))
    form = form if earlier is None else joined(form, earlier)
    best = best_of(_bar(quantizer.choices(form, pictures), "compare"), _tell)
    form = replace(form, kept=best.kept)
    _print_choice(best)
    dev = open_material(args.dev, split=args.split) if args.dev else material
    _evaluate(quantizer, form, dev)
    _write(source, out, replace(quantizer.description, int8=form.to_text()))
    return 0


def _source(stated: str) -> Path:
    from detector.weights.bundled import resolve

    path = Path(stated)
    return path if path.exists() else resolve("efficientdet-lite0", stated)


def _pictures(
    args: argparse.Namespace, quantizer: Quantizer, material: Material, cameras: Sequence[Camera]
) -> Iterator[Picture]:
    chosen = material.chosen(args.pictures)
    yield from read_pictures(_bar(chosen, "read"), quantizer.input_spec, _note)
    for camera in cameras:
        frames = frames_of(camera, quantizer.input_spec, args.frames)
        yield from tqdm(
            frames, camera.name, args.frames, unit=" frames", disable=None, file=sys.stderr
        )


def _require_variety(pictures: Sequence[Picture]) -> None:
    from detector.int8.variety import Scenes

    scenes = Scenes()
    for pixels, _ in pictures:
        scenes.see(pixels)
    if (refusal := scenes.refusal()) is not None:
        msg = (
            f"{refusal}. Add --data with other scenes; or, where the weights have an int8 form,"
            " add to that with --widen"
        )
        raise NoPicturesError(msg)


def _about(material: Material, cameras: Sequence[Camera]) -> str:
    """What was measured on, in words that tell no path and no address."""
    parts = []
    if material.pictures:
        parts.append(f"pictures of {', '.join(material.names)}")
    if cameras:
        parts.append(f"frames of {len(cameras)} cameras")
    return " and ".join(parts)


def _tell(choice: Choice) -> None:
    kept = ", ".join(choice.kept) or "nothing"
    _note(f"with {kept} in float32, agreement with float32 is {choice.agreement:.3f}")


def _print_choice(best: Choice) -> None:
    if best.kept:
        say(f"kept in float32, as it hurts them most: {', '.join(best.kept)}")
    else:
        say("every layer in int8: none is worth float32")
    say(f"agreement with float32: {best.agreement:.3f} (1 is: every box where it was)")


def _evaluate(quantizer: Quantizer, form: Any, dev: Material) -> None:
    """Print average precision before and after, where there are labels to measure it with."""
    if dev.data is None:
        say("no labels: average precision was not measured")
        return
    if find_spec("pycocotools") is None:
        say(f"average precision was not measured: {extras.add('train')}")
        return
    from detector.evaluation.labels import shared_labels
    from detector.evaluation.task import Task

    shared = shared_labels(dev.data.labels, quantizer.description.labels)
    if not shared:
        say("the weights know none of the data's labels: average precision was not measured")
        return
    step = -(-len(dev.data.samples) // _MOST_EVALUATED)
    data = replace(dev.data, samples=dev.data.samples[::step])
    task = Task(data, shared)
    before, after = (_measured(quantizer, which, task) for which in (None, form))
    say_text(_table(before, after))


def _measured(quantizer: Quantizer, form: Any, task: Any) -> Measurement:
    from detector.evaluation.task import examine

    what = "float32" if form is None else "int8"
    return examine(
        quantizer.detector(form),
        task,
        lost=lambda fault: _note(str(fault)),
        track=lambda answers: _bar(answers, what, len(task.data.samples)),
    )


def _table(before: Measurement, after: Measurement) -> str:
    rows = [
        ("AP", before.scores.ap, after.scores.ap),
        ("AP50", before.scores.ap50, after.scores.ap50),
    ]
    rows += [
        (f"AP50 {label}", of.ap50, after.scores.classes[label].ap50)
        for label, of in before.scores.classes.items()
    ]
    lines = [f"{len(before.samples)} labelled pictures      float32    int8   difference"]
    for name, old, new in rows:
        if old is not None and new is not None:
            lines.append(f"{name:<25}{old:>10.3f}{new:>8.3f}{new - old:>+13.3f}")
    return "\n".join(lines)


def _write(source: Path, out: Path, description: Any) -> None:
    from detector.weights.files import replacing
    from detector.weights.native import relabel

    with replacing(out) as temporary:
        relabel(source, temporary, description)
    with out.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    say(f"{out}: SHA-256 {digest}")


def _bar(items: Iterable[Any], what: str, total: int | None = None) -> Any:
    """Progress on a terminal only."""
    return tqdm(items, what, total, unit=" pictures", disable=None, file=sys.stderr)


def _note(message: str) -> None:
    with tqdm.external_write_mode(file=sys.stderr):
        complain(f"vedette weights: {message}")


def _fail(error: Exception, code: int) -> int:
    _note(str(error))
    return code
