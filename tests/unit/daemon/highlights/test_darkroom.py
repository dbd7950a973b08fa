"""The best picture of every object, for those who subscribed, at moments they can rely on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from daemon.highlights import cabinet
from daemon.highlights.darkroom import Darkroom
from daemon.seats.sight import Sight
from sinks.highlights import Highlight, Look, Subscription
from tests.support.fakes import FakeClock
from tests.support.pictures import PaintedPicture, grey_of, read_jpeg
from tests.support.waiting import until
from tests.support.watched import WatchedCamera

PLAIN = Look(boxed=False)


class Gallery:
    """A darkroom with one camera, and somebody who is told of its pictures."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.darkroom = Darkroom(self.clock)
        self.camera = WatchedCamera(self.clock, self.darkroom)
        self.told: list[Highlight] = []

    def start(self, look: Look = PLAIN) -> Subscription:
        self.darkroom.use([self.camera.seat])
        subscription = self.darkroom.subscribe(look, self.told.append)
        self.darkroom.start()
        return subscription

    def come(self, score: float = 0.6, grey: int = 50, pictures: int = 4) -> str:
        """Somebody comes; returns the id."""
        for _ in range(pictures):
            self.camera.see(score, grey=grey)
        return self.camera.events("new")[-1].id

    def hears(self, count: int) -> Highlight:
        until(lambda: len(self.told) == count)
        return self.told[-1]


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    monkeypatch.setattr("daemon.highlights.darkroom.TURN_S", 0.005)
    gallery = Gallery()
    yield gallery
    assert gallery.darkroom.stop(5.0)


def test_a_new_object_is_told_at_once_with_the_picture_its_event_calls_the_best(
    gallery: Gallery,
) -> None:
    gallery.start()
    gallery.camera.see(0.9, grey=200)
    gallery.come(0.6, grey=50, pictures=3)
    told = gallery.hears(1)
    (new,) = gallery.camera.events("new")
    assert (told.id, told.camera, told.track, told.label) == (new.id, "gate", new.track, "person")
    assert (told.captured_ns, told.score, told.box) == (
        *(new.best.captured_ns, new.best.score, new.best.box),
    )
    assert told.captured_ns == min(gallery.camera.painted), "before it was confirmed"
    assert grey_of(told.jpeg) == pytest.approx(200, abs=3)
    assert (told.size, told.ended) == ((64, 48), False)


def test_a_better_picture_takes_its_place_and_no_worse_or_equal_one(gallery: Gallery) -> None:
    subscription = gallery.start()
    name = gallery.come(0.6)
    gallery.hears(1)
    gallery.come(0.61, grey=90, pictures=20)
    gallery.come(0.8, grey=220, pictures=1)
    gallery.come(0.7, grey=10, pictures=20)
    told = gallery.hears(2)
    assert (told.score, grey_of(told.jpeg)) == (pytest.approx(0.8), pytest.approx(220, abs=3))
    asked = subscription.of(name)
    assert asked is not None
    assert (asked.captured_ns, asked.ended) == (told.captured_ns, False)


def test_the_end_of_a_life_is_told_with_the_best_picture_of_all(gallery: Gallery) -> None:
    gallery.start()
    gallery.come(0.6)
    gallery.hears(1)
    gallery.come(0.9, grey=240, pictures=1)
    gallery.camera.wait(3)
    until(lambda: gallery.told[-1].ended)
    assert gallery.told[-1].score == pytest.approx(0.9)
    assert grey_of(gallery.told[-1].jpeg) == pytest.approx(240, abs=3)
    assert [one.ended for one in gallery.told].count(True) == 1


def test_an_object_can_be_asked_for_until_a_minute_after_its_end(gallery: Gallery) -> None:
    subscription = gallery.start()
    name = gallery.come()
    gallery.camera.wait(3)
    until(lambda: gallery.told and gallery.told[-1].ended)
    found = subscription.of(name)
    assert found is not None
    assert found.ended
    gallery.clock.advance(cabinet.GRACE_S)
    until(lambda: subscription.of(name) is None)
    for strange in ("9f3c-gate-9", "0000-gate-1", "9f3c-yard-1", "", "-", "9f3c-gate-²"):
        assert subscription.of(strange) is None, strange


def test_whoever_asks_too_early_may_wait_for_the_picture(gallery: Gallery) -> None:
    gallery.darkroom.use([gallery.camera.seat])
    subscription = gallery.darkroom.subscribe(PLAIN)
    name = gallery.come()
    assert subscription.of(name) is None, "nothing was encoded yet"
    threading.Timer(0.02, gallery.darkroom.start).start()
    found = subscription.of(name, wait_s=5.0)
    assert found is not None
    assert grey_of(found.jpeg) == pytest.approx(50, abs=3)


