"""The Director's book: no grant is given while another one may be in use."""

from collections.abc import Callable
from itertools import count

import pytest

from daemon.fleet.grants import GrantBook
from daemon.fleet.times import Times

TIMES = Times(2.0)
START_S = 100.0


def numbers() -> Callable[[int], int]:
    rising = count(1)
    return lambda above: max(above + 1, next(rising))


@pytest.fixture
def book() -> GrantBook:
    return GrantBook(numbers(), TIMES, START_S - TIMES.regrant_s)


def hand_out(book: GrantBook, shard: str, reply: int, now_s: float) -> dict[str, int]:
    return book.renewed(shard, reply=reply, now_s=now_s)


def test_nothing_is_given_until_grants_of_a_director_before_have_ended() -> None:
    book = GrantBook(numbers(), TIMES, START_S)
    assert book.give("gate", "north", START_S + 2.4) is None
    assert book.give("gate", "north", START_S + 2.5) is not None


def test_a_grant_is_renewed_for_its_shard_alone(book: GrantBook) -> None:
    number = book.give("gate", "north", START_S)
    assert hand_out(book, "north", 1, START_S + 0.1) == {"gate": number}
    assert hand_out(book, "south", 2, START_S + 0.1) == {}


def test_another_shard_gets_the_camera_when_the_first_has_not_renewed_for_long_enough(
    book: GrantBook,
) -> None:
    first = book.give("gate", "north", START_S)
    hand_out(book, "north", 1, START_S)
    assert book.lapse(START_S + 2.49) == []
    assert book.give("gate", "south", START_S + 2.49) is None
    assert book.lapse(START_S + 2.5) == ["gate"]
    second = book.give("gate", "south", START_S + 2.5)
    assert first is not None
    assert second is not None
    assert second > first


def test_letting_go_counts_only_once_the_shard_knew_that_it_had_the_camera(
    book: GrantBook,
) -> None:
    book.give("gate", "north", START_S)
    hand_out(book, "north", 7, START_S)
    # Made before reply 7 came: it does not know of the grant, and may use it yet.
    assert book.report("north", {}, seen=6, now_s=START_S + 0.1) == []
    assert book.give("gate", "south", START_S + 0.1) is None
    assert book.report("north", {}, seen=7, now_s=START_S + 0.5) == ["gate"]
    assert book.give("gate", "south", START_S + 0.5) is not None


def test_a_revoked_grant_is_renewed_no_more_and_lapses(book: GrantBook) -> None:
    book.give("gate", "north", START_S)
    hand_out(book, "north", 1, START_S)
    book.revoke("gate")
    assert hand_out(book, "north", 2, START_S + 0.5) == {}
    assert book.lapse(START_S + 2.5) == ["gate"]


def test_a_new_director_learns_from_reports_and_never_gives_an_old_number(book: GrantBook) -> None:
    book.report("north", {"gate": 41}, seen=0, now_s=START_S)
    holder = book.holder("gate")
    assert holder is not None
    assert (holder.shard, holder.number) == ("north", 41)
    assert book.give("gate", "south", START_S) is None
    book.lapse(START_S + 2.5)
    number = book.give("gate", "south", START_S + 2.5)
    assert number is not None
    assert number > 41


def test_of_two_shards_that_report_one_camera_the_newer_grant_is_believed(book: GrantBook) -> None:
    book.report("north", {"gate": 41}, seen=0, now_s=START_S)
    book.report("south", {"gate": 43}, seen=0, now_s=START_S)
    assert hand_out(book, "north", 1, START_S) == {}
    assert hand_out(book, "south", 2, START_S) == {"gate": 43}


def test_shorter_leases_do_not_shorten_those_that_were_given_before() -> None:
    book = GrantBook(numbers(), Times(8.0), START_S - 10.0)
    book.give("gate", "north", START_S)
    hand_out(book, "north", 1, START_S)
    book.use(Times(2.0), START_S + 1.0)
    assert book.lapse(START_S + 9.9) == []
    assert book.lapse(START_S + 10.0) == ["gate"]
    book.give("gate", "south", START_S + 11.0)
    hand_out(book, "south", 2, START_S + 11.0)
    assert book.lapse(START_S + 13.5) == ["gate"], "and those that are given now are short"


def test_a_grant_that_ended_in_the_book_is_not_renewed_by_a_late_report(book: GrantBook) -> None:
    book.give("gate", "north", START_S)
    hand_out(book, "north", 1, START_S)
    assert hand_out(book, "north", 2, START_S + 2.5) == {}
