"""What was found in the rows of one frame, put together: every object once. Pure; results thread.

The same object is found in the whole picture and in one or more tiles, and of one that crosses the
border of a tile only a piece is found there. So, among boxes of labels of one family:

1. Whole boxes (those that no inner border cuts) that overlap are one object, at most one of each
   row: two that one row tells apart stay two. The surest one names it and gives the score, the one
   of the finest row gives the box. But where a finer row saw the same place whole and found two or
   more in it, the box around them is a coarse row's mistake: it took a group for one.
2. A piece that lies mostly in a whole box of another row is a piece of it. All of them together say
   better than a coarse row where something small ends.
3. Pieces that meet at a border, or share most of the smaller one, are one object: all around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from daemon.tracking.boxes import area, coverage, shared_area
from detector.detections import Detections
from detector.letterbox import Letterbox

SAME_IOU = 0.45  # less than within a row: the box of a coarse row is a coarse one
COVERED = 0.6  # of a piece, in the whole box that it is a piece of
GROUPED = 0.8  # of each of those that a coarse box is around
SHARED = 0.5  # of the smaller piece, in another one
ALIGNED = 0.5  # along a border: what two pieces that meet at it have in common of their union
AT_BORDER_PX = 4.0  # of the input: a box that ends so near to an inner border is cut by it
_AT_BORDER = 0.05  # or so much of its own side
_FINER = 0.75  # of another row's grain
_CANDIDATES = 4  # times as many as are reported: work grows with the square of them
_SMALL_PX = 32.0  # of a coarse row's input, in which a box of this width or height is a rough one
_SAME_SHAPE = 0.7  # IoU of a rough box with all of its pieces, which know better then

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def merged(
    rows: Sequence[Letterbox],
    answers: Sequence[Detections],
    family: Ints,
    *,
    most: int,
) -> Detections:
    """Of the answers for the rows of one frame, in source pixels, what is in the picture: at most
    `most`, best first. `family` [L] has one number for labels that one object may be given.
    """
    if len(rows) == 1:
        return answers[0]
    boxes = _Boxes.of(rows, answers, family, most=_CANDIDATES * most)
    whole = np.flatnonzero(~boxes.cut.any(axis=1))
    kept = _without_groups(boxes, _whole(boxes, whole))
    pieces = np.flatnonzero(boxes.cut.any(axis=1))
    if len(pieces):
        owner = _owners(boxes, pieces, kept)
        kept = [_refined(boxes, each, pieces[owner == n]) for n, each in enumerate(kept)]
        pieces = pieces[owner < 0]
        kept += _joined(boxes, pieces[_owners(boxes, pieces, kept) < 0])
    if not kept:
        return Detections.none()
    kept.sort(key=lambda each: -each.score)
    return Detections(
        np.array([each.xyxy for each in kept[:most]], np.float32),
        np.array([each.score for each in kept[:most]], np.float32),
        np.array([each.class_id for each in kept[:most]], np.int32),
    )


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union [M, N] of boxes [M, 4] and [N, 4]."""
    shared = shared_area(a, b)
    union = area(a)[:, None] + area(b)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


@dataclass(frozen=True, slots=True)
class _Found:
    """One object; `row` is where its box comes from, -1 for pieces put together."""

    xyxy: Floats
    score: float
    class_id: int
    family: int
    row: int


