from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pytest

from detector.graph.lanes import Lanes

Ints = npt.NDArray[np.int64]


@pytest.mark.parametrize(("count", "size"), [(1, 4), (2, 1), (2, 2), (2, 5), (3, 8), (4, 2)])
def test_every_row_is_answered_once_and_in_order(count: int, size: int) -> None:
    rows = np.arange(size)
    parts = Lanes(count).run(lambda a, b: a * 10 + b, rows, rows + 1)
    assert len(parts) == min(count, size)
    np.testing.assert_array_equal(np.concatenate(parts), rows * 10 + rows + 1)


def test_parts_are_answered_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=5)
    parts = Lanes(3).run(lambda rows: (together.wait(), rows)[1], np.arange(3))
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(3))


def test_one_lane_is_the_callers_thread() -> None:
    assert Lanes(1).run(lambda _: threading.current_thread(), np.arange(8)) == [
        threading.current_thread()
    ]


@pytest.mark.parametrize("broken", [0, 1])
def test_a_failure_is_raised_when_all_have_ended(broken: int) -> None:
    ended: list[int] = []

    def answer(rows: Ints) -> None:
        if rows[0] == broken:
            msg = f"part {broken}"
            raise RuntimeError(msg)
        ended.append(int(rows[0]))

    with pytest.raises(RuntimeError, match=f"part {broken}"):
        Lanes(2).run(answer, np.arange(2))
    assert ended == [1 - broken]
