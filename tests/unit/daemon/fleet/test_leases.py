"""What a shard may use, by its own clock."""

from daemon.fleet.leases import Leases
from daemon.fleet.times import Times


def test_a_lease_counts_from_when_it_was_asked_for_not_from_when_the_answer_came() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7}, asked_s=100.0, now_s=101.5)
    assert leases.live(101.9)["gate"].number == 7
    assert leases.live(102.0) == {}


def test_an_answer_that_comes_after_a_freeze_gives_nothing() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7}, asked_s=100.0, now_s=107.0)
    assert leases.live(107.0) == {}


def test_what_the_answer_does_not_name_has_ended() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7, "yard": 8}, asked_s=100.0, now_s=100.0)
    leases.take({"yard": 8}, asked_s=100.5, now_s=100.5)
    assert leases.live(100.6).keys() == {"yard"}


def test_an_island_goes_on_with_what_nobody_has_overtaken() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7, "yard": 8}, asked_s=100.0, now_s=100.0)
    leases.extend({"gate": 7, "yard": 9}, asked_s=101.5, now_s=101.6)
    assert leases.live(103.4).keys() == {"gate"}
    assert leases.live(101.7).keys() == {"gate"}, "overtaken: at once, not at the end of its lease"


def test_a_lease_that_ended_is_not_raised_again_by_a_gateway() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7}, asked_s=100.0, now_s=100.0)
    leases.extend({}, asked_s=102.1, now_s=102.2)
    assert leases.live(102.2) == {}


def test_what_was_let_go_of_is_not_taken_up_again_under_the_same_number() -> None:
    leases = Leases(Times(2.0))
    leases.take({"gate": 7}, asked_s=100.0, now_s=100.0)
    leases.drop(frozenset({"gate"}))
    leases.take({"gate": 7}, asked_s=100.5, now_s=100.5)
    assert leases.live(100.6) == {}
    leases.take({"gate": 9}, asked_s=101.0, now_s=101.0)
    assert leases.live(101.1)["gate"].number == 9
