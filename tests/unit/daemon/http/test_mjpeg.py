"""Live streams: who draws when, and for how many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from daemon.http.errors import ApiError
from daemon.http.feed import LiveFeed, Look, Viewer
from daemon.http.mjpeg import live_response, mosaic_response
from daemon.http.pictures import PictureMaker, Print
from daemon.seats.sight import Sight
from tests.support.fakes import ShownSights, frame, one_box

FAST = 1000.0  # fps
GATE = Look("gate", 960, boxes=True)
YARD = Look("yard", 960, boxes=True)
SCOPE = {"type": "http", "path": "/live/gate.mjpg"}


class CountingMaker(PictureMaker):
    """Counts what it draws; raises when told to."""

    def __init__(self) -> None:
        super().__init__(share=1)
        self.made = 0
        self.broken = False

    async def print(
        self, newest: Callable[[], Sight], *, max_width: int | None, boxes: bool
    ) -> Print:
        self.made += 1
        if self.broken:
            raise RuntimeError("no such surface")
        return await super().print(newest, max_width=max_width, boxes=boxes)


class Cinema:
    """A board with one sight of `gate` and a feed that shows it."""

    def __init__(self, *, max_viewers: int = 4, max_fps: float = FAST) -> None:
        self.board = ShownSights()
        self.maker = CountingMaker()
        self.feed = LiveFeed(self.board, self.maker, max_viewers=max_viewers, max_fps=max_fps)
        self.show(1.0)

    def show(self, captured_s: float, camera: str = "gate") -> None:
        self.board.show(frame(camera, captured_s), one_box(), ("person",), inferred_s=captured_s)


@asynccontextmanager
async def cinema(**options: float) -> AsyncIterator[Cinema]:
    house = Cinema(**options)  # type: ignore[arg-type]
    try:
        yield house
    finally:
        house.feed.close()
        house.maker.close()
        await asyncio.sleep(0)


async def next_of(viewer: Viewer, look: Look = GATE) -> Print:
    taken = await viewer.take()
    assert taken is not None
    return taken[look]


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
            house.feed.watch(GATE) as one,
            house.feed.watch(GATE) as other,
        ):
            first = await next_of(one)
            assert await next_of(other) is first
            assert first.jpeg.startswith(b"\xff\xd8")
            assert house.maker.made == 1
            house.show(2.0)
            assert await next_of(one) is await next_of(other)
            assert house.maker.made == 2

    run(story())


def test_who_comes_later_gets_the_newest_picture_at_once() -> None:
    async def story() -> None:
        async with cinema() as house, house.feed.watch(GATE) as one:
            first = await next_of(one)
            async with house.feed.watch(GATE) as other:
                assert await next_of(other) is first
            assert house.maker.made == 1

    run(story())


def test_one_viewer_may_watch_many_cameras_and_a_slow_one_misses_pictures() -> None:
    async def story() -> None:
        async with cinema() as house, house.feed.watch(GATE, YARD) as viewer:
            await next_of(viewer)
            house.show(2.0, "yard")
            assert (await next_of(viewer, YARD)).sight.captured_s == 2.0
            for captured_s in (3.0, 4.0):
                made = house.maker.made
                house.show(captured_s)
                while house.maker.made == made:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.02)
            taken = await viewer.take()
            assert taken is not None
            assert {look: one.sight.captured_s for look, one in taken.items()} == {GATE: 4.0}

    run(story())


def test_drawing_ends_with_the_last_viewer() -> None:
    async def story() -> None:
        async with cinema() as house:
            async with house.feed.watch(GATE) as viewer:
                await viewer.take()
                assert house.feed.watched == {"gate"}
            assert (house.feed.viewers, house.feed.watched) == (0, frozenset())
            house.show(2.0)
            await asyncio.sleep(0.02)
            assert house.maker.made == 1

    run(story())


def test_the_rate_is_bounded_however_fast_the_camera() -> None:
    async def story() -> None:
        async with cinema(max_fps=50.0) as house, house.feed.watch(GATE) as viewer:
            started_s = asyncio.get_running_loop().time()
            for shown in range(4):
                house.show(2.0 + shown)
                await viewer.take()
            assert asyncio.get_running_loop().time() - started_s >= 2 / 50

    run(story())


def test_one_viewer_too_many_is_refused_and_a_place_that_is_left_is_free_again() -> None:
    async def story() -> None:
        async with cinema(max_viewers=1) as house:
            async with house.feed.watch(GATE):
                with pytest.raises(ApiError) as refused:
                    async with house.feed.watch(YARD):
                        pass
                assert (refused.value.status, refused.value.reason) == (503, "too_many_viewers")
            async with house.feed.watch(YARD):
                assert house.feed.viewers == 1

    run(story())


def test_a_picture_that_cannot_be_drawn_ends_the_stream_and_the_next_viewer_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with cinema() as house:
            house.maker.broken = True
            async with house.feed.watch(GATE) as viewer:
                assert await viewer.take() is None
                house.maker.broken = False
                async with house.feed.watch(GATE) as second:
                    assert await second.take()
                assert house.feed.viewers == 1

    with caplog.at_level(logging.ERROR):
        run(story())
    assert [record.getMessage() for record in caplog.records] == ["live pictures ended camera=gate"]


def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    async def story() -> None:
        async with cinema() as house, house.feed.watch(GATE) as viewer:
            await viewer.take()
            waiting = asyncio.create_task(viewer.take())
            await asyncio.sleep(0)
            house.feed.close()
            assert await waiting is None
            with pytest.raises(ApiError):
                async with house.feed.watch(GATE):
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


def described(camera: str, picture: Print) -> dict[str, object]:
    return {"camera": camera, "number": picture.sight.number}


def test_a_mosaic_says_of_each_picture_whose_it_is_and_ends_when_each_came_once() -> None:
    async def story() -> None:
        async with cinema() as house:
            house.show(2.0, "yard")
            peer = Peer()
            await mosaic_response(house.feed, [GATE, YARD], described, once=True)(
                SCOPE, peer.receive, peer.send
            )
            body = b"".join(message.get("body", b"") for message in peer.sent)
            parts = body.split(b"--picture\r\n")[1:-1]
            assert [part.split(b"\r\n")[0] for part in parts] == [
                b"Content-Type: application/json",
                b"Content-Type: image/jpeg",
            ] * 2
            told = {part.split(b"\r\n\r\n")[1].strip() for part in parts[::2]}
            assert told == {b'{"camera":"gate","number":1}', b'{"camera":"yard","number":1}'}
            assert house.feed.viewers == 0

    run(story())


def test_a_mosaic_of_nothing_ends_at_once_where_it_is_asked_for_once() -> None:
    async def story() -> None:
        async with cinema() as house:
            peer = Peer()
            await mosaic_response(house.feed, [], described, once=True)(
                SCOPE, peer.receive, peer.send
            )
            assert peer.sent[-1]["more_body"] is False

    run(story())
