"""Which cameras this process may run and speak for: all of them, or in a fleet the granted ones."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Mapping
from typing import Protocol

from daemon.seats.permit import Licence, Permit


class Fence(Protocol):
    """What doors and app ask; any thread."""

    def licence(self, camera: str) -> Licence:
        """The same one for a name, however often it is asked for."""
        ...

    def granted(self, cameras: Collection[str], now_s: float) -> frozenset[str]:
        """Which of these shall run now."""
        ...

    def obeyed(self, running: frozenset[str]) -> None:
        """From now on these run and no others: the streams of the rest are closed."""
        ...


class NoFence:
    """A single daemon runs what its file says."""

    def licence(self, camera: str) -> Licence:
        del camera
        return Licence()

    def granted(self, cameras: Collection[str], now_s: float) -> frozenset[str]:
        del now_s
        return frozenset(cameras)

    def obeyed(self, running: frozenset[str]) -> None:
        """Nobody asks."""


class GrantFence:
    """A fleet's daemon: told by the tether's thread what is granted, asked by all others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._licences: dict[str, Licence] = {}
        self._leaving: frozenset[str] = frozenset()
        self._left: frozenset[str] = frozenset()

    def licence(self, camera: str) -> Licence:
        with self._lock:
            return self._licences.setdefault(camera, Licence(Permit(None, -math.inf)))

    def use(self, grants: Mapping[str, tuple[int, float]], leaving: Collection[str] = ()) -> None:
        """These hold, each as (number, monotonic end), and no others. Those in `leaving` are to
        stop, and may say what they still have to say.
        """
        for camera, (number, until_s) in grants.items():
            licence = self.licence(camera)
            if licence.permit.number == number:
                licence.permit.extend(until_s)
            else:
                licence.permit.end()
                licence.permit = Permit(number, until_s)
        with self._lock:
            gone = [of for camera, of in self._licences.items() if camera not in grants]
            self._leaving = frozenset(leaving)
            self._left &= self._leaving
        for licence in gone:
            licence.permit.end()

    def granted(self, cameras: Collection[str], now_s: float) -> frozenset[str]:
        with self._lock:
            return frozenset(
                camera
                for camera in cameras
                if camera not in self._leaving
                and (licence := self._licences.get(camera)) is not None
                and licence.permit.holds(now_s)
            )

    def obeyed(self, running: frozenset[str]) -> None:
        with self._lock:
            self._left = self._leaving - running

    @property
    def left(self) -> frozenset[str]:
        """Cameras that were asked to leave, and have."""
        with self._lock:
            return self._left
