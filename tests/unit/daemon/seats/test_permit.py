"""A permit says nothing after its grant, whatever comes late."""

from daemon.seats.permit import Licence, Permit
from tests.support.fakes import seat_of


def test_a_single_daemon_may_always_speak_and_has_no_grant() -> None:
    permit = seat_of().permit
    assert permit.number is None
    assert permit.holds(1e12)


def test_a_permit_ends_at_its_moment() -> None:
    permit = Permit(7, 102.0)
    assert permit.holds(101.99)
    assert not permit.holds(102.0)


def test_a_late_renewal_does_not_shorten_it() -> None:
    permit = Permit(7, 102.0)
    permit.extend(103.0)
    permit.extend(101.0)
    assert permit.holds(102.5)


def test_an_ended_permit_never_holds_though_it_is_given_another_number() -> None:
    licence = Licence(Permit(7, 102.0))
    before = licence.permit
    before.end()
    licence.permit = Permit(9, 110.0)
    assert not before.holds(0.0)
    assert licence.permit.holds(109.0)
