"""`vedette weights tune`: from which score labels are reported, which of them are one object."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from config.hints import did_you_mean
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_NO_MODEL, EXIT_USAGE

_HELP = """\
Writes a copy of a weights file that says from which score each label is reported while the
configuration does not, and which labels are names for one object, so that of two boxes that overlap
the weaker gives way whatever their labels. Numbers stay as they are."""


class _UsageError(Exception):
    """The options do not fit the file; its text says how."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "tune",
        help="write thresholds and groups of labels into weights",
        description=_HELP,
        epilog="Exits 0; 1 where the disk failed; 2 for usage; 69 for weights of no use.",
    )
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a file, the name of fetched weights, or bundled"
    )
    parser.add_argument("-o", "--out", metavar="FILE", required=True, type=Path)
    parser.add_argument(
        "--thresholds", metavar="FIGURES.json|a=S,b=S",
        help="those of best F1 that `vedette evaluate --json` wrote, or one for each label",
    )  # fmt: skip
    parser.add_argument(
        "--group", metavar="a,b,c", action="append", default=[],
        help="labels of which an object has one; again for another group",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from detector.api import ModelError
    from detector.weights.bundled import resolve
    from detector.weights.description import read_description
    from detector.weights.native import relabel

    try:
        source = Path(args.weights)
        if not source.exists():
            source = resolve("efficientdet-lite0", args.weights)
        about = read_description(source)
        if args.thresholds:
            about = replace(about, thresholds=_thresholds(args.thresholds, about.labels))
        if args.group:
            about = replace(about, groups=_groups(args.group, about.labels))
        relabel(source, args.out, about)
    except _UsageError as error:
        return _fail(error, EXIT_USAGE)
    except ModelError as error:
        return _fail(error, EXIT_NO_MODEL)
    except OSError as error:
        return _fail(error, EXIT_FAILED)
    say(str(args.out))
    return 0


def _thresholds(stated: str, labels: Sequence[str]) -> tuple[float, ...]:
    """By class id, rounded to hundredths. Raises _UsageError."""
    by_label = _listed(stated) if "=" in stated else _measured(Path(stated))
    if unknown := [label for label in by_label if label not in labels]:
        hint = did_you_mean(unknown[0], labels)
        msg = f"--thresholds: the weights have no label {unknown[0]}{hint}"
        raise _UsageError(msg)
    if missing := [label for label in labels if label not in by_label]:
        msg = f"--thresholds: there is none for {', '.join(missing)}"
        raise _UsageError(msg)
    return tuple(round(by_label[label], 2) for label in labels)


def _listed(stated: str) -> dict[str, float]:
    pairs = [pair.partition("=") for pair in stated.split(",")]
    try:
        scores = {label.strip(): float(score) for label, _, score in pairs}
    except ValueError:
        scores = {}
    if len(scores) < len(pairs) or not all(0 <= score <= 1 for score in scores.values()):
        msg = f"--thresholds {stated}: is not label=score, with scores from 0 to 1"
        raise _UsageError(msg)
    return scores


def _measured(path: Path) -> dict[str, float]:
    """Labels that nothing was found of are left out."""
    try:
        classes: Mapping[str, Mapping[str, float | None]] = json.loads(path.read_text())["classes"]
        found = {label: of["threshold"] for label, of in classes.items()}
        return {label: float(score) for label, score in found.items() if score is not None}
    except OSError as error:
        msg = f"--thresholds {path}: cannot be read: {error.strerror}"
        raise _UsageError(msg) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        msg = f"--thresholds {path}: is not what `vedette evaluate --json` writes"
        raise _UsageError(msg) from None


def _groups(stated: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    groups = tuple(tuple(label.strip() for label in group.split(",")) for group in stated)
    members = [label for group in groups for label in group]
    for label in members:
        if label not in labels:
            hint = did_you_mean(label, labels)
            msg = f"--group: the weights have no label {label}{hint}"
            raise _UsageError(msg)
        if members.count(label) > 1:
            msg = f"--group: {label} is in it twice"
            raise _UsageError(msg)
    return groups


def _fail(error: Exception, code: int) -> int:
    complain(f"vedette weights: {error}")
    return code
