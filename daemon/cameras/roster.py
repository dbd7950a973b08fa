"""A camera's places all over the daemon: it joins and leaves them together. Main thread."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from config.camera import CameraConfig
from daemon.answers.live import LiveBoard
from daemon.answers.publisher import Publisher
from daemon.answers.rules import CameraRules
from daemon.books.states import CameraState, StatusBoard
from daemon.cameras.fleet import Fleet
from daemon.capture.errors import Kind
from daemon.metrics import Metrics
from daemon.reload.changes import camera_changes

log = logging.getLogger(__name__)

STOP_S = 0.8  # for all cameras that are stopped at once


class Roster:
    """What the fleet runs is what there is; the other parts follow it."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        board: StatusBoard,
        publisher: Publisher,
        metrics: Metrics,
        live: LiveBoard,
    ) -> None:
        self._fleet = fleet
        self._board = board
        self._publisher = publisher
        self._metrics = metrics
        self._live = live

    def given_up(self) -> frozenset[str]:
        """Cameras that will not be tried again by themselves, but for files played to their end."""
        return frozenset(
            status.camera
            for status in self._board.all()
            if status.state is CameraState.FAILED and status.reason != Kind.EOF
        )

    def use(
        self,
        cameras: Mapping[str, CameraConfig],
        *,
        score_threshold: float | None,
        again: Collection[str] = (),
    ) -> None:
        """Make these the cameras that run. The stream of one that is the same, or has but other
        rules, is not touched; those in `again` are opened anew in any case.
        """
        changes = camera_changes(self._fleet.configs(), cameras, given_up=again)
        self.stop(STOP_S, [*changes.removed, *changes.restarted])
        for name in changes.removed:
            self._forget(name)
        running = self._fleet.configs()
        for name, camera in cameras.items():
            self._publisher.add(name, CameraRules(camera, score_threshold=score_threshold))
            if name in running:
                self._fleet.retune(name, camera)
            else:
                self._join(name, camera)

    def stop(self, timeout_s: float, names: Collection[str] | None = None) -> bool:
        """Stop these cameras, or all; False if a thread is still blocked."""
        blocked = self._fleet.stop(timeout_s, names)
        for name in blocked:
            log.warning("camera is still blocked camera=%s", name)
        return not blocked

    def _join(self, name: str, camera: CameraConfig) -> None:
        self._metrics.add_camera(name)
        self._board.add(name)
        self._publisher.status(self._board.get(name))
        self._fleet.add(name, camera)

    def _forget(self, name: str) -> None:
        self._publisher.remove(name)
        self._fleet.forget(name)
        self._board.remove(name)
        self._metrics.remove_camera(name)
        self._live.remove(name)
