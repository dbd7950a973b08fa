"""Precision–recall curves as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from detector.evaluation.curves import best_f1
from detector.evaluation.measuring import Measurement


def save_curves(path: Path, measured: Measurement, title: str) -> None:
    """PNG; groups are dashed, a dot is the threshold with the best F1. Raises OSError."""
    figure = Figure(figsize=(10, 6), dpi=120, layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="recall at IoU 0.5", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    for name, of in {**measured.scores.classes, **measured.groups}.items():
        curve = measured.curves[name]
        best = best_f1(curve)
        if of.ap50 is None or best is None:
            continue
        style = "--" if name in measured.groups else "-"
        label = f"{name}: AP50 {of.ap50:.3f}, {of.boxes} boxes"
        (line,) = axes.plot(curve.recall, curve.precision, style, label=label)
        at = int((curve.score >= best.threshold).sum()) - 1
        axes.plot(curve.recall[at], curve.precision[at], "o", color=line.get_color())
        axes.annotate(
            f" {best.threshold:.2f}", (float(curve.recall[at]), float(curve.precision[at]))
        )
    if axes.lines:
        figure.legend(loc="outside right upper")
    with path.open("wb") as file:
        figure.savefig(file, format="png")
