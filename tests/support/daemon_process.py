"""A real `vedette run` in a process of its own, as systemd would start it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import zmq

from sinks.messages import Message, decode

ROOT = Path(__file__).parents[2]
START_S = 60.0


# Below the ports that the kernel gives to clients; every process of tests has 200 of its own, and
# asks for them in turn: none is given twice while its first taker is still about to listen there.
_FIRST_PORT = 20_000 + os.getpid() % 60 * 200
_PORTS = itertools.cycle(range(_FIRST_PORT, _FIRST_PORT + 200))


def free_port() -> int:
    """A TCP port on loopback that nobody uses and that nobody else is given."""
    while True:
        port = next(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class DaemonProcess:
    """Start it with a configuration (JSON is YAML); ports are added to it."""

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any],
        *arguments: str,
        program: Sequence[str] = ("daemon.cli", "run"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.http = f"127.0.0.1:{free_port()}"
        self.zeromq = f"tcp://127.0.0.1:{free_port()}"
        self._sections = {
            "version": 1,
            "http": {"listen": self.http},
            "sinks": {"zeromq": {"bind": self.zeromq}},
        } | config
        self.config = folder / "vedette.yaml"
        self.config.write_text(json.dumps(self._sections))
        self.lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *program, str(self.config), *arguments],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip())
                self._ended = "stopped captured=" in line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def log(self) -> str:
        with self._changed:
            return "\n".join(self.lines)

    def wait_for(self, text: str, timeout_s: float = START_S) -> str:
        """The first log line that holds `text`."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, timeout_s)
            line = found()
        assert line, f"no {text!r} within {timeout_s} s in:\n{self.log}"
        return line

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path)[1])

    def camera_is(self, name: str, state: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """Wait for a camera to be in `state`; what the API says of it then."""
        deadline_s = time.monotonic() + timeout_s
        self.wait_for("listening")
        while (camera := self.get_json(f"/api/v1/cameras/{name}"))["state"] != state:
            assert time.monotonic() < deadline_s, f"{name} is {camera['state']}:\n{self.log}"
            time.sleep(0.05)
        return dict(camera)

    def write(self, **sections: Any) -> None:
        """Replace these sections of the configuration file."""
        self._sections |= sections
        self.config.write_text(json.dumps(self._sections, indent=1))

    def reload(self, **sections: Any) -> str:
        """Replace them and hang up; the log line that tells what became of it."""
        self.write(**sections)
        return self.hang_up()

    def hang_up(self) -> str:
        """Send SIGHUP and wait for the end of the reload."""
        before = len(self.reloads())
        self.process.send_signal(signal.SIGHUP)
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.reloads()) > before, START_S)
        assert done, f"no reload in:\n{self.log}"
        return self.reloads()[before]

    def reloads(self) -> list[str]:
        """What became of every reload so far, from the log."""
        return [
            line.partition("reloader: reload ")[2] for line in self.lines if ": reload " in line
        ]

    def threads(self) -> set[str]:
        """Numbers of all threads."""
        return {task.name for task in Path(f"/proc/{self.process.pid}/task").iterdir()}

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait; exit code and seconds until the daemon had stopped.

        What the interpreter does after that (under coverage it writes its data) is not counted.
        """
        started_s = time.monotonic()
        self.process.send_signal(number)
        with self._changed:
            self._changed.wait_for(lambda: self._ended, 15)
        seconds = time.monotonic() - started_s
        code = self.process.wait(15)
        self._reader.join(5)
        return code, seconds


@contextmanager
def running_daemon(
    folder: Path, config: dict[str, Any], *arguments: str, **options: Any
) -> Iterator[DaemonProcess]:
    """The daemon; killed at the end if the test did not stop it."""
    daemon = DaemonProcess(folder, config, *arguments, **options)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait(10)
        daemon._reader.join(5)
        assert daemon.process.stderr is not None
        daemon.process.stderr.close()


class Subscriber:
    """A ZeroMQ subscriber of a daemon."""

    def __init__(self, endpoint: str, topic: bytes = b"det.") -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.subscribe(topic)
        self._socket.connect(endpoint)

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close(linger=0)
        self._context.term()

    def next(self, timeout_s: float = 10.0) -> Message:
        """The next message."""
        assert self._socket.poll(timeout_s * 1000), f"nothing published within {timeout_s} s"
        return decode(*self._socket.recv_multipart())
