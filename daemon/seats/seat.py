"""One camera's place in the daemon: all that is its own, in one object that its frames carry.

Nothing that a frame passes looks a camera up by its name. What belongs to a camera that was taken
out of the configuration ends with the last reference to its seat: that of its last frame.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from config.camera import CameraConfig
from daemon.books.accounting import Ledger
from daemon.books.states import Status
from daemon.seats.counting import Counting
from daemon.seats.permit import Licence, Permit
from daemon.seats.rules import CameraRules
from daemon.seats.sight import Sight
from daemon.seats.turn import Turn
from daemon.seats.view import View
from daemon.tracking.watch import Watch
from detector.letterbox import InputSpec


class Worker(Protocol):
    """A camera's thread; `daemon.capture.worker.CameraWorker` in life."""

    def start(self) -> None: ...

    def use_input(self, spec: InputSpec) -> None:
        """Deliver frames for this input from now on."""
        ...

    def request_stop(self) -> None:
        """Ask it to end; returns at once."""
        ...

    def join(self, timeout_s: float) -> bool:
        """False if it is still busy after that long."""
        ...


@dataclass(slots=True)
class Numbers:
    """What must never come twice for a name while the process runs: it outlives the seat, in case
    the name comes back. The results thread's.
    """

    seq: int = 0  # of the newest message
    event_seq: int = 0  # of the newest event
    track: int = 0  # of the newest object


class Seat:
    """Made and ended by the roster (main thread). Beside each part stands whose it is."""

    def __init__(
        self,
        name: str,
        config: CameraConfig,
        *,
        status: Status,
        rules: CameraRules,
        numbers: Numbers,
        counts: Counting,
        licence: Licence | None = None,
    ) -> None:
        self.name = name
        self.config = config  # the main thread replaces it
        self.ledger = Ledger()  # any thread
        self.status = status  # any thread
        self.counts = counts  # any thread
        self.licence = licence or Licence()  # any thread; a fleet's fence replaces what is in it
        self.turn = Turn(config.priority)  # the batching thread's; a new one with each start
        self.rules = rules  # the results thread's; the main thread replaces it
        self.most_rows = 1  # of a frame with tiles; like `view`
        self.view = View.of(config.detect)  # the camera's thread's; the main thread replaces it
        self.numbers = numbers  # the results thread's
        self.watch = Watch(config, last_number=numbers.track)  # whose who answers, see `answering`
        self.sight: Sight | None = None  # the newest; the results thread replaces it
        self.decode_s = 0.0  # processor time of its stream; the camera's thread counts it
        self.worker: Worker | None = None  # the main thread's; None for one that is switched off
        self.answering = threading.Lock()  # held while an answer is published, the watch asked
        self._left = False
        self._paused = False

    def __repr__(self) -> str:
        return f"Seat({self.name})"

    @property
    def permit(self) -> Permit:
        """Under which it may speak now."""
        return self.licence.permit

    @property
    def shows_objects(self) -> bool:
        """Whether there is one that must not be left alone: what is followed, but for what stands
        still; without tracking whatever the newest answer reported. Any thread.
        """
        if self.watch.enabled:
            return self.watch.is_restless
        sight = self.sight
        return sight is not None and len(sight.detections) > 0

    def retune(self, config: CameraConfig, rules: CameraRules) -> None:
        """Other rules, another view or priority; its thread goes on and sees it for itself."""
        self.config = config
        self.rules = rules
        self.view = View.of(config.detect)
        self.turn.weight = config.priority
        with self.answering:
            self.watch.retune(config)

    @property
    def has_left(self) -> bool:
        """Whether it was taken out of the configuration: nothing may be said of it. Whoever asks
        is `answering`.
        """
        return self._left

    @property
    def paused(self) -> bool:
        """Whether somebody wants no pictures of it for now. Any thread."""
        return self._paused

    def pause(self, paused: bool) -> bool:
        """Want no pictures of it, or want them again; True where that is news. Any thread.

        Once this returns nothing that it saw is said or shown, whatever is still on its way; its
        stream is closed by whoever looks after its thread. A reload changes nothing of it.
        """
        with self.answering:
            is_news = paused is not self._paused
            self._paused = paused
            if paused:
                self.sight = None
            return is_news

    def leave(self) -> None:
        """The camera was taken out of the configuration: once this returns nothing is said of it,
        whatever is still on its way.
        """
        with self.answering:
            self._left = True
        self.status.close()
        self.counts.close()
