"""Live streams: who draws when, and for how many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from daemon.answers.live import LiveBoard, Sight
from daemon.http.errors import ApiError
from daemon.http.mjpeg import LiveFeed, live_response
from daemon.http.pictures import PictureMaker
from tests.support.fakes import frame, one_box

FAST = 1000.0  # fps
SCOPE = {"type": "http", "path": "/live/gate.mjpg"}


class CountingMaker(PictureMaker):
    """Counts what it draws; raises when told to."""

    def __init__(self) -> None:
        super().__init__(share=1)
        self.made = 0
        self.broken = False

    async def jpeg(self, sight: Sight, *, max_width: int | None, boxes: bool = True) -> bytes:
        self.made += 1
        if self.broken:
            raise RuntimeError("no such surface")
        return await super().jpeg(sight, max_width=max_width, boxes=boxes)


class Cinema:
    """A board with one sight of `gate` and a feed that shows it."""

    def __init__(self, *, max_viewers: int = 4, max_fps: float = FAST) -> None:
        self.board = LiveBoard()
        self.maker = CountingMaker()
        self.feed = LiveFeed(self.board, self.maker, max_viewers=max_viewers, max_fps=max_fps)
        self.show(1.0)

    def show(self, captured_s: float) -> None:
        self.board.show(frame("gate", captured_s), one_box(), ("person",), inferred_s=captured_s)


@asynccontextmanager
async def cinema(**options: float) -> AsyncIterator[Cinema]:
    house = Cinema(**options)  # type: ignore[arg-type]
    try:
        yield house
    finally:
        house.feed.close()
        house.maker.close()
        await asyncio.sleep(0)


def run(story: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await story

    asyncio.run(bounded())


def test_nobody_watches_nothing_is_drawn() -> None:
    async def story() -> None:
        async with cinema() as house:
            await asyncio.sleep(0.02)
            assert house.maker.made == 0

    run(story())


def test_viewers_of_a_camera_share_one_encode() -> None:
    async def story() -> None:
        async with (
            cinema() as house,
            house.feed.watch("gate") as one,
            house.feed.watch("gate") as other,
        ):
            first = await one.newer(0)
            assert await other.newer(0) == first
            assert first is not None
            assert first[1].startswith(b"\xff\xd8")
            assert house.maker.made == 1
            house.show(2.0)
            assert await one.newer(1) == await other.newer(1)
            assert house.maker.made == 2

    run(story())


def test_drawing_ends_with_the_last_viewer() -> None:
    async def story() -> None:
        async with cinema() as house:
            async with house.feed.watch("gate") as channel:
                await channel.newer(0)
            assert house.feed.viewers == 0
            house.show(2.0)
            await asyncio.sleep(0.02)
            assert house.maker.made == 1

    run(story())


def test_the_rate_is_bounded_however_fast_the_camera() -> None:
    async def story() -> None:
        async with cinema(max_fps=50.0) as house, house.feed.watch("gate") as channel:
            started_s = asyncio.get_running_loop().time()
            number = 0
            for shown in range(4):
                house.show(2.0 + shown)
                newer = await channel.newer(number)
                assert newer is not None
                number = newer[0]
            assert asyncio.get_running_loop().time() - started_s >= 2 / 50

    run(story())


def test_one_viewer_too_many_is_refused_and_a_place_that_is_left_is_free_again() -> None:
    async def story() -> None:
        async with cinema(max_viewers=1) as house:
            async with house.feed.watch("gate"):
                with pytest.raises(ApiError) as refused:
                    async with house.feed.watch("yard"):
                        pass
                assert (refused.value.status, refused.value.reason) == (503, "too_many_viewers")
            async with house.feed.watch("yard"):
                assert house.feed.viewers == 1

    run(story())


def test_a_picture_that_cannot_be_drawn_ends_the_stream_and_the_next_viewer_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with cinema() as house:
            house.maker.broken = True
            async with house.feed.watch("gate") as channel:
                assert await channel.newer(0) is None
                house.maker.broken = False
                async with house.feed.watch("gate") as second:
                    assert await second.newer(0) is not None
                assert house.feed.viewers == 0

    with caplog.at_level(logging.ERROR):
        run(story())
    assert [record.getMessage() for record in caplog.records] == ["live pictures ended camera=gate"]


def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    async def story() -> None:
        async with cinema() as house, house.feed.watch("gate") as channel:
            await channel.newer(0)
            waiting = asyncio.create_task(channel.newer(1))
            await asyncio.sleep(0)
            house.feed.close()
            assert await waiting is None
            with pytest.raises(ApiError):
                async with house.feed.watch("gate"):
                    pass

    run(story())


class Peer:
    """The other side of an ASGI connection."""

    def __init__(self, *, hang: bool = False) -> None:
        self.sent: list[Message] = []
        self.pictures = asyncio.Semaphore(0)
        self.left = asyncio.Event()
        self._hang = hang

    async def chunks(self, count: int) -> None:
        """Wait until so many were sent."""
        for _ in range(count):
            await self.pictures.acquire()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.pictures.release()
            if self._hang:
                await asyncio.Event().wait()


def test_a_stream_is_multipart_with_one_jpeg_per_part() -> None:
    async def story() -> None:
        async with cinema() as house:
            peer = Peer()
            response = live_response(house.feed, "gate")
            streaming = asyncio.create_task(response(SCOPE, peer.receive, peer.send))
            await peer.chunks(2)
            peer.left.set()
            await streaming
            start, boundary, first = peer.sent[:3]
            headers = dict(start["headers"])
            assert headers[b"content-type"] == b"multipart/x-mixed-replace; boundary=picture"
            assert b"content-length" not in headers
            assert boundary["body"] == b"--picture\r\n"
            head, _, rest = first["body"].partition(b"\r\n\r\n")
            assert head.startswith(b"Content-Type: image/jpeg\r\nContent-Length: ")
            jpeg, end = rest[: int(head.rpartition(b" ")[2])], b"\r\n--picture\r\n"
            assert rest == jpeg + end, "a browser shows a picture once it sees its end"
            assert house.feed.viewers == 0

    run(story())


def test_a_viewer_that_stops_reading_gives_its_place_back() -> None:
    async def story() -> None:
        async with cinema() as house:
            peer = Peer(hang=True)
            response = live_response(house.feed, "gate", send_timeout_s=0.02)
            await response(SCOPE, peer.receive, peer.send)
            assert house.feed.viewers == 0

    run(story())


def test_a_stream_that_is_closed_ends_its_answer_properly() -> None:
    async def story() -> None:
        async with cinema() as house:
            peer = Peer()
            response = live_response(house.feed, "gate")
            streaming = asyncio.create_task(response(SCOPE, peer.receive, peer.send))
            await peer.chunks(2)
            house.feed.close()
            await streaming
            assert peer.sent[-1] == {
                "type": "http.response.body",
                "body": b"",
                "more_body": False,
            }

    run(story())
