"""The socket on which systemd would hear a service."""

from __future__ import annotations

import socket
import time
from types import TracebackType


class ServiceManager:
    """Listens where `address`, the value of $NOTIFY_SOCKET, says; `@` is the abstract namespace."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[dict[str, str]] = []  # one entry per datagram
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))

    def __enter__(self) -> ServiceManager:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address}

    def received(self) -> list[dict[str, str]]:
        """What has arrived since the last look, without waiting."""
        arrived = []
        while (news := self._receive(0)) is not None:
            arrived.append(news)
        return arrived

    def wait_for(self, assignment: str, timeout_s: float = 60.0) -> dict[str, str]:
        """The next datagram that holds `NAME=value`."""
        name, _, value = assignment.partition("=")
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            news = self._receive(left_s)
            if news and news.get(name) == value:
                return news
        msg = f"no {assignment} within {timeout_s} s, but {self.heard}"
        raise AssertionError(msg)

    def _receive(self, timeout_s: float) -> dict[str, str] | None:
        self._socket.settimeout(timeout_s)
        try:
            datagram = self._socket.recv(4096)
        except (BlockingIOError, TimeoutError):
            return None
        lines = [line.partition("=") for line in datagram.decode().split("\n")]
        self.heard.append({name: value for name, _, value in lines})
        return self.heard[-1]
