"""Tiles take what the accelerator has left, and do not jump about."""

from __future__ import annotations

import pytest

from daemon.books.accounting import Drop
from daemon.cameras.tiling import LOOK_S, PATIENCE, Demand, TileBudget, allowance
from daemon.seats.seat import Seat
from tests.support.fakes import FakeClock, camera_config, seat_of

AUTO = Demand(5, is_auto=True)


def rows(*demands: Demand, rows_per_s: float = 100, max_share: float = 0.5, most: int = 16) -> int:
    return allowance(demands, rows_per_s=rows_per_s, max_share=max_share, most_rows=most)


def test_tiles_share_their_part_of_the_accelerator() -> None:
    assert rows(AUTO) == 1 + 10
    assert rows(AUTO, AUTO) == 1 + 5
    assert rows(AUTO, max_share=0.1) == 1 + 2


def test_they_get_no_more_than_other_cameras_leave() -> None:
    assert rows(AUTO, Demand(50)) == 1 + int((90 - 55) / 5)
    assert rows(AUTO, Demand(10, rows=8)) == 1 + int((90 - 85) / 5)
    assert rows(AUTO, Demand(100)) == 1


def test_a_frame_has_no_more_rows_than_a_batch() -> None:
    assert rows(AUTO, rows_per_s=1e6, most=8) == 8


def test_without_such_cameras_nothing_is_shared() -> None:
    assert rows(Demand(5)) == 1
    assert rows() == 1


class Office:
    """A budget with a camera of each kind."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.budget = TileBudget(self.clock)
        self.auto = self.seat("auto", "auto")
        self.stated = self.seat("stated", {"size": 640})
        self.plain = self.seat("plain", None)
        self.seats = [self.auto, self.stated, self.plain]
        self.budget.use(self.seats, 8)

    def look(self, rows_per_s: float | None, *, times: int = 1) -> int:
        for _ in range(times):
            self.budget.tick(self.seats, rows_per_s=rows_per_s, max_share=0.5, most_rows=8)
            self.clock.advance(LOOK_S)
        return self.auto.most_rows

    @staticmethod
    def seat(name: str, tiles: object) -> Seat:
        return seat_of(name, camera_config(detect={"tiles": tiles}))


@pytest.fixture
def office() -> Office:
    return Office()


def test_at_the_beginning_nothing_is_known_and_there_are_no_tiles(office: Office) -> None:
    assert office.auto.most_rows == 1
    assert office.look(None) == 1


def test_tiles_of_a_stated_size_are_bounded_by_the_batch_alone(office: Office) -> None:
    office.look(10)
    assert office.stated.most_rows == 8


def test_the_first_share_is_given_at_once_and_said(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert office.look(50) == 6
    (said,) = caplog.messages
    assert said.endswith("rows=6 was=1 rows_per_s=50 max_share=0.50 cameras=auto")


def test_less_is_taken_up_at_once_and_more_when_it_lasts(office: Office) -> None:
    assert office.look(50) == 6
    assert office.look(30) == 3
    assert office.look(50, times=PATIENCE - 1) == 3
    assert office.look(50) == 6


def test_a_row_more_or_less_moves_no_tiles(office: Office) -> None:
    assert office.look(60) == 7
    assert office.look(75, times=10) == 7


def test_between_two_looks_nothing_changes(office: Office) -> None:
    office.look(50)
    office.clock.advance(-LOOK_S + 1)
    assert office.look(20) == 6


def test_another_detector_with_smaller_batches_is_heeded_at_once(office: Office) -> None:
    office.look(60)
    office.budget.use(office.seats, 4)
    assert [seat.most_rows for seat in office.seats] == [4, 4, 4]


def test_more_comes_at_most_once_a_minute(office: Office) -> None:
    assert office.look(30) == 3
    began_s = office.clock.now_s()
    while office.look(60) == 3:
        pass
    assert office.auto.most_rows == 7
    assert office.clock.now_s() - began_s >= 60


def test_there_is_no_more_while_frames_come_too_late_for_the_detector(office: Office) -> None:
    office.look(30)
    for _ in range(3 * PATIENCE):
        office.plain.ledger.captured_and_dropped(Drop.OVERWRITTEN)
        assert office.look(60) == 3
    assert office.look(60, times=PATIENCE) == 7


def test_cameras_that_come_take_their_part_at_once_and_leave_it_in_time(office: Office) -> None:
    assert office.look(60) == 7
    office.seats.append(Office.seat("second", "auto"))
    office.budget.use(office.seats, 8)
    assert office.look(60) == 1 + int(0.5 * 60 / 10)
    assert office.seats[-1].most_rows == 4
    office.seats.pop()
    office.budget.use(office.seats, 8)
    assert office.look(60, times=PATIENCE - 1) == 4
    assert office.look(60) == 7
