"""Points in polygons, one at a time and all at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.tracking.polygon import Area


@given(st.integers(0, 2**31), st.integers(3, 12))
@settings(max_examples=100, deadline=None)
def test_one_point_is_judged_as_many_are(seed: int, corners: int) -> None:
    rng = np.random.default_rng(seed)
    polygon = np.round(rng.uniform(0, 1, (corners, 2)), 1)  # so that edges are level or upright
    area = Area(polygon)
    points = np.concatenate([rng.uniform(-0.2, 1.2, (40, 2)), polygon])
    for (x, y), inside in zip(points.tolist(), area.has(points).tolist(), strict=True):
        assert area.holds(x, y) == inside
