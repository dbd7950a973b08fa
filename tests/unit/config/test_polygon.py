"""Which lists of corners have an inside."""

from __future__ import annotations

import math

import pytest

from config.polygon import polygon_fault

STAR = [
    (0.5 + 0.5 * math.sin(n * 0.8 * math.pi), 0.5 - 0.5 * math.cos(n * 0.8 * math.pi))
    for n in range(5)
]


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param([(0, 0), (1, 0), (0, 1)], id="triangle"),
        pytest.param([(0, 1), (1, 0), (0, 0)], id="the other way round"),
        pytest.param([(0, 0), (0.5, 0), (1, 0), (1, 1), (0, 1)], id="corner on a straight edge"),
        pytest.param([(0, 0), (1, 0), (1, 1), (0.5, 0.2), (0, 1)], id="concave"),
    ],
)
def test_polygon_with_an_inside(corners: list[tuple[float, float]]) -> None:
    assert polygon_fault(corners) is None


@pytest.mark.parametrize(
    ("corners", "fault"),
    [
        pytest.param([(0, 0), (1, 0), (0, 0)], "repeats a point", id="same point twice"),
        pytest.param([(0, 0), (0.3, 0.3), (0.9, 0.9)], "has no area", id="diagonal line"),
        pytest.param([(0, 0), (1, 1), (1, 0), (0, 1)], "crosses itself", id="bow tie"),
        pytest.param(STAR, "crosses itself", id="star"),
        pytest.param([(0, 0), (1, 0), (0.5, 0), (0.5, 1)], "crosses itself", id="folded back"),
        pytest.param(
            [(0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)],
            "crosses itself",
            id="corner touches an edge",
        ),
        pytest.param(
            [(0, 0), (1, 0), (1, 1), (0.8, 0), (0.2, 0), (0, 1)], "crosses itself", id="overlap"
        ),
    ],
)
def test_polygon_without(corners: list[tuple[float, float]], fault: str) -> None:
    assert (polygon_fault(corners) or "").startswith(fault)
