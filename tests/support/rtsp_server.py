"""A real RTSP server for tests: GStreamer's, in a process of its own, one per test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.require import gstreamer_rtsp_server

STREET = Path(__file__).parents[2] / "config" / "demo" / "street.mp4"
_SCRIPT = Path(__file__).with_name("gst_rtsp_server.py")


class RtspServer:
    """`start` and `stop` as often as a test likes; the port stays the same."""

    def __init__(self, file: Path = STREET, *, login: tuple[str, str] | None = None) -> None:
        self._file = file
        self._login = login
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return self.url_of("/stream")

    def url_of(self, path: str, port: int | None = None) -> str:
        return f"rtsp://127.0.0.1:{port or self.port}{path}"

    def start(self) -> None:
        environment = dict(os.environ)
        if self._login is not None:
            environment["RTSP_USER"], environment["RTSP_PASSWORD"] = self._login
        self._process = subprocess.Popen(
            [gstreamer_rtsp_server(), str(_SCRIPT), str(self._file), "/stream", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the RTSP server did not start"
        self.port = int(line)

    def stop(self) -> None:
        """Kill it: clients see the connection break."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


@contextmanager
def rtsp_server(
    file: Path = STREET, *, login: tuple[str, str] | None = None
) -> Iterator[RtspServer]:
    server = RtspServer(file, login=login)
    server.start()
    try:
        yield server
    finally:
        server.stop()
