"""The slots: newest wins, everything that is lost is counted, and nobody sleeps too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.books.accounting import Drop, Page
from daemon.pipeline.slot import Slot, SlotBoard, Waiting
from daemon.seats.seat import Seat
from tests.support.fakes import frame, seat_of
from tests.support.waiting import PATIENCE_S

EVER = float("-inf")  # nothing is too old


def with_slots(*cameras: str) -> tuple[SlotBoard, dict[str, Slot]]:
    board = SlotBoard()
    return board, {name: board.open(seat_of(name)) for name in cameras}


def put(slot: Slot, captured_s: float, *, value: int = 0) -> None:
    slot.put(frame(slot.seat, captured_s, value=value))


def seats(slots: dict[str, Slot], names: str) -> list[Seat]:
    return [slots[name].seat for name in names]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def elapsed_s(work: Callable[[], object]) -> float:
    started_s = time.monotonic()
    work()
    return time.monotonic() - started_s


def test_newest_wins_and_the_overwritten_frame_is_counted() -> None:
    board, slots = with_slots("a", "b")
    for value in (1, 2, 3):
        put(slots["a"], value, value=value)
    put(slots["b"], 1.0)
    assert len(board) == 2
    (taken,) = board.take(seats(slots, "a"))
    assert taken.captured_s == 3
    page = slots["a"].seat.ledger.page()
    assert (page.captured, page.dropped[Drop.OVERWRITTEN], page.in_flight) == (3, 2, 1)
    assert slots["b"].seat.ledger.page().dropped[Drop.OVERWRITTEN] == 0


def test_frames_are_taken_in_the_order_asked_for() -> None:
    board, slots = with_slots("a", "b", "c")
    for name in "abc":
        put(slots[name], 1.0)
    assert [
        f.camera for f in board.take([slots["c"].seat, seat_of("nobody"), slots["a"].seat])
    ] == ["c", "a"]
    assert board.take(seats(slots, "ca")) == []
    assert len(board) == 1


def test_a_view_shows_what_waits_and_what_came_since_the_view_before() -> None:
    board, slots = with_slots("a", "b")
    put(slots["a"], 1.0)
    put(slots["b"], 2.0)
    put(slots["a"], 3.0)
    waiting, arrivals = board.view(oldest_s=EVER)
    assert waiting == [Waiting(slots["a"].seat, 3.0), Waiting(slots["b"].seat, 2.0)]
    assert arrivals == [
        Waiting(slots["a"].seat, 1.0),
        Waiting(slots["b"].seat, 2.0),
        Waiting(slots["a"].seat, 3.0),
    ]
    assert board.view(oldest_s=EVER) == (waiting, [])


def test_a_stale_frame_is_counted_and_never_dispatched() -> None:
    board, slots = with_slots("old", "edge")
    put(slots["old"], 9.0)
    put(slots["edge"], 9.5)
    waiting, _ = board.view(oldest_s=9.5)
    assert waiting == [Waiting(slots["edge"].seat, 9.5)]
    assert [f.camera for f in board.take([slot.seat for slot in slots.values()])] == ["edge"]
    page = slots["old"].seat.ledger.page()
    assert (page.dropped[Drop.STALE], page.in_flight) == (1, 0)


def test_what_waits_in_a_removed_slot_is_dropped_as_shutdown() -> None:
    board, slots = with_slots("a", "b")
    put(slots["a"], 1.0)
    board.close(slots["a"].seat)
    board.close(slots["b"].seat)
    assert board.take(seats(slots, "a")) == []
    assert slots["a"].seat.ledger.page() == Page(
        1, 0, dict.fromkeys(Drop, 0) | {Drop.SHUTDOWN: 1}, in_flight=0
    )
    assert slots["b"].seat.ledger.page().captured == 0


def test_what_comes_for_a_removed_slot_is_counted_and_not_kept() -> None:
    board, slots = with_slots("a")
    board.close(slots["a"].seat)
    for _ in range(2):
        put(slots["a"], 1.0)
    page = slots["a"].seat.ledger.page()
    assert (page.captured, page.dropped[Drop.SHUTDOWN], page.in_flight) == (2, 2, 0)
    assert len(board) == 0


def test_nothing_waits_in_an_empty_slot() -> None:
    _, slots = with_slots("a")
    assert slots["a"].wait_until_taken(0.0)


def test_a_frame_that_is_not_taken_in_time_is_told() -> None:
    _, slots = with_slots("a")
    put(slots["a"], 1.0)
    assert not slots["a"].wait_until_taken(0.01)


@pytest.mark.parametrize(
    "end",
    [
        lambda board, seat: board.take([seat]),
        lambda board, _seat: board.view(oldest_s=2.0),
        lambda board, seat: board.close(seat),
    ],
    ids=["taken", "stale", "removed"],
)
def test_a_lossless_source_goes_on_once_its_frame_is_gone(
    end: Callable[[SlotBoard, Seat], object],
) -> None:
    board, slots = with_slots("a")
    put(slots["a"], 1.0)
    gone: list[bool] = []
    waiter = in_thread(lambda: gone.append(slots["a"].wait_until_taken(PATIENCE_S)))
    assert elapsed_s(lambda: (end(board, slots["a"].seat), waiter.join())) < PATIENCE_S / 2
    assert gone == [True]


def test_wake_ends_a_wait_that_runs() -> None:
    board, _ = with_slots("a")
    waiter = in_thread(lambda: board.wait(PATIENCE_S, for_arrivals=False))
    assert elapsed_s(lambda: (board.wake(), waiter.join())) < PATIENCE_S / 2


def test_wake_ends_a_wait_that_begins_later_but_only_one() -> None:
    board, _ = with_slots("a")
    board.wake()
    assert elapsed_s(lambda: board.wait(PATIENCE_S, for_arrivals=False)) < PATIENCE_S / 2
    assert elapsed_s(lambda: board.wait(0.02, for_arrivals=False)) >= 0.015


def test_the_next_frame_ends_a_wait_for_arrivals() -> None:
    board, slots = with_slots("a")
    waiter = in_thread(lambda: board.wait(PATIENCE_S, for_arrivals=True))
    assert elapsed_s(lambda: (put(slots["a"], 1.0), waiter.join())) < PATIENCE_S / 2


def test_a_frame_that_came_since_the_view_ends_a_wait_for_arrivals_at_once() -> None:
    board, slots = with_slots("a")
    board.view(oldest_s=EVER)
    put(slots["a"], 1.0)
    assert elapsed_s(lambda: board.wait(PATIENCE_S, for_arrivals=True)) < PATIENCE_S / 2


def test_a_frame_that_was_seen_already_ends_no_wait() -> None:
    board, slots = with_slots("a")
    put(slots["a"], 1.0)
    board.view(oldest_s=EVER)
    assert elapsed_s(lambda: board.wait(0.02, for_arrivals=True)) >= 0.015


def test_frames_do_not_end_a_wait_for_the_accelerator() -> None:
    board, slots = with_slots("a")
    waiter = in_thread(lambda: board.wait(0.05, for_arrivals=False))

    def put_some() -> None:
        for _ in range(5):
            put(slots["a"], 1.0)
            time.sleep(0.002)
        waiter.join()

    assert elapsed_s(put_some) >= 0.04


def test_every_frame_is_accounted_for_while_cameras_and_batcher_race() -> None:
    names = ("a", "b", "c")
    board, slots = with_slots(*names)
    taken = dict.fromkeys(names, 0)

    def film(name: str) -> None:
        for number in range(300):
            put(slots[name], number)

    cameras = [in_thread(lambda name=name: film(name)) for name in names]
    while any(camera.is_alive() for camera in cameras):
        board.wait(0.01, for_arrivals=True)
        board.view(oldest_s=5.0)
        for got in board.take([slot.seat for slot in slots.values()]):
            taken[got.camera] += 1
            got.seat.ledger.inferred()
        assert all(slot.seat.ledger.page().balanced for slot in slots.values())
    for name in names:
        board.close(slots[name].seat)
        page = slots[name].seat.ledger.page()
        assert (page.captured, page.inferred, page.in_flight) == (300, taken[name], 0)
        assert page.balanced


def test_what_a_thread_that_was_replaced_still_delivers_is_dropped_as_shutdown() -> None:
    board, slots = with_slots("a")
    before = slots["a"]
    board.close(before.seat)
    after = board.open(before.seat)
    put(before, 1.0)
    assert len(board) == 0
    put(after, 2.0)
    put(before, 3.0)
    (taken,) = board.take([before.seat])
    assert taken.captured_s == 2.0
    page = before.seat.ledger.page()
    assert (page.captured, page.dropped[Drop.SHUTDOWN], page.in_flight) == (3, 2, 1)


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "take", "view", "close", "open"]), st.sampled_from("ab"))
    )
)
def test_in_flight_is_what_waits_and_what_was_taken(steps: list[tuple[str, str]]) -> None:
    board, slots = with_slots("a", "b")
    opened = {"a", "b"}
    held = 0
    for number, (step, name) in enumerate(steps):
        if step == "put":
            put(slots[name], number)
        elif step == "take":
            held += len(board.take([slots[name].seat]))
        elif step == "view":
            board.view(oldest_s=number - 2)
        elif step == "close" and name in opened:
            board.close(slots[name].seat)
            opened.discard(name)
        elif step == "open" and name not in opened:
            slots[name] = board.open(slots[name].seat)
            opened.add(name)
        pages = [slot.seat.ledger.page() for slot in slots.values()]
        assert all(page.balanced for page in pages)
        assert sum(page.in_flight for page in pages) == len(board) + held


def test_frames_that_would_be_too_many_rows_stay_and_the_first_goes_in_any_case() -> None:
    board = SlotBoard()
    seats = {name: seat_of(name) for name in "abc"}
    for name, rows in (("a", 3), ("b", 4), ("c", 2)):
        board.open(seats[name]).put(frame(seats[name], 1.0, rows=rows))
    waiting, _ = board.view(oldest_s=0.0)
    assert [w.rows for w in waiting] == [3, 4, 2]
    taken = board.take([seats[name] for name in "abc"], most_rows=5)
    assert [shot.camera for shot in taken] == ["a", "c"]
    assert len(board) == 1
    assert [shot.camera for shot in board.take([seats["b"]], most_rows=1)] == ["b"]
