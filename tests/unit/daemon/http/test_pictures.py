"""Drawing for people: bounded in what it takes from the machine."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from daemon.http.errors import ApiError
from daemon.http.pictures import PictureMaker
from daemon.nice import NICE
from daemon.seats.sight import Sight
from tests.support.fakes import GreyPicture, ShownSights, frame, one_box

WORK_S = 0.01


class SlowPicture(GreyPicture):
    """Takes its time, and notes who converts it."""

    def __init__(self) -> None:
        super().__init__()
        self.converted: list[tuple[str, int]] = []

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.converted.append((threading.current_thread().name, nice))
        time.sleep(WORK_S)
        return super().to_bgr(max_width)


def sight_of(picture: GreyPicture) -> Sight:
    board = ShownSights()
    board.show(frame("gate", 1.0), one_box(), ("person",), inferred_s=1.0)
    sight = board.latest("gate")
    assert sight is not None
    return replace(sight, picture=picture)


def test_pictures_are_made_by_one_thread_that_yields_to_the_others() -> None:
    picture = SlowPicture()

    async def story() -> list[bytes]:
        maker = PictureMaker(share=1)
        try:
            return await asyncio.gather(
                *(maker.jpeg(sight_of(picture), max_width=None) for _ in range(3))
            )
        finally:
            maker.close()

    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert len(asyncio.run(story())) == 3
    assert picture.converted == [("http:draw_0", min(19, mine + NICE))] * 3


def test_drawing_takes_no_more_than_its_share_however_many_ask() -> None:
    async def story() -> float:
        maker = PictureMaker(share=0.25)
        picture = SlowPicture()
        started_s = time.monotonic()
        try:
            await asyncio.gather(*(maker.jpeg(sight_of(picture), max_width=None) for _ in range(3)))
            return time.monotonic() - started_s
        finally:
            maker.close()

    # Three pieces of work with two rests between them, each three times as long as the work.
    assert asyncio.run(story()) >= 9 * WORK_S


def test_after_close_nothing_is_drawn_any_more() -> None:
    async def story() -> None:
        maker = PictureMaker(share=0.001)
        await maker.jpeg(sight_of(SlowPicture()), max_width=None)
        resting = asyncio.create_task(maker.jpeg(sight_of(GreyPicture()), max_width=None))
        await asyncio.sleep(0.01)
        maker.close()
        started_s = time.monotonic()
        for late in (resting, maker.jpeg(sight_of(GreyPicture()), max_width=None)):
            with pytest.raises(ApiError, match="being stopped"):
                await late
        assert time.monotonic() - started_s < 1, "the rest before a picture ends at once"

    asyncio.run(story())


def test_a_sandbox_that_forbids_priorities_still_shows_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse)
    maker = PictureMaker(share=1.0)
    try:
        assert asyncio.run(maker.jpeg(sight_of(GreyPicture()), max_width=None)).startswith(
            b"\xff\xd8"
        )
    finally:
        maker.close()
