"""Cameras that can be paused, without threads: a roster, its switch, and reports of it."""

from __future__ import annotations

from config.camera import CameraConfig
from daemon.cameras.detecting import DetectSwitch
from daemon.seats.roster import Roster
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from tests.support.fakes import seat_of


class Switchboard:
    """`woken` counts how often the main thread was asked to look."""

    def __init__(self, **cameras: CameraConfig) -> None:
        self.roster = Roster(_seat)
        self.roster.use(cameras, score_threshold=0.4)
        self.woken = 0
        self.switch = DetectSwitch(self.roster, wake=self._wake)

    def seat(self, name: str) -> Seat:
        seat = self.roster.get(name)
        assert seat is not None
        return seat

    def _wake(self) -> None:
        self.woken += 1


def _seat(name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers) -> Seat:
    return seat_of(name, config, numbers=numbers)
