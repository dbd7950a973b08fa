"""`vedette evaluate`: average precision of a detector on labelled pictures, and its time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from config.errors import printable
from config.hints import did_you_mean
from config.schema import ModelConfig
from daemon.arguments import fraction, group, input_size, labels, picture_count
from daemon.console import complain, say_text
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE
from detector import extras
from detector.api import Detector, InferenceError, ModelError
from detector.spec import DetectorSpec
from detector.weights.bundled import resolve
from detector.weights.description import Description, read_description

if TYPE_CHECKING:  # loaded when the arguments make sense
    from detector.datasets.samples import Dataset, Fault
    from detector.evaluation.measuring import Measurement
    from detector.evaluation.task import Task

_BATCHES = (1, 8)
_LOWEST_SCORE = 0.01  # below it precision hardly matters any more
_MOST_DETECTIONS = 100  # as COCO counts
_TOLD = 12  # of a list on the terminal
_PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")


@dataclass(frozen=True, slots=True)
class _Model:
    """A weights file and what it says of itself."""

    path: Path
    description: Description

    @property
    def thresholds(self) -> dict[str, float]:
        """By label, those that hold while a configuration states none."""
        about = self.description
        return dict(zip(about.labels, about.scores_from(None), strict=True))


class _UsageError(Exception):
    """An option does not go with the data or the model."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a detector on labelled pictures",
        description="COCO average precision (AP; AP50 at IoU 0.5) of the detector as the daemon"
        " runs it: of every class, of merged groups, and how long it takes.",
        epilog="Exits 0; 1 where a picture is faulty with --strict, or a file cannot be written;"
        " 2 for usage and data of no use; 69 for weights of no use.",
    )
    parser.add_argument(
        "--data", required=True, action="append", type=Path, metavar="PATH",
        help="Pascal VOC folder, COCO JSON or list of pictures; again for more",
    )  # fmt: skip
    parser.add_argument("--split", metavar="NAME", help="of a folder, as in test or val2017")
    parser.add_argument(
        "--classes", type=labels, metavar="FILE|a,b,c",
        help="labels to use; default: those of the data",
    )  # fmt: skip
    parser.add_argument("--weights", default="bundled", metavar="FILE", help="default: bundled")
    parser.add_argument("--compare", metavar="OTHER", help="other weights, on the same pictures")
    parser.add_argument("--input-size", type=input_size, metavar="N", help="default: the weights'")
    parser.add_argument("--precision", choices=_PRECISIONS, default="auto", help="default: auto")
    parser.add_argument(
        "--iou", type=fraction, default=ModelConfig().iou_threshold, metavar="X",
        help="overlap above which the weaker box is dropped; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--group", action="append", type=group, default=[], metavar="NAME=a,b",
        help="count these classes as one, too: vehicle=car,bus,truck",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="precision–recall curves")
    parser.add_argument("--worst", type=Path, metavar="FILE.png", help="the worst pictures")
    parser.add_argument(
        "--worst-count", type=picture_count, default=16, metavar="N", help="how many; default: 16"
    )
    parser.add_argument("--strict", action="store_true", help="fail where data are faulty")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, build: Callable[[DetectorSpec], Detector] | None = None) -> int:
    """Measure, print, write; see the parser's epilog for the exit codes."""
    if find_spec("pycocotools") is None or find_spec("matplotlib") is None:
        return _fail(f"packages are missing: {extras.add('train')}", EXIT_FAILED)
    from detector.datasets.samples import DataError

    try:
        return _run(args, build or _real_build())
    except (_UsageError, DataError) as error:
        return _fail(str(error), EXIT_USAGE)
    except ModelError as error:
        return _fail(str(error), EXIT_NO_MODEL)
    except (InferenceError, OSError) as error:
        return _fail(str(error), EXIT_FAILED)


def _run(args: argparse.Namespace, build: Callable[[DetectorSpec], Detector]) -> int:
    from detector.evaluation.figures import difference, difference_table, table

    for path in (args.json, args.plot, args.worst):
        if path and not path.parent.is_dir():
            msg = f"{path}: there is no folder {path.parent}"
            raise _UsageError(msg)
    models = [_open_model(weights) for weights in (args.weights, args.compare) if weights]
    task = _open_task(args, models)
    if args.strict and task.data.faults:
        return _fail("the data are faulty, and --strict was given", EXIT_FAILED)
    evaluations = [_evaluate(args, build, model, task) for model in models]
    figures, measured = evaluations[0]
    for each, _ in evaluations:
        say_text(table(each))
    if args.compare:
        other = evaluations[1][0]
        figures |= {"compare": other, "difference": difference(figures, other)}
        say_text(difference_table(figures["difference"]))
    _write(args, figures, measured)
    return EXIT_FAILED if args.strict and figures["faults"] else 0


