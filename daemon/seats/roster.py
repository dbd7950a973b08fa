"""Who is here: the seats of all cameras, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from config.camera import CameraConfig
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from daemon.seats.sight import Sight


class MakeSeat(Protocol):
    """Makes the seat of a camera, with who is told of its states and who counts its frames."""

    def __call__(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat: ...


class Roster:
    """The main thread seats cameras; any thread may ask who is here."""

    def __init__(self, make_seat: MakeSeat) -> None:
        self._make_seat = make_seat
        self._seats: Mapping[str, Seat] = {}  # in the order of the file; replaced as a whole
        self._numbers: dict[str, Numbers] = {}  # of every name that there has been

    def seats(self) -> Collection[Seat]:
        """Every camera, in the order of the file."""
        return self._seats.values()

    def get(self, name: str) -> Seat | None:
        """None for a camera that is not there."""
        return self._seats.get(name)

    def latest(self, camera: str) -> Sight | None:
        """See `daemon.seats.sight.Sights`."""
        seat = self._seats.get(camera)
        return seat.sight if seat else None

    def use(self, cameras: Mapping[str, CameraConfig], *, score_threshold: float | None) -> None:
        """Give each of these a seat, and those that have one these rules; who has none of these
        names leaves. Nothing is started.
        """
        before = self._seats
        seats = {}
        for name, config in cameras.items():
            rules = CameraRules(config, score_threshold=score_threshold)
            seat = before.get(name)
            if seat is None:
                numbers = self._numbers.setdefault(name, Numbers())
                seat = self._make_seat(name, config, rules=rules, numbers=numbers)
            else:
                seat.retune(config, rules)
            seats[name] = seat
        self._seats = seats
        for name, seat in before.items():
            if name not in seats:
                seat.leave()
