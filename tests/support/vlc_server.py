"""Another real RTSP server for tests: VLC's, over UDP (it has no RTP over TCP)."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon_process import free_port
from tests.support.require import program
from tests.support.rtsp_server import STREET
from tests.support.waiting import until


class VlcServer:
    """`start` and `stop` as often as a test likes; the port stays the same."""

    def __init__(self, file: Path = STREET) -> None:
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def start(self) -> None:
        command = [program("cvlc", package="vlc-bin"), "--quiet", "--loop", "--no-audio"]
        command += ["--sout", f"#rtp{{sdp={self.url}}}", "--sout-keep", "fd://0"]
        as_root = os.geteuid() == 0  # VLC refuses to run as root
        with self._file.open("rb") as file:  # opened here: nobody may not be let near it
            self._process = subprocess.Popen(
                command,
                user="nobody" if as_root else None,
                extra_groups=[] if as_root else None,
                cwd="/",
                env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
                stdin=file,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        until(self._describes, 20.0)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _describes(self) -> bool:
        """It listens some time before it has a stream."""
        request = f"DESCRIBE {self.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(request)
                return b" 200 " in client.recv(100)
        except OSError:
            return False


@contextmanager
def vlc_server(file: Path = STREET) -> Iterator[VlcServer]:
    server = VlcServer(file)
    server.start()
    try:
        yield server
    finally:
        server.stop()
