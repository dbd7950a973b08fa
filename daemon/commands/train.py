"""`vedette train`: weights of one's own, from labelled pictures."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from tqdm import tqdm

from daemon.arguments import labels
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE
from detector import extras
from detector.api import InferenceError, ModelError
from detector.datasets.errors import DataError
from detector.training.settings import Settings

if TYPE_CHECKING:  # TensorFlow is loaded when there is work for it
    from detector.training.loop import Outcome
    from detector.training.setup import Setup

_PACKAGES = ("matplotlib", "pycocotools", "tensorboard")  # better missed now than after hours
_SETTINGS = "settings.json"
_FAULTS_SHOWN = 10

_DESCRIPTION = """\
Learns from labelled pictures and writes weights that `model.weights` takes. Everything about a run
is in its folder: settings, checkpoints, log, TensorBoard's files, curves, and in the end the
weights and a model card. An interrupted run goes on with --resume, as if it had never stopped."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train", help="learn weights from labelled pictures", description=_DESCRIPTION
    )
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("-o", "--out", metavar="DIR", type=Path, help="folder of a new run")
    folder.add_argument("--resume", metavar="DIR", type=Path, help="go on with the run in DIR")
    parser.add_argument(
        "--preview", metavar="FILE.png", type=Path, help="only draw what the network would be fed"
    )
    parser.add_argument(
        "--strict", action="store_true", help="end if anything in the data cannot be used"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.add_argument_group("the run")
    for name, field in Settings.model_fields.items():
        usual = "" if field.default in (None, ()) or field.is_required() else f" ({field.default})"
        options.add_argument(
            _option(name),
            metavar="X",
            action="append" if name in ("data", "dev") else "store",
            type=labels if name == "classes" else str,
            default=argparse.SUPPRESS,
            help=f"{field.description}{usual}".replace("%", "%%"),
        )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 1 for data, a disk or a network that fails; 2 for options; 69 for weights to
    begin with; 128 + N when stopped by signal N.
    """
    if any(find_spec(package) is None for package in _PACKAGES):
        return _fail(f"packages are missing: {extras.add('train')}", EXIT_FAILED)
    try:
        return _go(args)
    except _UsageError as error:
        return _fail(error, EXIT_USAGE)
    except ModelError as error:
        return _fail(error, EXIT_NO_MODEL)
    except (DataError, InferenceError, OSError) as error:
        return _fail(error, EXIT_FAILED)


class _UsageError(Exception):
    """Options that cannot be meant."""


def _go(args: argparse.Namespace) -> int:
    folder = args.resume or args.out
    if folder is None and args.preview is None:
        raise _UsageError("give a folder for the run: --out DIR (or --resume DIR)")
    settings = _resumed(args) if args.resume else _new(args)
    if args.out and (args.out / _SETTINGS).exists():
        msg = f"{folder} holds a run: go on with --resume {folder}, or take another"
        raise _UsageError(msg)

    from detector.build import start_tensorflow
    from detector.graph.lanes import available_cores

    start_tensorflow(args.threads or available_cores())
    from detector.training.setup import prepare

    setup = prepare(settings)
    _tell(setup)
    if setup.faults and args.strict:
        return _fail("the data has faults, and --strict was given", EXIT_FAILED)
    if args.preview:
        from detector.training.preview import write_preview

        write_preview(setup.examples, setup.data.labels, args.preview)
        say(f"wrote {args.preview}")
        return 0
    return _train(setup, folder, quiet=args.quiet)


def _train(setup: Setup, folder: Path, *, quiet: bool) -> int:
    from detector.training.loop import Training
    from detector.training.measuring import measure_for
    from detector.training.setup import learner_for

    learner, origin = learner_for(setup)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _SETTINGS).write_text(setup.settings.model_dump_json(indent=2), encoding="utf-8")
    training = Training(setup, learner, folder, measure=measure_for(setup))
    done = training.resume()
    say(f"goes on after step {done}" if done else f"begins with {origin}")
    with _stop_signals() as caught, _Progress(setup, done, quiet=quiet) as progress:
        outcome = training.run(stopping=lambda: bool(caught), reporter=progress)
    _finish(setup, folder, origin, outcome)
    return 0 if outcome.finished else 128 + caught[0]


def _finish(setup: Setup, folder: Path, origin: str, outcome: Outcome) -> None:
    from detector.training import journal
    from detector.training.card import model_card
    from detector.training.curves import draw

    points = journal.read(folder)
    draw(points, folder / "curves.png")
    card = model_card(setup, origin, points, weights=outcome.weights.name)
    (folder / "model-card.md").write_text(card, encoding="utf-8")
    if outcome.finished:
        say(f"trained for {outcome.step} steps; weights: {outcome.weights}")
    else:
        say(f"stopped after step {outcome.step} of {setup.steps}; everything is saved.")
        say(f"Go on with: vedette train --resume {folder}")


def _tell(setup: Setup) -> None:
    boxes = sum(int((~sample.ignored).sum()) for sample in setup.data.samples)
    say(
        f"data: {len(setup.data.samples)} pictures, {boxes} boxes of"
        f" {len(setup.data.labels)} classes: {', '.join(setup.data.labels)}"
    )
    if setup.dev is not None:
        say(f"dev: {len(setup.dev.samples)} pictures")
    for fault in setup.faults[:_FAULTS_SHOWN]:
        complain(f"left out: {fault.file}: {fault.reason}")
    if len(setup.faults) > _FAULTS_SHOWN:
        complain(f"left out: and {len(setup.faults) - _FAULTS_SHOWN} more")


class _Progress:
    """A bar with pictures per second, what is left, and the parts of the loss."""

    def __init__(self, setup: Setup, done: int, *, quiet: bool) -> None:
        self._batch = setup.settings.batch
        self._bar = tqdm(
            total=setup.steps * self._batch,
            initial=done * self._batch,
            unit="img",
            disable=True if quiet else None,
            file=sys.stderr,
        )
        self._smooth: dict[str, float] = {}

    def learnt(self, step: int, losses: Mapping[str, float]) -> None:
        for name, value in losses.items():
            self._smooth[name] = 0.95 * self._smooth.get(name, value) + 0.05 * value
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in self._smooth.items()})
        self._bar.update(self._batch)

    def measured(self, step: int, figures: Mapping[str, float]) -> None:
        told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        with tqdm.external_write_mode():
            say(f"step {step}: {told}")

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _new(args: argparse.Namespace) -> Settings:
    given = {name: value for name, value in vars(args).items() if name in Settings.model_fields}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise _UsageError(_explained(error)) from None


def _resumed(args: argparse.Namespace) -> Settings:
    changed = [name for name in vars(args) if name in Settings.model_fields]
    if changed:
        msg = f"{_option(changed[0])} was settled when the run began: leave it out with --resume"
        raise _UsageError(msg)
    path = args.resume / _SETTINGS
    try:
        return Settings.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        msg = f"{args.resume} holds no run: {_SETTINGS} is missing"
        raise _UsageError(msg) from None
    except ValidationError as error:
        msg = f"{path}: {_explained(error)}"
        raise _UsageError(msg) from None


def _explained(error: ValidationError) -> str:
    fault = error.errors()[0]
    where = _option(str(fault["loc"][0])) + ": " if fault["loc"] else ""
    missing = "is needed" if fault["type"] == "missing" else fault["msg"]
    return where + missing.removeprefix("Value error, ")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Numbers of the signals that came; the second one interrupts at once."""
    caught: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(error: object, code: int) -> int:
    complain(f"vedette train: {error}")
    return code
