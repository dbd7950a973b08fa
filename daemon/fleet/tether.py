"""A daemon of a fleet hangs on its shard by a socket: grants come in, how it is goes out.

The tether's thread does both. When the shard is gone the daemon ends in order; and if even that
thread hangs, grants end by themselves, and the kernel ends the process with its shard.
"""

from __future__ import annotations

import ctypes
import logging
import os
import select
import signal
import socket
import threading
from collections.abc import Callable

from daemon.books.reports import Reporter
from daemon.clock import Clock
from daemon.fleet import wire
from daemon.seats.fence import GrantFence

LOOK_S = 0.05  # between two looks whether a camera has left
REPORT_S = 0.5  # between two reports of the cameras
_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """The kernel sends this process that signal when the thread that started it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def end_this_process() -> None:
    """As if somebody had sent SIGTERM."""
    os.kill(os.getpid(), signal.SIGTERM)


class Tether:
    """`fence` from the start; `start` once there is a reporter; `stop` may be called again."""

    def __init__(
        self, end: socket.socket, clock: Clock, *, on_loss: Callable[[], None] = end_this_process
    ) -> None:
        self.fence = GrantFence()
        self._end = end
        self._end.setblocking(False)
        self._clock = clock
        self._on_loss = on_loss
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lines = wire.Lines()
        self._heard = 0
        self._left: frozenset[str] = frozenset()
        self._reported_s = -REPORT_S

    @classmethod
    def of_descriptor(cls, descriptor: int, clock: Clock) -> Tether:
        """The end that the shard let this process inherit. Raises OSError for none."""
        os.set_inheritable(descriptor, False)
        return cls(socket.socket(fileno=descriptor), clock)

    def start(self, reporter: Reporter) -> None:
        self._thread = threading.Thread(target=self._run, args=(reporter,), name="tether")
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1.0)
        self._end.close()

    def _run(self, reporter: Reporter) -> None:
        try:
            while not self._stopping.is_set():
                news = self._listen()
                if news or self._due():
                    self._tell(reporter)
        except (OSError, ValueError) as error:
            if not self._stopping.is_set():
                log.warning("the shard is gone reason=%s", error)
                self.fence.use({})
                self._on_loss()

    def _listen(self) -> bool:
        """Obey what came; True if anything did. Raises OSError when the shard has hung up."""
        readable, _, _ = select.select([self._end], [], [], LOOK_S)
        if not readable:
            return False
        data = self._end.recv(65536)
        if not data:
            raise ConnectionResetError("it hung up")
        lines = self._lines.feed(data)
        if lines:
            said = wire.to_daemon(lines[-1])  # each says everything: the newest is enough
            self.fence.use(said.grants, said.leaving)
            self._heard = said.n
        return bool(lines)

    def _due(self) -> bool:
        return self.fence.left != self._left or (self._clock.now_s() - self._reported_s >= REPORT_S)

    def _tell(self, reporter: Reporter) -> None:
        now_s = self._clock.now_s()
        model, config = reporter.model(), reporter.config()
        last = config.last_reload
        self._left = self.fence.left
        self._reported_s = now_s
        said = wire.ToShard(
            heard=self._heard,
            left=tuple(sorted(self._left)),
            ready=reporter.readiness().ready,
            pace=model.pace if model else None,
            at_s=now_s,
            reloads=sum(config.reloads.values()),
            refused=last is not None and not last.result.is_success,
            cameras={
                camera.status.camera: wire.CameraState(
                    camera.status.state.value, round(camera.decode_s, 3), camera.page.inferred
                )
                for camera in reporter.cameras()
            },
        )
        self._send(wire.encode(said))

    def _send(self, data: bytes) -> None:
        """A shard that does not read for a second is as good as gone for this line."""
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self._end], [], 1.0)
            if not writable:
                raise TimeoutError("it does not read")
            view = view[self._end.send(view) :]
