"""The model card that a run writes for its weights: Markdown, from what the run knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from detector.datasets.samples import Dataset
from detector.training.journal import Point
from detector.training.setup import Setup


def model_card(setup: Setup, origin: str, points: Sequence[Point], *, weights: str) -> str:
    """What was learnt from what, and how well. What only its author knows is left to fill in."""
    settings = setup.settings
    measured = [point for point in points if "ap" in point]
    best = max(measured, key=lambda point: point["ap"], default=None)
    recipe = "\n".join(f"- {name}: {_text(value)}" for name, value in settings if name != "data")
    return f"""# {weights}

{settings.model} ({settings.chosen_dialect}) for {len(setup.data.labels)} classes: \
{", ".join(setup.data.labels)}.
Input {setup.input_size} × {setup.input_size}. Licence: {settings.licence}.

## Intended use

To be written by whoever trained it.

## Data

{settings.training_data}

{_counts(setup.data)}
{len(setup.faults)} faults in the data were left out.

## Figures

{_figures(best)}

## Recipe

It began with {origin}; {setup.steps} steps of {settings.batch} examples were planned.

{recipe}
"""


def _counts(data: Dataset) -> str:
    boxes = Counter(
        data.labels[index]
        for sample in data.samples
        for index, ignored in zip(sample.classes, sample.ignored, strict=True)
        if not ignored
    )
    rows = "\n".join(f"| {label} | {boxes[label]} |" for label in data.labels)
    return f"{len(data.samples)} pictures.\n\n| class | boxes |\n|-|-|\n{rows}\n"


def _figures(best: Point | None) -> str:
    if best is None:
        return "None: there was no dev data."
    return f"On the dev data, at step {best['step']:.0f}: " + ", ".join(
        f"{name} {value:.3f}" for name, value in best.items() if name != "step"
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
