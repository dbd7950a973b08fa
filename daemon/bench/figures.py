"""What a trial's outcome means, as one dictionary for programs and a few lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.bench.trial import Load, Readings
from daemon.books.accounting import Drop, total

PERCENTILES = (50, 95, 99)


def figures_of(plan: Load, outcome: Readings) -> dict[str, Any]:
    """Rates and times of the measured seconds; the conservation law after the end."""
    before, after = total(outcome.before.values()), total(outcome.after.values())
    inferred = after.inferred - before.inferred
    final = total(outcome.final.values())
    _, age_ms, infer_ms, total_ms = outcome.messages.T
    return {
        "cameras": plan.cameras,
        "fps": plan.fps,
        "detector": "real" if plan.real else "simulated",
        "precision": plan.precision if plan.real else None,
        "seconds": outcome.seconds,
        "viewers": plan.viewers,
        "watched_fps": outcome.watched_fps,
        "ceiling_fps": outcome.ceiling_fps,
        "inferred_fps": inferred / outcome.seconds,
        "share_of_ceiling": inferred / outcome.seconds / outcome.ceiling_fps,
        "worst_fair_share": _worst_fair_share(plan, outcome),
        "latency_ms": {
            "age_at_dispatch": _percentiles(age_ms),
            "queue": _percentiles(outcome.queue_ms),
            "infer": _percentiles(infer_ms),
            "publish": _percentiles(total_ms - age_ms - infer_ms),
            "total": _percentiles(total_ms),
            "added": _percentiles(total_ms - infer_ms),
        },
        "frames": {
            "captured": after.captured - before.captured,
            "inferred": inferred,
            "published": len(outcome.messages),
            "dropped": {
                str(reason): after.dropped[reason] - before.dropped[reason] for reason in Drop
            },
        },
        # A real detector computes in threads of its own: its share cannot be taken out.
        "cpu_us_per_frame": outcome.cpu_s * 1e6 / max(1, len(outcome.messages)),
        "conserved": final.in_flight == 0
        and all(page.balanced for page in [*outcome.after.values(), *outcome.final.values()]),
    }


def table(figures: Mapping[str, Any]) -> str:
    """For a terminal."""
    frames = figures["frames"]
    dropped = ", ".join(f"{reason} {n}" for reason, n in frames["dropped"].items() if n) or "none"
    cpu_us = figures["cpu_us_per_frame"]
    ceiling = f"{figures['ceiling_fps']:.1f} frames/s, {figures['share_of_ceiling']:.3f} of it"
    counts = f"captured {frames['captured']}, inferred {frames['inferred']}"
    within = ", detector and all" if figures["detector"] == "real" else ""
    cost = f"{cpu_us:.0f} µs per published frame{within}"
    cameras = f"{figures['cameras']} cameras × {figures['fps']:g} fps"
    lines = [
        f"{cameras}, {figures['detector']} detector, {figures['seconds']:.1f} s",
        f"inferred          {figures['inferred_fps']:.1f} frames/s; ceiling {ceiling}",
        f"worst fair share  {figures['worst_fair_share']:.3f}",
        f"frames            {counts}, published {frames['published']}; dropped: {dropped}",
        f"CPU               {cost}",
        f"viewers           {figures['viewers']}; {figures['watched_fps']:.1f} pictures/s",
        f"conserved         {figures['conserved']}",
        "latency ms             p50     p95     p99",
    ]
    for stage, values in figures["latency_ms"].items():
        numbers = "".join(f"{values[f'p{p}']:8.2f}" for p in PERCENTILES)
        lines.append(f"  {stage:<16}{numbers}")
    return "\n".join(lines)


def _worst_fair_share(plan: Load, outcome: Readings) -> float:
    """The worst-served camera's rate over what an equal division gives each."""
    fair_fps = min(plan.fps, outcome.ceiling_fps / plan.cameras)
    return min(
        (outcome.after[name].inferred - outcome.before[name].inferred) / outcome.seconds / fair_fps
        for name in outcome.after
    )


def _percentiles(values_ms: npt.NDArray[np.float64]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values_ms, p)) for p in PERCENTILES}
