"""Which hardware decoder is used, and when software is."""

from __future__ import annotations

from typing import Literal

import pytest

from daemon.capture.hwaccel import hardware_decoder

Wanted = Literal["none", "auto", "cuda", "vaapi"]


@pytest.mark.parametrize(
    ("wanted", "available", "working", "tried"),
    [
        ("none", ["cuda"], ["cuda"], []),
        ("cuda", ["cuda", "vaapi"], ["cuda"], ["cuda"]),
        ("cuda", ["cuda", "vaapi"], ["vaapi"], ["cuda"]),
        ("cuda", ["vaapi"], ["vaapi"], []),
        ("auto", ["vaapi", "cuda"], ["cuda", "vaapi"], ["cuda"]),
        ("auto", ["vaapi", "cuda"], ["vaapi"], ["cuda", "vaapi"]),
        ("auto", ["qsv"], ["qsv"], []),
        ("vaapi", ["vaapi"], ["vaapi"], ["vaapi"]),
    ],
)
def test_a_device_is_used_only_if_it_opens(
    wanted: Wanted, available: list[str], working: list[str], tried: list[str]
) -> None:
    asked: list[str] = []

    def works(name: str) -> bool:
        asked.append(name)
        return name in working

    chosen = hardware_decoder(wanted, available=available, works=works)
    assert asked == tried
    assert (chosen is not None) == bool(tried and tried[-1] in working)
