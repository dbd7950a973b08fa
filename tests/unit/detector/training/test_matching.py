from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from detector.boxes.anchors import anchor_boxes
from detector.training import matching
from detector.training.matching import Match, match

Floats = npt.NDArray[np.float32]
Answer = tuple[list[int], list[bool]]

ANCHORS = anchor_boxes(64, range(3, 8), 4.0)
ROWS = 6
RULES = {
    "automl": matching.automl,
    "generous": matching.generous,
    "article": matching.article,
}

# Whole pixels, so that equal overlaps do happen; of no size is possible, too.
_corners = st_np.arrays(np.float32, (ROWS, 2), elements=st.integers(0, 48).map(float))
_sizes = st_np.arrays(np.float32, (ROWS, 2), elements=st.integers(0, 40).map(float))
_kinds = st_np.arrays(np.int32, (ROWS,), elements=st.sampled_from([0, 0, 0, 1, 2]))  # 1 ignored


@functools.cache
def graph(rule: str) -> Any:
    return tf.function(
        lambda boxes, taught, ignored: match(boxes, taught, ignored, ANCHORS, RULES[rule])
    )


def matched(rule: str, boxes: Any, kinds: Any) -> Match:
    """Of pictures [B, ROWS]."""
    kinds = np.asarray(kinds)
    return Match(*(x.numpy() for x in graph(rule)(np.float32(boxes), kinds == 0, kinds == 1)))


def intersection(box: Floats, anchor: Floats) -> np.float32:
    height = min(box[2], anchor[2]) - max(box[0], anchor[0])
    width = min(box[3], anchor[3]) - max(box[1], anchor[1])
    return np.float32(max(height, 0) * max(width, 0))


def area(box: Floats) -> np.float32:
    return np.float32((box[2] - box[0]) * (box[3] - box[1]))


def overlap(box: Floats, anchor: Floats) -> np.float32:
    shared = intersection(box, anchor)
    union = area(box) + area(anchor) - shared
    return np.float32(shared / union if union else 0)


def by_force(table: Floats, box: list[int]) -> list[int]:
    """Best anchors of boxes, the first box last, so that it stays."""
    for row in reversed(range(len(table))):
        if max(table[row], default=0) > 0:
            box[int(np.argmax(table[row]))] = row
    return box


def owner(column: Floats, may: list[bool]) -> int:
    own = [row for row in range(len(column)) if may[row]]
    return max(own, key=lambda row: (column[row], -row)) if own else -1


def slow_automl(table: Floats) -> Answer:
    box = [owner(column, [*(column >= 0.5)]) for column in table.T]
    return by_force(table, box), [False] * len(box)


def slow_generous(table: Floats) -> Answer:
    fourth = [sorted(row)[-4] for row in table]
    box = []
    for column in table.T:
        pairs = zip(column, fourth, strict=True)
        box.append(owner(column, [x >= 0.5 or (x >= 0.25 and x >= least) for x, least in pairs]))
    box = by_force(table, box)
    return box, [max(column, default=0) >= 0.4 for column in table.T]


def slow_article(table: Floats) -> Answer:
    may = table > 0.5
    for row, own in zip(table, may, strict=True):
        if not own.any() and row.max() > 0:
            own[np.argmax(row)] = True
    box = [owner(column, [*own]) for column, own in zip(table.T, may.T, strict=True)]
    return box, [any(0.4 < x < 0.5 for x in column) for column in table.T]


SLOW: dict[str, Callable[[Floats], Answer]] = {
    "automl": slow_automl,
    "generous": slow_generous,
    "article": slow_article,
}


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None)
@given(corner=_corners, size=_sizes, kinds=_kinds)
def test_rules_agree_with_a_plain_loop(rule: str, corner: Any, size: Any, kinds: Any) -> None:
    boxes = np.concatenate([corner, corner + size], axis=1)
    taught, regions = np.flatnonzero(kinds == 0), np.flatnonzero(kinds == 1)
    table = np.array([[overlap(boxes[row], anchor) for anchor in ANCHORS] for row in taught])
    box, ignored = SLOW[rule](table.reshape(-1, len(ANCHORS)).astype(np.float32))
    expected = np.array([taught[row] if row >= 0 else -1 for row in box])
    covered = [
        any(intersection(boxes[row], anchor) >= area(anchor) / 2 for row in regions)
        for anchor in ANCHORS
    ]
    found = matched(rule, boxes[None], kinds[None])
    np.testing.assert_array_equal(found.box[0], expected)
    np.testing.assert_array_equal(
        found.ignored[0], (np.array(ignored) | covered) & (expected == -1)
    )


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15, deadline=None)
@given(corner=_corners, size=_sizes, other=_corners, padding=st.integers(0, ROWS - 2))
def test_a_picture_is_matched_by_itself(
    rule: str, corner: Any, size: Any, other: Any, padding: int
) -> None:
    """Whatever its neighbours in the batch, and wherever its rows of padding."""
    boxes = np.concatenate([corner, corner + size], axis=1)
    kinds = np.zeros(ROWS, np.int32)
    kinds[ROWS - padding :] = 2
    alone = matched(rule, boxes[None], kinds[None])
    neighbour = np.concatenate([other, other + 20], axis=1)
    shifted = np.roll(boxes, padding, axis=0), np.roll(kinds, padding)
    batch = matched(
        rule, [neighbour, boxes, shifted[0]], [np.zeros(ROWS, np.int32), kinds, shifted[1]]
    )
    for picture, moved in ((1, 0), (2, padding)):
        back = np.where(batch.box[picture] >= 0, batch.box[picture] - moved, -1)
        np.testing.assert_array_equal(back, alone.box[0])
        np.testing.assert_array_equal(batch.ignored[picture], alone.ignored[0])


@pytest.mark.parametrize("rule", RULES)
def test_a_box_outside_the_picture_claims_nothing(rule: str) -> None:
    boxes = np.tile(np.float32([1000, 1000, 1010, 1010]), (1, ROWS, 1))
    found = matched(rule, boxes, np.zeros((1, ROWS), np.int32))
    assert (found.box == -1).all()
    assert not found.ignored.any()


@pytest.mark.parametrize("rule", RULES)
def test_a_picture_without_rows_teaches_background(rule: str) -> None:
    found = matched(rule, np.zeros((2, ROWS, 4)), np.full((2, ROWS), 2))
    assert (found.box == -1).all()
    assert not found.ignored.any()


def test_a_box_in_an_ignored_region_is_taught_all_the_same() -> None:
    boxes = np.zeros((1, ROWS, 4), np.float32)
    boxes[0, 0], boxes[0, 1] = [0, 0, 64, 64], [16, 16, 48, 48]
    kinds = np.full((1, ROWS), 2)
    without = matched("automl", boxes, kinds * [1, 0, 1, 1, 1, 1])
    found = matched("automl", boxes, kinds * [0, 0, 1, 1, 1, 1] + [1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.box, without.box)
    assert (found.box == 1).any()
    assert not (found.ignored & (found.box >= 0)).any()
    inside = [intersection(boxes[0, 0], anchor) >= area(anchor) / 2 for anchor in ANCHORS]
    np.testing.assert_array_equal(found.ignored[0], inside & (found.box[0] == -1))
