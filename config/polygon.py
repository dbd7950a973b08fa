"""Whether a list of corners is a polygon that has an inside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Corner = tuple[float, float]


def polygon_fault(corners: Sequence[Corner]) -> str | None:
    """What is wrong with three or more corners of a closed polygon; None if nothing is."""
    if len(set(corners)) < len(corners):
        return "repeats a point (the polygon closes by itself)"
    first, second = corners[:2]
    if all(_turn(first, second, corner) == 0 for corner in corners):
        return "has no area: all points lie on one line"
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    if any(_clash(one, other) for one, other in combinations(edges, 2)):
        return "crosses itself (list the points in order around the area)"
    return None


def _clash(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Edges touch anywhere but in the corner that neighbours share."""
    shared = set(one) & set(other)
    if shared:
        (corner,) = shared
        (before,) = set(one) - shared
        (after,) = set(other) - shared
        return _turn(corner, before, after) == 0 and _dot(corner, before, after) > 0
    sides = (
        _turn(*one, other[0]) * _turn(*one, other[1]),
        _turn(*other, one[0]) * _turn(*other, one[1]),
    )
    if max(sides) < 0:
        return True
    return any(_lies_on(corner, one) for corner in other) or any(
        _lies_on(corner, other) for corner in one
    )


def _lies_on(corner: Corner, edge: tuple[Corner, Corner]) -> bool:
    return _turn(*edge, corner) == 0 and _dot(corner, *edge) <= 0


def _turn(origin: Corner, first: Corner, second: Corner) -> float:
    """Positive to the left, negative to the right, 0 straight on (or within rounding of it)."""
    cross = (first[0] - origin[0]) * (second[1] - origin[1]) - (first[1] - origin[1]) * (
        second[0] - origin[0]
    )
    return 0.0 if abs(cross) < 1e-12 else cross


def _dot(origin: Corner, first: Corner, second: Corner) -> float:
    return (first[0] - origin[0]) * (second[0] - origin[0]) + (first[1] - origin[1]) * (
        second[1] - origin[1]
    )
