"""With a gate, tiles are looked at where something happens, and the others in turn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.sweep import Sweep
from detector.letterbox import Rect

WH = (3200, 1800)
TILES: list[Rect] = [
    (x, y, x + 900, y + 1000) for y in (0.0, 800.0) for x in (0.0, 766.0, 1532.0, 2300.0)
]
NOTHING = np.zeros((90, 160), np.bool_)
NOBODY = np.zeros((0, 4), np.float32)


def seen_all() -> Sweep:
    sweep = Sweep()
    assert sweep.all(TILES, 0.0) == TILES
    return sweep


def test_tiles_of_which_nothing_is_known_are_looked_at() -> None:
    assert Sweep().some(TILES, WH, NOTHING, NOBODY, 0.0, sweep_s=2) == TILES


def test_where_nothing_happens_one_tile_after_the_other_is_looked_at() -> None:
    sweep = seen_all()
    looked = [sweep.some(TILES, WH, NOTHING, NOBODY, n / 5, sweep_s=100) for n in range(1, 9)]
    assert [len(each) for each in looked] == [1] * 8
    assert {tile for each in looked for tile in each} == set(TILES)


def test_tiles_in_which_something_changed_are_looked_at() -> None:
    changed = NOTHING.copy()
    changed[45, 42] = True  # at 840, 900: in the overlap of four
    looked = seen_all().some(TILES, WH, changed, NOBODY, 0.2, sweep_s=100)
    assert {TILES[0], TILES[1], TILES[4], TILES[5]} <= set(looked)
    assert len(looked) == 5  # and one of the others


def test_where_something_happens_elsewhere_tiles_are_not_looked_at_more_often_than_asked() -> None:
    sweep, changed = seen_all(), NOTHING.copy()
    changed[20, 5] = True
    looked = [sweep.some(TILES, WH, changed, NOBODY, n / 5, sweep_s=8) for n in range(1, 201)]
    others = sum(tile != TILES[0] for each in looked for tile in each)
    assert 7 * 40 / 8 - 7 <= others <= 1.5 * 7 * 40 / 8


def test_an_object_at_a_border_is_looked_at_from_both_sides() -> None:
    box = np.array([[2330, 100, 2425, 300]], np.float32)  # ends before 2432, within its margin
    looked = seen_all().some(TILES, WH, NOTHING, box, 0.2, sweep_s=100)
    assert {TILES[2], TILES[3]} <= set(looked)


@given(
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 159)), max_size=4),
    st.floats(1, 15),
    st.floats(0.5, 5),
)
def test_no_tile_stays_unseen_for_longer_than_was_asked(
    places: list[tuple[int, int]], fps: float, sweep_s: float
) -> None:
    sweep, changed = seen_all(), NOTHING.copy()
    for place in places:
        changed[place] = True
    seen_s = dict.fromkeys(TILES, 0.0)
    for number in range(1, 60):
        now_s = number / fps
        looked = sweep.some(TILES, WH, changed, NOBODY, now_s, sweep_s=sweep_s)
        assert looked
        for tile in looked:
            assert now_s - seen_s[tile] <= sweep_s + 1 / fps + 1e-9
            seen_s[tile] = now_s
