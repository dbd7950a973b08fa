"""Server-sent events: who hears what, what a slow listener loses, and what silence costs."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine

import pytest

from daemon.http.errors import ApiError
from daemon.http.events import Event, EventFeed, EventReader
from sinks.envelope import Envelope
from sinks.messages import DetectionMessage, HeartbeatMessage, LatencyMs, StatusMessage
from tests.support.fakes import FakeClock


def run(story: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await story

    asyncio.run(bounded())


def answer(camera: str = "gate", seq: int = 1) -> Envelope:
    message = DetectionMessage(
        epoch="9f3c",
        node="lodge",
        camera=camera,
        seq=seq,
        status="ok",
        captured_ns=5,
        time_source="wallclock",
        pts_s=None,
        size=(64, 48),
        model="fake",
        latency_ms=LatencyMs(1.0, 2.0),
        detections=(),
    )
    return Envelope(message, 99.0)


def change(camera: str = "gate") -> Envelope:
    return Envelope(
        StatusMessage(
            epoch="9f3c", node="lodge", camera=camera, state="stalled", reason="", since_ns=1
        )
    )


HEARTBEAT = Envelope(HeartbeatMessage(epoch="9f3c", node="lodge", ready=True, cameras={}))


class Ear:
    """Reads a feed's answer as a browser does."""

    def __init__(self, feed: EventFeed, camera: str | None = None, alive_s: float = 5.0) -> None:
        self._source = feed._heard(camera, alive_s)

    async def __aenter__(self) -> Ear:
        self._chunks = await self._source.__aenter__()
        assert await anext(self._chunks) == b"retry: 2000\n\n"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._chunks.aclose()
        await self._source.__aexit__(None, None, None)

    async def next(self) -> list[tuple[str, dict[str, object]]]:
        """Kind and data of the events of the next chunk; empty for a comment."""
        chunk = (await anext(self._chunks)).decode()
        assert chunk.endswith("\n\n")
        if chunk.startswith(":"):
            return []
        return [_parsed(event) for event in chunk.removesuffix("\n\n").split("\n\n")]


def _parsed(event: str) -> tuple[str, dict[str, object]]:
    first, second = event.split("\n")
    return first.removeprefix("event: "), json.loads(second.removeprefix("data: "))


def test_a_listener_hears_detections_and_states_as_subscribers_get_them() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock(100.0))
        async with Ear(feed) as ear:
            feed.put(answer())
            feed.put(HEARTBEAT)
            feed.put(change("yard"))
            (kind, seen), (other, changed) = await ear.next()
            assert (kind, other) == ("detection", "status")
            assert (seen["camera"], seen["seq"], seen["detections"]) == ("gate", 1, [])
            assert seen["published_ns"] == FakeClock(100.0).wall_ns()
            assert seen["latency_ms"] == {"queue": 1.0, "infer": 2.0, "total": 1000.0}
            assert (changed["camera"], changed["state"]) == ("yard", "stalled")

    run(story())


def test_one_camera_can_be_listened_to_alone() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock())
        async with Ear(feed, "gate") as ear:
            for camera in ("yard", "gate", "gate10", "yard"):
                feed.put(answer(camera))
            assert [data["camera"] for _, data in await ear.next()] == ["gate"]

    run(story())


def test_without_listeners_a_message_is_not_even_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrapped(*_: object) -> None:
        raise AssertionError

    async def story() -> None:
        feed = EventFeed(FakeClock())
        async with feed.listen(None):
            pass
        monkeypatch.setattr(Event, "__init__", wrapped)
        feed.put(answer())
        assert feed.listeners == 0

    run(story())


def test_a_message_is_encoded_once_for_all_listeners() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock())
        async with feed.listen(None) as one, feed.listen("gate") as other:
            feed.put(answer())
            first, second = await one.take(1), await other.take(1)
            assert first is not None
            assert second is not None
            assert first[0] is second[0]
            assert first[0].text(FakeClock(1.0)) is second[0].text(FakeClock(2.0))

    run(story())


def test_a_slow_listener_loses_the_oldest_and_is_told_how_many() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock(), capacity=2)
        async with Ear(feed) as slow:
            for seq in range(1, 6):
                feed.put(answer(seq=seq))
            assert await slow.next() == [("lost", {"events": 3})]
            assert [data["seq"] for _, data in await slow.next()] == [4, 5]
            feed.put(answer(seq=6))
            assert [data["seq"] for _, data in await slow.next()] == [6]
            assert feed.dropped == 3
        assert feed.dropped == 3, "the loss of a listener that left stays counted"

    run(story())


def test_silence_is_broken_by_a_comment() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock())
        async with Ear(feed, alive_s=0.01) as ear:
            assert await ear.next() == []
            feed.put(answer())
            assert len(await ear.next()) == 1

    run(story())


def test_messages_of_other_threads_arrive_whole_and_in_order() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock(), capacity=10_000)
        threads = [
            threading.Thread(
                target=lambda name=name: [feed.put(answer(name, n)) for n in range(500)]
            )
            for name in ("a", "b")
        ]
        heard: dict[str, list[object]] = {"a": [], "b": []}
        async with Ear(feed) as ear:
            for thread in threads:
                thread.start()
            while sum(map(len, heard.values())) < 1000:
                for _, data in await ear.next():
                    heard[str(data["camera"])].append(data["seq"])
            for thread in threads:
                await asyncio.to_thread(thread.join)
        assert heard == {"a": list(range(500)), "b": list(range(500))}

    run(story())


def test_one_listener_too_many_is_refused_and_a_place_that_is_left_is_free_again() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock(), max_listeners=1)
        async with feed.listen(None):
            with pytest.raises(ApiError) as refused:
                async with feed.listen(None):
                    pass
            assert (refused.value.status, refused.value.reason) == (503, "too_many_listeners")
        async with feed.listen(None):
            assert feed.listeners == 1

    run(story())


def test_closing_ends_every_answer_and_refuses_new_ones() -> None:
    async def story() -> None:
        feed = EventFeed(FakeClock())
        async with Ear(feed) as ear:
            waiting = asyncio.create_task(ear.next())
            await asyncio.sleep(0)
            feed.close()
            with pytest.raises(StopAsyncIteration):
                await waiting
            with pytest.raises(ApiError):
                async with feed.listen(None):
                    pass

    run(story())


def test_a_message_after_the_loop_has_gone_harms_nobody() -> None:
    async def story() -> EventReader:
        return EventReader(None, 4)

    listener = asyncio.run(story())
    listener.put(Event(answer(), "gate"))
