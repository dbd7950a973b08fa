"""A run's losses, and what it measured on the dev data, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detector.training.journal import Point

_FEW = 20
_LOSSES_LEFT_OUT = ("step", "gradient", "images_per_s")


def draw(points: Sequence[Point], path: Path) -> None:
    """Raises OSError. Needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    learnt = [point for point in points if "total" in point]
    measured = [point for point in points if "ap50" in point]
    figure, axes = plt.subplots(1, 2 if measured else 1, figsize=(12, 4.5), squeeze=False)
    losses, *others = axes[0]
    # A single point, as of a short run, is no line: it is marked.
    marker = "o" if len(learnt) < _FEW else None
    for name in learnt[0] if learnt else ():
        if name not in _LOSSES_LEFT_OUT:
            losses.plot(
                [p["step"] for p in learnt], [p[name] for p in learnt], label=name, marker=marker
            )
    losses.set(title="loss", xlabel="step", ylim=(0, None))
    for panel in others:
        for name in ("ap", "ap50"):
            steps = [point["step"] for point in measured]
            panel.plot(steps, [point[name] for point in measured], marker="o", label=name)
        panel.set(title="on the dev data", xlabel="step", ylim=(0, 1))
    for panel in axes[0]:
        panel.grid(alpha=0.3)
        if panel.has_data():
            panel.legend()
        else:
            panel.text(0.5, 0.5, "nothing was noted yet", ha="center", transform=panel.transAxes)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
