from sinks.backoff import BackOff


def test_waits_grow_to_their_bound():
    back_off = BackOff(0.5, 4.0, lambda: 1.0)
    assert [back_off.next_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_each_wait_is_between_half_and_all_of_its_ceiling():
    assert BackOff(0.5, 4.0, lambda: 0.0).next_s() == 0.25


def test_what_worked_for_long_starts_anew_and_what_did_not_goes_on():
    back_off = BackOff(0.5, 4.0, lambda: 1.0)
    back_off.next_s()
    back_off.worked(1.0)
    assert back_off.next_s() == 1.0
    back_off.worked(10.0)
    assert back_off.next_s() == 0.5


def test_where_trying_soon_does_harm_the_wait_is_longer():
    assert BackOff(0.5, 4.0, lambda: 1.0).next_s(at_least_s=30.0) == 30.0
