"""A camera whose pictures tests make up, from the answer to what is told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from daemon.answers.publisher import Publisher, Witness
from daemon.pipeline.threads import Result, Timing
from daemon.seats.seat import Seat
from detector.detections import Detections
from sinks.envelope import Envelope
from sinks.messages import DetectionMessage, EventMessage
from tests.support.fakes import FakeClock, FakeDetector, camera_config, frame, seat_of
from tests.support.pictures import PaintedPicture


class WatchedCamera:
    """One camera of 64×48 pixels, ten pictures a second; `witnesses` are given what it sees.

    Every picture is painted in a grey of its own, so that a test can tell which one it was.
    """

    def __init__(
        self, clock: FakeClock, *witnesses: Witness, name: str = "gate", **fields: Any
    ) -> None:
        self.clock = clock
        self.put: list[Envelope] = []
        self.publisher = Publisher(
            self.put.append, epoch="9f3c", node="lodge", clock=clock, witnesses=witnesses
        )
        self.seat: Seat = seat_of(name, camera_config(**fields))
        self.painted: dict[int, int] = {}  # grey by captured_ns

    def see(self, *scores: float, class_id: int = 0, grey: int = 128) -> None:
        """An object of each score, side by side and always in the same places."""
        places = 8.0 + 14 * np.arange(len(scores))
        boxes = np.array([[x - 5, 20, x + 5, 40] for x in places], np.float32).reshape(-1, 4)
        found = Detections(
            boxes, np.array(scores, np.float32), np.full(len(scores), class_id, np.int32)
        )
        self.clock.advance(0.1)
        now_s = self.clock.time_s
        shot = replace(
            frame(self.seat, now_s),
            picture=PaintedPicture(grey),
            captured_ns=self.clock.wall_ns(),
        )
        self.painted[shot.captured_ns] = grey
        self.publisher.result(
            Result(FakeDetector(), shot, found, None, Timing(now_s, now_s, now_s))
        )

    def wait(self, seconds: float) -> None:
        """Nobody is there for so long, and pictures say so."""
        for _ in range(round(seconds * 10)):
            self.see()

    def events(self, phase: str = "") -> list[EventMessage]:
        """Of objects, so far."""
        found = [e.message for e in self.put if isinstance(e.message, EventMessage)]
        return [one for one in found if one.event == "object" and phase in ("", one.phase)]

    def answers(self) -> list[DetectionMessage]:
        return [e.message for e in self.put if isinstance(e.message, DetectionMessage)]
