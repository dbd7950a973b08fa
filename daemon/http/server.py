"""The thread `http`: a uvicorn server on a socket that was bound before."""

from __future__ import annotations

import errno
import socket
import threading
from functools import partial

import uvicorn

from config.credentials import credentials_directory
from config.errors import CredentialError
from daemon.errors import ListenError
from daemon.http.connection import MAX_CONNECTIONS, PatientConnection, Reception
from daemon.http.guarded import GuardedApp
from daemon.http.listener import ACCEPTS, QUEUE, Listener
from sinks.crowd import Attendance

MAX_HEAD_BYTES = 16_384  # of a request; more is answered 400
HUNG_MS = 30_000  # a peer that acknowledges nothing for so long is cut off
SEND_BUFFER_BYTES = 256 * 1024  # the kernel's share of what a peer has not taken yet
STOP_S = 0.6  # for answers that are on their way; then they are cut off


class HttpServer:
    """`bind` in the starting thread, then `start`; `stop` is idempotent and takes 1 s at most."""

    def __init__(
        self, app: GuardedApp, host: str, port: int, *, most_connections: int = MAX_CONNECTIONS
    ) -> None:
        self._app = app
        self._reception = Reception(most=most_connections)
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=partial(PatientConnection, self._reception),  # type: ignore[arg-type]
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=most_connections + 1,
                backlog=ACCEPTS,
            )
        )
        self._thread: threading.Thread | None = None

    def read_token(self) -> None:
        """From now on the token that its file holds now is asked for. Raises ListenError."""
        try:
            self._app.read_token(credentials_directory())
        except CredentialError as error:
            msg = f"http.token: {error}"
            raise ListenError(msg) from None

    def bind(self) -> None:
        """Read the token and take the address. Raises ListenError."""
        self.read_token()
        try:
            family, _, _, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            created = socket.create_server(address[:2], family=family, backlog=QUEUE)
            listener = Listener(fileno=created.detach())
        except OSError as error:
            raise ListenError(self._refusal(error)) from error
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HUNG_MS)
        self._socket = listener

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: the port in use where port 0 was asked for. Call after `bind`."""
        if self._socket is not None:
            self._host, self._port = self._socket.getsockname()[:2]
        return self._host, self._port

    @property
    def attendance(self) -> Attendance:
        """Who is connected, and who was sent away. Any thread."""
        return self._reception.attendance

    def start(self) -> None:
        """Answer requests from now on; call after `bind`."""
        listener = self._socket
        if listener is None:
            raise RuntimeError("start before bind")
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="http")
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> bool:
        """End streams, finish answers, free the address; False if the thread still runs."""
        self._app.close()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._reception.close()
            self._server.force_exit = True
            self._thread.join(1.0 - STOP_S)
        if self._socket is not None:
            self._socket.close()
        return not self.running

    def _refusal(self, error: OSError) -> str:
        where = f"{self._host}:{self._port}"
        if error.errno == errno.EADDRINUSE:
            return f"{where} is in use by another program; change http.listen or stop that program"
        if error.errno == errno.EACCES:
            return f"{where} needs more rights than this process has; take a port above 1023"
        return f"{where} cannot be listened on: {error.strerror or error}"
