"""What was measured, as one dictionary for programs and a few lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.errors import printable
from detector.evaluation.curves import best_f1
from detector.evaluation.measuring import Measurement
from detector.evaluation.showing import Shown

Figures = dict[str, Any]
AVERAGES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")


def figures_of(measured: Measurement) -> Figures:
    """Precisions from 0 to 1, None where there was nothing to find."""
    scores = measured.scores
    return {
        "images": len(measured.samples),
        **{name: getattr(scores, name) for name in AVERAGES},
        "classes": {
            label: {"ap": of.ap, "ap50": of.ap50, "boxes": of.boxes, **_best(measured, label)}
            for label, of in scores.classes.items()
        },
        "groups": {
            name: {"ap50": of.ap50, "boxes": of.boxes, **_best(measured, name)}
            for name, of in measured.groups.items()
        },
        "heights": {name: asdict(of) for name, of in measured.heights.items()},
        "shown": asdict(measured.shown) | _rates(measured.shown),
        "thresholds": dict(zip(measured.labels, measured.thresholds, strict=True)),
    }


def _rates(shown: Shown) -> dict[str, float | None]:
    """Of what is wrong, per 100 objects and per picture; None where there are none."""
    per_100 = {
        f"{name}_per_100": 100 * getattr(shown, name) / shown.objects if shown.objects else None
        for name in ("pairs", "second", "loose")
    }
    return per_100 | {"alarms_per_empty": shown.alarms / shown.empty if shown.empty else None}


def difference(ours: Figures, theirs: Figures) -> Figures:
    """What is gained by `ours` in every precision and time that both have."""
    kinds = ("classes", "groups")
    return {
        **{name: _less(ours[name], theirs[name]) for name in AVERAGES},
        **{
            kind: {
                name: {
                    key: _less(of[key], theirs[kind][name][key])
                    for key in ("ap", "ap50")
                    if key in of
                }
                for name, of in ours[kind].items()
            }
            for kind in kinds
        },
        "latency_ms": {
            batch: _less(ms, theirs["latency_ms"][batch])
            for batch, ms in ours["latency_ms"].items()
        },
    }


def table(figures: Mapping[str, Any]) -> str:
    """For a terminal: of one model."""
    weights = f"{Path(figures['weights']).name} ({figures['weights_sha256'][:12]})"
    setting = f"{figures['model']}, {figures['input_size']} pixels, {figures['precision']}"
    lines = [
        f"{weights}: {setting}, {figures['images']} images",
        f"{'':<16}   boxes      AP    AP50   best F1  at score",
    ]
    for name, of in [*figures["classes"].items(), *figures["groups"].items()]:
        precisions = f"{_number(of.get('ap'))}{_number(of['ap50'])}"
        shown = f"{_number(of['best_f1'], 10)}{_number(of['threshold'], 10)}"
        lines.append(f"{printable(name):<16}{of['boxes']:>8}{precisions}{shown}")
    averages = (f"{_title(name)}{_number(figures[name])}" for name in AVERAGES)
    heights = [f"{'input height':<16}   boxes      AP    AP50"]
    heights += [
        f"{name:<16}{of['boxes']:>8}{_number(of['ap'])}{_number(of['ap50'])}"
        for name, of in figures["heights"].items()
    ]
    times = (
        f"{ms:.1f} at {batch.replace('_', ' ')}" for batch, ms in figures["latency_ms"].items()
    )
    return "\n".join(
        [
            *lines,
            "   ".join(averages),
            *heights,
            *_shown_lines(figures["shown"], figures["thresholds"]),
            f"ms per image: {', '.join(times)}",
        ]
    )


def _shown_lines(shown: Mapping[str, Any], thresholds: Mapping[str, float]) -> list[str]:
    scores = ", ".join(f"{label} {score:.2f}" for label, score in thresholds.items())
    per_100 = ", ".join(
        f"{words} {_number(shown[f'{name}_per_100'], 1)}"
        for name, words in (("pairs", "pairs"), ("second", "second boxes"), ("loose", "loose"))
    )
    alarms = f"{shown['alarms']} in {shown['empty']} pictures without objects"
    return [
        f"shown by default: {scores}",
        f"{shown['boxes']} boxes, {shown['right']} right, of {shown['objects']} objects",
        f"per 100 objects: {per_100}",
        f"false alarms: {alarms} ({_number(shown['alarms_per_empty'], 1)} each)",
    ]


def difference_table(difference: Mapping[str, Any]) -> str:
    """For a terminal: what the first model has more than the other."""
    lines = [f"{'first less other':<16}              AP    AP50"]
    for name, of in [*difference["classes"].items(), *difference["groups"].items()]:
        lines.append(f"{printable(name):<24}{_signed(of.get('ap'))}{_signed(of['ap50'])}")
    lines.append(f"{'all':<24}{_signed(difference['ap'])}{_signed(difference['ap50'])}")
    return "\n".join(lines)


def _best(measured: Measurement, name: str) -> dict[str, float | None]:
    best = best_f1(measured.curves[name])
    return {
        "best_f1": None if best is None else best.f1,
        "threshold": None if best is None else best.threshold,
    }


def _less(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def _title(name: str) -> str:
    return name.upper() if name.startswith("ap") and "_" not in name else name.removeprefix("ap_")


def _number(value: float | None, width: int = 8) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.3f}"


def _signed(value: float | None) -> str:
    return f"{'–':>8}" if value is None else f"{value:>+8.3f}"