@dataclass(frozen=True, slots=True)
class _Boxes:
    """Every box of all rows, best first; `cut` [N, 4] says which of its sides end at a border
    inside of the picture: left, top, right, bottom.
    """

    xyxy: Floats
    score: Floats
    class_id: npt.NDArray[np.int32]
    family: Ints
    row: Ints
    cut: Bools
    parts: Floats  # [R, 4] what each row shows
    grain: Floats  # [R] source pixels in one of its input

    @classmethod
    def of(
        cls, rows: Sequence[Letterbox], answers: Sequence[Detections], family: Ints, *, most: int
    ) -> _Boxes:
        score = np.concatenate([answer.score for answer in answers])
        order = np.argsort(-score, kind="stable")[:most]
        xyxy = np.concatenate([answer.xyxy_px for answer in answers])[order]
        class_id = np.concatenate([answer.class_id for answer in answers])[order]
        row = np.repeat(np.arange(len(rows)), [len(answer) for answer in answers])[order]
        scales = np.array([letterbox.scale_xy for letterbox in rows], np.float32)
        parts = np.array([letterbox.part_xyxy for letterbox in rows], np.float32)
        cut = _cut(xyxy, row, parts, scales)
        grain = scales.max(axis=1)
        return cls(xyxy, score[order], class_id, family[class_id], row, cut, parts, grain)

    def found(self, name: int, shape: int, score: float) -> _Found:
        return _Found(
            self.xyxy[shape], score, int(self.class_id[name]), int(self.family[name]),
            int(self.row[shape]),
        )  # fmt: skip


def _cut(xyxy: Floats, row: Ints, parts: Floats, scales: Floats) -> Bools:
    outer = np.concatenate([parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)])
    inner = np.abs(parts - outer) > 1  # the borders [R, 4] that have picture behind them
    sides = np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)
    slack = np.maximum(AT_BORDER_PX * np.tile(scales, 2)[row], _AT_BORDER * sides)
    near: Bools = inner[row] & (np.abs(xyxy - parts[row]) <= slack)
    return near


def _whole(boxes: _Boxes, whole: Ints) -> list[_Found]:
    """Objects of which there is a whole box."""
    rows = boxes.row[whole].tolist()
    grain = boxes.grain[boxes.row[whole]].tolist()
    rivals = _rivals(boxes, whole)
    free = [True] * len(whole)
    kept = []
    for best in range(len(whole)):
        if not free[best]:
            continue
        free[best] = False
        group, seen_in = [best], {rows[best]}
        for other in rivals.get(best, ()):
            if free[other] and rows[other] not in seen_in:
                free[other] = False
                group.append(other)
                seen_in.add(rows[other])
        finest = min(group, key=grain.__getitem__)
        name = int(whole[best])
        kept.append(boxes.found(name, int(whole[finest]), float(boxes.score[name])))
    return kept


def _rivals(boxes: _Boxes, whole: Ints) -> dict[int, list[int]]:
    """By place, those of other rows that may be the same object, the most alike first."""
    xyxy, row, family = boxes.xyxy[whole], boxes.row[whole], boxes.family[whole]
    overlap = iou(xyxy, xyxy)
    same = overlap > SAME_IOU
    same &= (row[:, None] != row) & (family[:, None] == family)
    first, second = np.nonzero(same)
    order = np.argsort(-overlap[first, second], kind="stable")
    rivals: dict[int, list[int]] = {}
    for one, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        rivals.setdefault(one, []).append(other)
    return rivals


def _without_groups(boxes: _Boxes, kept: list[_Found]) -> list[_Found]:
    """Without boxes of a coarse row around several that a finer one tells apart."""
    grain = boxes.grain[np.array([each.row for each in kept], np.int64)]
    if not kept or grain.max() * _FINER <= grain.min():
        return kept
    xyxy = np.array([each.xyxy for each in kept], np.float32)
    family = np.array([each.family for each in kept])
    inside = coverage(xyxy, xyxy) > GROUPED
    inside &= grain[:, None] < _FINER * grain
    inside &= family[:, None] == family
    groups = set()
    for n in np.flatnonzero(inside.sum(axis=0) > 1).tolist():
        finer = boxes.parts[boxes.grain < _FINER * grain[n]]
        whole = (finer[:, :2] <= xyxy[n, :2]).all(axis=1) & (finer[:, 2:] >= xyxy[n, 2:]).all(
            axis=1
        )
        if whole.any():
            groups.add(n)
    return [each for n, each in enumerate(kept) if n not in groups]