def test_nobody_who_wants_pictures_means_that_none_is_kept(gallery: Gallery) -> None:
    gallery.darkroom.use([gallery.camera.seat])
    gallery.come()
    assert gallery.darkroom.report().depth == 0
    subscription = gallery.darkroom.subscribe(PLAIN, gallery.told.append)
    gallery.darkroom.start()
    subscription.close()
    gallery.come(0.9)
    assert gallery.darkroom.report().depth == 0
    assert gallery.told == []


def test_a_subscription_that_was_closed_hears_nothing_more(gallery: Gallery) -> None:
    closed = gallery.start()
    heard: list[Highlight] = []
    gallery.darkroom.subscribe(PLAIN, heard.append)
    closed.close()
    closed.close()
    gallery.come()
    until(lambda: heard)
    assert gallery.told == []


def test_a_listener_that_fails_is_logged_once_and_keeps_nobody_else_from_hearing(
    gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Highlight) -> None:
        raise ZeroDivisionError

    gallery.darkroom.subscribe(PLAIN, fail)
    gallery.start()
    gallery.come(0.6)
    gallery.hears(1)
    gallery.camera.wait(3)
    gallery.hears(2)
    assert caplog.text.count("a picture was not taken camera=gate") == 1


def test_a_look_decides_on_width_box_and_bytes(gallery: Gallery) -> None:
    noisy: list[Highlight] = []
    gallery.darkroom.subscribe(Look(width=32, boxed=True, most_bytes=10**6), gallery.told.append)
    gallery.darkroom.subscribe(Look(boxed=False, most_bytes=1), noisy.append)
    gallery.darkroom.use([gallery.camera.seat])
    gallery.darkroom.start()
    gallery.come()
    picture = read_jpeg(gallery.hears(1).jpeg)
    assert picture.shape == (24, 32, 3)
    assert picture.std() > 10, "a box is drawn"
    until(lambda: noisy)
    assert read_jpeg(noisy[0].jpeg).std() < 3


def test_a_picture_that_cannot_be_encoded_costs_itself(
    gallery: Gallery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_bgr = PaintedPicture.to_bgr

    def broken(self: PaintedPicture, max_width: int | None = None) -> Any:
        if self.grey == 13:
            raise MemoryError
        return to_bgr(self, max_width)

    monkeypatch.setattr(PaintedPicture, "to_bgr", broken)
    gallery.start()
    gallery.come(0.6, grey=13)
    until(lambda: gallery.darkroom.missed == 1)
    assert "could not be encoded camera=gate" in caplog.text
    gallery.come(0.9, grey=200, pictures=1)
    gallery.clock.advance(1)
    assert grey_of(gallery.hears(1).jpeg) == pytest.approx(200, abs=3)


def test_pictures_that_wait_are_bounded_and_the_oldest_is_given_up(gallery: Gallery) -> None:
    gallery.darkroom.use([gallery.camera.seat])
    subscription = gallery.darkroom.subscribe(PLAIN)
    for _ in range(cabinet.MOST_WAITING + 6):
        # One more comes with every picture; whoever is there already is seen no better.
        gallery.camera.seat.watch.end_all()
        gallery.come(0.6, pictures=4)
    report = gallery.darkroom.report()
    assert (report.depth, report.capacity) == (cabinet.MOST_WAITING, cabinet.MOST_WAITING)
    assert gallery.darkroom.missed == 6
    assert subscription.of("9f3c-gate-1") is None


def test_encoded_pictures_are_bounded_in_bytes(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cabinet, "MOST_BYTES", 1)
    subscription = gallery.start()
    first = gallery.come()
    gallery.hears(1)
    gallery.camera.wait(3)
    second = gallery.come()
    until(lambda: subscription.of(second))
    assert subscription.of(first) is None
    assert gallery.darkroom.missed == 1


def test_a_camera_that_left_is_forgotten(gallery: Gallery) -> None:
    subscription = gallery.start()
    name = gallery.come()
    gallery.hears(1)
    gallery.darkroom.use([])
    assert subscription.of(name) is None
    gallery.come(0.9)
    assert gallery.darkroom.report().depth == 0


def test_the_stop_tells_how_objects_ended_that_were_there(gallery: Gallery) -> None:
    gallery.start()
    gallery.come()
    gallery.hears(1)
    gallery.camera.publisher.end_lives([gallery.camera.seat])
    assert gallery.darkroom.stop(5.0)
    assert [one.ended for one in gallery.told] == [False, True]


def test_what_is_kept_is_a_jpeg_and_no_longer_the_decoders_picture(gallery: Gallery) -> None:
    gallery.start()
    name = gallery.come()
    gallery.hears(1)
    best = gallery.darkroom.best(name)
    assert best is not None
    assert isinstance(best.sight, Sight)
    assert not isinstance(best.sight.picture, PaintedPicture)
    assert best.message.captured_ns == best.sight.captured_ns == best.subject.best.captured_ns