def _evaluate(
    args: argparse.Namespace, build: Callable[[DetectorSpec], Detector], model: _Model, task: Task
) -> tuple[dict[str, Any], Measurement]:
    """One model's figures. Raises ModelError, InferenceError and DataError."""
    from detector.evaluation.figures import figures_of
    from detector.evaluation.running import latency_ms
    from detector.evaluation.task import examine

    detector = _build(args, build, model)
    lost: list[Fault] = []
    name, total = model.path.stem, len(task.data.samples)
    measured = examine(
        detector,
        task,
        lost=lost.append,
        track=lambda answers: tqdm(answers, printable(name), total, unit=" images", disable=None),
        thresholds=model.thresholds,
    )
    _tell(lost)
    facts = {
        "model": detector.name,
        "weights": str(model.path),
        "weights_sha256": detector.weights_sha256,
        "input_size": detector.input_spec.width,
        "precision": detector.precision,
        **figures_of(measured),
        "latency_ms": {f"batch_{n}": latency_ms(detector, measured.samples, n) for n in _BATCHES},
        "faults": len(task.data.faults) + len(lost),
    }
    return facts, measured


def _open_model(weights: str) -> _Model:
    path = resolve(ModelConfig().name, weights)
    return _Model(path, read_description(path))


def _open_task(args: argparse.Namespace, models: Sequence[_Model]) -> Task:
    """What is wrong with the data is told. Raises DataError and _UsageError."""
    from detector.datasets.samples import join, open_dataset
    from detector.evaluation.task import Task

    data = join([open_dataset(path, split=args.split, labels=args.classes) for path in args.data])
    _tell(data.faults)
    shared = _shared_labels(data, models)
    return Task(data, shared, _checked_groups(args.group, shared))


def _shared_labels(data: Dataset, models: Sequence[_Model]) -> tuple[str, ...]:
    """Labels that can be compared; the others are named. Raises _UsageError for none."""
    from detector.evaluation.labels import shared_labels

    shared = shared_labels(data.labels, *(model.description.labels for model in models))
    if not shared:
        known = ", ".join(models[0].description.labels[:_TOLD])
        found = ", ".join(data.labels[:_TOLD])
        msg = f"the model knows none of the data's labels: {found} (known: {known})"
        raise _UsageError(msg)
    if unknown := [label for label in data.labels if label not in shared]:
        _note(f"labels that the model does not know are left out: {', '.join(unknown)}")
    for model in models:
        if extra := [label for label in model.description.labels if label not in shared]:
            _note(f"the data have nothing of {len(extra)} labels that the model knows")
    return shared


def _checked_groups(
    groups: Sequence[tuple[str, tuple[str, ...]]], shared: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Raises _UsageError for a group of labels that are not there."""
    for name, members in groups:
        if name in shared:
            msg = f"--group {name}: is the name of a label already"
            raise _UsageError(msg)
        for member in members:
            if member not in shared:
                hint = did_you_mean(member, shared)
                msg = f"--group {name}: there is no label {member}{hint}"
                raise _UsageError(msg)
    return dict(groups)


def _build(
    args: argparse.Namespace, build: Callable[[DetectorSpec], Detector], model: _Model
) -> Detector:
    detector = build(
        DetectorSpec(
            name=model.description.architecture,
            weights=model.path,
            input_size=args.input_size,
            precision=args.precision,
            score_threshold=_LOWEST_SCORE,
            iou_threshold=args.iou,
            max_detections=_MOST_DETECTIONS,
            max_batch=max(_BATCHES),
        )
    )
    detector.warm_up()
    return detector


def _real_build() -> Callable[[DetectorSpec], Detector]:
    from detector.build import build_detector

    return build_detector


def _write(args: argparse.Namespace, figures: Mapping[str, Any], measured: Measurement) -> None:
    """The files that were asked for. Raises OSError."""
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if args.plot:
        from detector.evaluation.plot import save_curves

        save_curves(args.plot, measured, f"{figures['model']}, {figures['input_size']} pixels")
    if args.worst:
        from detector.evaluation.sheet import save_worst

        save_worst(args.worst, measured, count=args.worst_count)


def _tell(faults: Sequence[Fault]) -> None:
    """Each in a line, but not thousands."""
    for fault in faults[:_TOLD]:
        _note(str(fault))
    if len(faults) > _TOLD:
        _note(f"and {len(faults) - _TOLD} further faults")


def _note(message: str) -> None:
    complain(f"vedette evaluate: {message}")


def _fail(message: str, code: int) -> int:
    _note(message)
    return code
