"""The size that a JPEG says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.http.jpeg import size_of
from tests.support.web_camera import jpeg


@pytest.mark.parametrize("wh", [(320, 240), (16, 8), (1921, 1081)])
def test_a_jpeg_says_its_size(wh: tuple[int, int]) -> None:
    assert size_of(jpeg(0, *wh)) == wh


def test_padding_and_markers_alone_are_passed() -> None:
    whole = jpeg()
    assert size_of(whole[:2] + b"\xff\xff\xff\x01" + whole[2:]) == (320, 240)


@given(st.binary(max_size=200))
def test_noise_says_none_or_something_and_never_fails(data: bytes) -> None:
    size_of(data)
    size_of(jpeg()[:20] + data)
