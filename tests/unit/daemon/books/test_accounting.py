"""The books: nothing is lost between two of them, whatever order things happen in."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.books.accounting import Drop, Ledger, Page, total

NOTHING = dict.fromkeys(Drop, 0)


def test_every_reason_is_on_the_first_page_at_zero() -> None:
    assert Ledger().page() == Page(0, 0, NOTHING, 0)


def test_a_frame_is_in_flight_until_it_has_its_fate() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger.captured()
    ledger.inferred()
    ledger.dropped(Drop.OVERWRITTEN)
    assert ledger.page() == Page(3, 1, NOTHING | {Drop.OVERWRITTEN: 1}, 1)


def test_a_frame_dropped_on_arrival_is_never_in_flight() -> None:
    ledger = Ledger()
    ledger.captured_and_dropped(Drop.FPS_CAP, 4)
    ledger.captured_and_dropped(Drop.CORRUPT)
    page = ledger.page()
    assert (page.captured, page.in_flight) == (5, 0)
    assert (page.dropped[Drop.FPS_CAP], page.dropped[Drop.CORRUPT]) == (4, 1)


def test_a_frame_that_takes_the_place_of_another_is_in_flight_instead_of_it() -> None:
    ledger = Ledger()
    ledger.captured()
    ledger.captured_in_place_of(Drop.OVERWRITTEN)
    assert ledger.page() == Page(2, 0, NOTHING | {Drop.OVERWRITTEN: 1}, 1)


def test_a_page_does_not_change_after_it_was_read() -> None:
    ledger = Ledger()
    page = ledger.page()
    ledger.captured_and_dropped(Drop.CORRUPT)
    assert page == Page(0, 0, NOTHING, 0)


@pytest.mark.parametrize(
    "page",
    [
        Page(1, 0, NOTHING, 0),
        Page(0, 1, NOTHING, 0),
        Page(0, 0, NOTHING | {Drop.STALE: 1}, 0),
        Page(0, 0, NOTHING, 1),
    ],
)
def test_a_frame_without_a_name_unbalances_the_page(page: Page) -> None:
    assert not page.balanced


@given(st.lists(st.sampled_from(["cap", "put", "replace", "inferred", *Drop])))
def test_the_law_holds_after_every_step(steps: list[str]) -> None:
    ledger = Ledger()
    for step in steps:
        if step == "cap":
            ledger.captured_and_dropped(Drop.FPS_CAP)
        elif step == "put":
            ledger.captured()
        elif ledger.page().in_flight:
            if step == "replace":
                ledger.captured_in_place_of(Drop.OVERWRITTEN)
            elif step == "inferred":
                ledger.inferred()
            else:
                ledger.dropped(Drop(step))
        assert ledger.page().balanced


def test_no_count_is_lost_between_threads() -> None:
    ledger = Ledger()

    def count() -> None:
        for _ in range(500):
            ledger.captured()
            ledger.inferred()
            ledger.captured_and_dropped(Drop.FPS_CAP)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert ledger.page().balanced
    assert ledger.page() == Page(4000, 2000, NOTHING | {Drop.FPS_CAP: 2000}, 0)


def test_total_adds_up_several_cameras() -> None:
    one = Page(5, 2, NOTHING | {Drop.STALE: 2}, 1)
    other = Page(3, 1, NOTHING | {Drop.STALE: 1, Drop.CORRUPT: 1}, 0)
    assert total(iter([one, other])) == Page(8, 3, NOTHING | {Drop.STALE: 3, Drop.CORRUPT: 1}, 1)
    assert total([]) == Page(0, 0, NOTHING, 0)
