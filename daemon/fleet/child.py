"""The daemon of a shard: an ordinary `vedette run` as a child process, and the socket to it.

One thread, which must outlive the child: the kernel ends it with the thread that started it.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from daemon.clock import Clock
from daemon.fleet import wire
from daemon.fleet.leases import Lease
from daemon.fleet.orders import CameraFacts

PROGRAM = (sys.executable, "-m", "daemon.cli", "run")
MOST_LOG_BYTES = 10_000_000  # then it is begun anew, and the old one kept beside it
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0  # before a child that ended is started again
STOP_S = 4.0  # of the child's own 3 s
NICE = 5  # behind Ray: a raylet that gets no processor time is declared dead
SEND_BYTES = 4 * 1024**2  # that may wait in the socket: a child that is busy reads late
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")  # systemd's, for Ray's process

log = logging.getLogger(__name__)


class Child:
    """Starts it, feeds it, hears it, starts it again; never raises for what the child does."""

    def __init__(
        self, name: str, folder: Path, clock: Clock, *, program: Sequence[str] = PROGRAM
    ) -> None:
        self._name = name
        self._folder = folder
        self._clock = clock
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._lines = wire.Lines()
        self._unsent = b""
        self._sent = 0
        self._wait_s = FIRST_WAIT_S
        self._not_before_s = -1.0
        self.said = wire.ToShard(heard=0)  # the newest
        self.facts: dict[str, CameraFacts] = {}
        self.facts_s = 0.0

    @property
    def config(self) -> Path:
        return self._folder / f"{self._name}.yaml"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def write_config(self, text: str) -> None:
        """Whole or not at all, for the child's owner alone. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.config.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        beside.replace(self.config)

    def ensure(self, environment: Mapping[str, str]) -> bool:
        """Start it if it does not run and has waited long enough; True if it was started now."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
        if self._process is not None or self._clock.now_s() < self._not_before_s:
            return False
        try:
            self._start(environment)
        except OSError as error:
            log.error("daemon cannot be started shard=%s error=%s", self._name, error)  # noqa: TRY400
            self._put_off()
            return False
        return True

    def reload(self) -> None:
        """Let it read its configuration again."""
        self._signal(signal.SIGHUP)

    def send(self, leases: Mapping[str, Lease], leaving: Sequence[str]) -> int:
        """Say what is granted; the number by which the child says that it heard it."""
        self._sent += 1
        grants = {camera: (lease.number, lease.until_s) for camera, lease in leases.items()}
        if self._end is not None and not self._unsent:  # else it is still busy with the last one
            self._unsent = wire.encode(wire.ToDaemon(self._sent, grants, tuple(leaving)))
        self._flush()
        return self._sent

    def listen(self) -> None:
        """Take in what it said since."""
        self._flush()
        while self._end is not None:
            try:
                data = self._end.recv(65536)
                if not data:
                    break
                for line in self._lines.feed(data):
                    self._take(wire.to_shard(line))
            except BlockingIOError:
                return
            except (OSError, ValueError):
                break
        self._hang_up()

    def stop(self) -> None:
        """End it in order, or by force after `STOP_S`. May be called again."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._hang_up()

    def _start(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        try:
            with theirs, self._log_file() as errors:
                self._process = self._popen(theirs.fileno(), errors, environment)
        except OSError:
            ours.close()
            raise
        with suppress(OSError):  # before it starts threads, which have what it has
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        self._end, self._lines, self._unsent = ours, wire.Lines(), b""
        self.said = wire.ToShard(heard=0)
        self.facts = {}
        log.info("daemon started shard=%s pid=%d", self._name, self._process.pid)

    def _popen(
        self, descriptor: int, errors: IO[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        inherited = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
        return subprocess.Popen(  # noqa: S603 - our own program
            [*self._program, str(self.config), "--grants", str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[descriptor],
            env=inherited | dict(environment),
            start_new_session=True,  # a Ctrl-C is the shard's, which ends it in order
        )

    def _log_file(self) -> IO[bytes]:
        path = self._folder / f"{self._name}.log"
        with suppress(FileNotFoundError):
            if path.stat().st_size > MOST_LOG_BYTES:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)
        return path.open("ab")

    def _take(self, said: wire.ToShard) -> None:
        self.said = said
        if said.cameras is not None:
            self.facts_s = said.at_s
            self.facts = {
                camera: CameraFacts(of.state, of.decode_s, of.pictures)
                for camera, of in said.cameras.items()
            }
        if said.ready:
            self._wait_s = FIRST_WAIT_S

    def _flush(self) -> None:
        if self._end is None or not self._unsent:
            return
        try:
            self._unsent = self._unsent[self._end.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._hang_up()

    def _note_end(self, code: int | None) -> None:
        log.warning("daemon ended shard=%s exit=%s retry_s=%.1f", self._name, code, self._wait_s)
        self._process = None
        self._hang_up()
        self._put_off()

    def _put_off(self) -> None:
        self._not_before_s = self._clock.now_s() + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    def _hang_up(self) -> None:
        if self._end is not None:
            self._end.close()
        self._end, self._unsent = None, b""
        self.said = wire.ToShard(heard=0)
        self.facts = {}

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
