"""What a synthetic camera is asked for."""

from __future__ import annotations

import pytest

from config.synthetic import SyntheticSpec, parse_synthetic


@pytest.mark.parametrize(
    ("url", "spec"),
    [
        ("synthetic://", SyntheticSpec(640, 360, 10.0, 4, 1)),
        ("synthetic://street", SyntheticSpec(640, 360, 10.0, 4, 1)),
        ("synthetic://a?size=16x16&fps=0.1&objects=0&seed=0", SyntheticSpec(16, 16, 0.1, 0, 0)),
        ("synthetic://a?size=7680x4320&fps=240&objects=64", SyntheticSpec(7680, 4320, 240, 64, 1)),
        ("synthetic://a/?seed=2147483647&", SyntheticSpec(seed=2147483647)),
    ],
)
def test_parameters_and_their_defaults(url: str, spec: SyntheticSpec) -> None:
    assert parse_synthetic(url) == spec


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("synthetic:a", "must look like|must not hold a path"),
        ("synthetic://a@b", "must look like"),
        ("file:///a", "must look like"),
        ("synthetic://a/b", "must not hold a path"),
        ("synthetic://a#b", "must not hold a path"),
        ("synthetic://a?object=3", r"unknown parameter \(did you mean `objects`\?\)"),
        ("synthetic://a?zzz", r"unknown parameter \(known: size, fps, objects, seed\)"),
        ("synthetic://a?seed=1&seed=2", "has seed twice"),
        ("synthetic://a?size=big", "needs size=WIDTHxHEIGHT"),
        ("synthetic://a?size=15x16", "width in size between 16 and 7680"),
        ("synthetic://a?size=7681x16", "width in size between 16 and 7680"),
        ("synthetic://a?size=16x4321", "height in size between 16 and 4320"),
        ("synthetic://a?fps=0", "fps between 0.1 and 240"),
        ("synthetic://a?fps=241", "fps between 0.1 and 240"),
        ("synthetic://a?fps=nan", "fps between 0.1 and 240"),
        ("synthetic://a?fps=1e1", "fps between 0.1 and 240"),
        ("synthetic://a?objects=65", "objects between 0 and 64"),
        ("synthetic://a?objects=-1", "objects between 0 and 64"),
        ("synthetic://a?objects=", "objects between 0 and 64"),
        ("synthetic://a?seed=2147483648", "seed between 0 and 2147483647"),
    ],
)
def test_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_synthetic(url)
