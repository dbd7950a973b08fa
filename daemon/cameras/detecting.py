"""Detection of one camera, paused and resumed by people and programs while the daemon runs.

SwitchError   the camera cannot be paused or resumed
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from daemon.seats.roster import Roster

log = logging.getLogger(__name__)


class SwitchError(Exception):
    """One line for whoever asked."""


class DetectSwitch:
    """Any thread asks. What the camera saw is not told from that moment on; the main thread, which
    `wake` wakes, ends the lives of its objects and closes its stream, or opens it again.

    What was asked lives in the camera's seat: it outlasts reloads, and ends with the process or
    when the camera leaves the configuration.
    """

    def __init__(self, roster: Roster, *, wake: Callable[[], None]) -> None:
        self._roster = roster
        self._wake = wake

    def turn(self, camera: str, *, on: bool, by: str) -> None:
        """Pause or resume detection of this camera; `by` is who asks, for the log. Raises
        SwitchError for one that is not there or that the file turned off.
        """
        seat = self._roster.get(camera)
        if seat is None:
            raise SwitchError("no camera of this name is configured")
        if not seat.config.enabled:
            raise SwitchError("it is turned off here: enabled: false, or another server's camera")
        if seat.pause(not on):
            log.info("detection %s camera=%s by=%s", "resumed" if on else "paused", camera, by)
            self._wake()

    def is_on(self, camera: str) -> bool:
        """Whether its pictures are wanted; False for a camera that is not there."""
        seat = self._roster.get(camera)
        return seat is not None and seat.config.enabled and not seat.paused