def _owners(boxes: _Boxes, pieces: Ints, kept: Sequence[_Found]) -> Ints:
    """Of which of the whole ones each piece [P] is one, seen in another row; -1 for none."""
    if not kept:
        return np.full(len(pieces), -1)
    around = np.array([each.xyxy for each in kept], np.float32)
    family = np.array([each.family for each in kept])
    row = np.array([each.row for each in kept])
    share = coverage(boxes.xyxy[pieces], _blurred(boxes, around, row))
    share[boxes.family[pieces][:, None] != family] = 0
    share[boxes.row[pieces][:, None] == row] = 0
    return np.where(share.max(axis=1) > COVERED, share.argmax(axis=1), -1)


def _blurred(boxes: _Boxes, xyxy: Floats, row: Ints) -> Floats:
    """A pixel of their rows larger: a sliver at a border may lie just outside."""
    grain = boxes.grain[row][:, None]
    return np.asarray(xyxy + np.concatenate([-grain, -grain, grain, grain], axis=1), np.float32)


def _refined(boxes: _Boxes, whole: _Found, pieces: Ints) -> _Found:
    """With the edges of its pieces, where its own row is coarse and they are of finer ones."""
    grain = boxes.grain[whole.row]
    finer = pieces[boxes.grain[boxes.row[pieces]] < _FINER * grain]
    if not len(finer) or (whole.xyxy[2:] - whole.xyxy[:2]).min() > _SMALL_PX * grain:
        return whole
    around = _around(boxes.xyxy[finer])
    # What a coarse row shows three pixels high may be half beside the same edges seen finely.
    same_edges = np.abs(around - whole.xyxy).max() <= grain
    if not same_edges and iou(around[None], whole.xyxy[None])[0, 0] < _SAME_SHAPE:
        return whole
    return replace(whole, xyxy=around)


def _around(xyxy: Floats) -> Floats:
    return np.concatenate([xyxy[:, :2].min(axis=0), xyxy[:, 2:].max(axis=0)])


def _joined(boxes: _Boxes, pieces: Ints) -> list[_Found]:
    """Objects of which there are only pieces, each with all that belong together."""
    xyxy, cut = boxes.xyxy[pieces], boxes.cut[pieces]
    family, row = boxes.family[pieces], boxes.row[pieces]
    shares = coverage(xyxy, _blurred(boxes, xyxy, row)) > SHARED
    together = shares | shares.T
    together |= _meet(xyxy, cut, axis=0) | _meet(xyxy, cut, axis=1)
    together &= (family[:, None] == family) & (row[:, None] != row)
    found = []
    left = set(range(len(pieces)))
    while left:
        group = _reach(together, min(left))  # the best one first
        left -= group
        members = sorted(group)
        name = int(pieces[members[0]])
        one = boxes.found(name, name, float(boxes.score[name]))
        found.append(replace(one, xyxy=_around(xyxy[members]), row=-1))
    return found


def _meet(xyxy: Floats, cut: Bools, *, axis: int) -> Bools:
    """Which pieces [P, P] are cut by facing borders of one axis, touch, and look alike along it."""
    low, high = xyxy[:, axis], xyxy[:, axis + 2]
    facing = cut[:, None, axis + 2] & cut[None, :, axis]  # the first ends where the other begins
    slack = np.float32(0.1) * np.minimum((high - low)[:, None], (high - low)[None, :])
    facing &= (high[:, None] >= low[None, :] - slack) & (low[:, None] <= high[None, :])
    first, last = xyxy[:, 1 - axis], xyxy[:, 3 - axis]
    common = np.minimum(last[:, None], last) - np.maximum(first[:, None], first)
    union = np.maximum(last[:, None], last) - np.minimum(first[:, None], first)
    alike = common > ALIGNED * union
    meets: Bools = facing & alike
    return meets | meets.T


def _reach(together: Bools, first: int) -> set[int]:
    """Everything that `first` is together with, directly or by others."""
    reached, coming = {first}, [first]
    while coming:
        others = set(np.flatnonzero(together[coming.pop()]).tolist()) - reached
        reached |= others
        coming += others
    return reached
