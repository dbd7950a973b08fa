"""The stream that detection takes is the smallest that loses nothing, and it is said why."""

from __future__ import annotations

import pytest

from daemon.discovery.camera import Stream
from daemon.discovery.choice import choose


def stream(
    name: str, size: tuple[int, int] = (0, 0), codec: str = "H264", **more: object
) -> Stream:
    fields = {"fps": 15.0, "url": f"rtsp://10.0.0.5/{name}"} | more
    return Stream(name=name, codec=codec, width=size[0], height=size[1], **fields)  # type: ignore[arg-type]


MAIN, SUB = stream("main", (2560, 1440)), stream("sub", (640, 360))
TINY = stream("tiny", (176, 144))


@pytest.mark.parametrize(
    ("streams", "name", "why"),
    [
        ([MAIN, SUB], "sub", "main has 16.0 times the pixels to decode"),
        ([MAIN, SUB, TINY], "sub", "16.0 times"),
        ([TINY, stream("qcif", (160, 120))], "tiny", "it is the largest, and smaller than"),
        ([MAIN], "main", "the only one"),
        ([stream("a"), stream("b")], "b", "sizes are not told"),
        ([stream("a", (640, 360), "H265"), stream("b", (640, 360))], "b", "no smaller one"),
        ([MAIN, stream("h", (640, 360), "H265")], "h", "set it to H.264 where"),
        ([MAIN, stream("j", (640, 360), "JPEG")], "j", "JPEG takes"),
        ([MAIN, stream("slow", (640, 360), fps=1.0)], "slow", "it brings 1 fps"),
        ([stream("sub", (640, 360), url=None), MAIN, TINY], "main", "no smaller one"),
    ],
)
def test_the_stream_for_detection(streams: list[Stream], name: str, why: str) -> None:
    chosen = choose(streams)
    assert chosen is not None
    assert chosen[0].name == name
    assert why in chosen[1]


def test_none_where_none_can_be_named() -> None:
    assert choose([]) is None
    assert choose([stream("a", url=None)]) is None
