"""Ask an RTSP camera for its stream before FFmpeg does, to see whether it stays where it is.

FFmpeg follows a redirect to any host and says the camera's login there. This asks the same two
questions that FFmpeg can be redirected by (OPTIONS, DESCRIBE), logs in in the same way, and
refuses to go on where an answer leads to another host. Everything else that is odd about the
answers is left for FFmpeg to find.

It is no fence: a camera that answers the second connection otherwise is believed. Such a camera
has been given the login anyway; what it can reach through this machine is limited by the
service's IPAddressAllow= (see SECURITY.md).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import SupportsFloat
from urllib.parse import SplitResult, unquote, urlsplit

from config.urls import is_link_local, is_metadata_host
from daemon.capture.errors import CaptureError, Kind
from daemon.capture.rtsp_login import Login

_END = b"\r\n\r\n"
_MOST_BYTES = 65_536  # of an answer, up to the next question
_MOST_REDIRECTS = 3
_PORTS = {"rtsp": 554, "rtsps": 322}


def check_stays(target: str, *, remaining_s: SupportsFloat, link_local: bool) -> None:
    """Raises CaptureError(redirected) where the camera, or its name, leads elsewhere; and
    CaptureError(auth) for a login that was refused, so that it is not tried twice.

    `target` may hold a login. Also raises OSError and ValueError, whose texts may hold the host.
    """
    parts = urlsplit(target)
    login = None
    if parts.username is not None:
        login = Login(unquote(parts.username), unquote(parts.password or ""))
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    for _ in range(_MOST_REDIRECTS + 1):
        with _connected(url, remaining_s) as connection:
            address = connection.getpeername()[0]
            if is_metadata_host(address) or (is_link_local(address) and not link_local):
                raise CaptureError(Kind.REDIRECTED, "its name leads to a link-local address")
            location = _Conversation(connection, remaining_s, login).location(url.geturl())
        if location is None:
            return
        url = _followed(url, location, address)
    raise CaptureError(Kind.PROTOCOL, "it redirects in circles")


def _followed(url: SplitResult, location: str, address: str) -> SplitResult:
    """Where FFmpeg would go next. A camera may call itself by its name or by its address."""
    new = urlsplit(location)
    hosts = {(url.hostname or "").removesuffix("."), address.lower()}
    if (new.hostname or "").removesuffix(".") not in hosts:
        raise CaptureError(Kind.REDIRECTED, "to another host")
    if new.scheme not in ("rtsps", url.scheme):
        raise CaptureError(Kind.REDIRECTED, "to an open connection, or none of RTSP")
    return new._replace(netloc=new.netloc.rpartition("@")[2])


def _connected(url: SplitResult, remaining_s: SupportsFloat) -> socket.socket:
    port = url.port or _PORTS[url.scheme]
    connection = socket.create_connection((url.hostname or "", port), float(remaining_s))
    if url.scheme != "rtsps":
        return connection
    # Neither here nor in FFmpeg are certificates looked at: cameras sign their own, and many speak
    # an old TLS.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        return context.wrap_socket(connection, server_hostname=url.hostname)
    except BaseException:
        connection.close()
        raise


@dataclass(frozen=True, slots=True)
class _Answer:
    """Status and headers; 0 for what is no answer of RTSP."""

    status: int = 0
    location: str | None = None
    challenges: list[str] = field(default_factory=list)


class _Conversation:
    """Questions and answers on one connection."""

    def __init__(
        self, connection: socket.socket, remaining_s: SupportsFloat, login: Login | None
    ) -> None:
        self._connection = connection
        self._remaining_s = remaining_s
        self._login = login
        self._challenges: list[str] = []
        self._received = b""
        self._body = 0  # bytes of the last answer that nobody reads
        self._number = 0

    def location(self, url: str) -> str | None:
        """Where the camera sends those who ask for `url`; None if it does not."""
        for method in ("OPTIONS", "DESCRIBE"):
            answer = self._ask(method, url)
            if answer.status == 401 and self._login and answer.challenges:
                self._challenges = answer.challenges
                answer = self._ask(method, url)
                if answer.status == 401:
                    raise CaptureError(Kind.AUTH)
            if 300 <= answer.status < 400 and answer.location:
                return answer.location
            if not answer.status:
                return None
        return None

    def _ask(self, method: str, url: str) -> _Answer:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: vedette"]
        if method == "DESCRIBE":
            lines.append("Accept: application/sdp")
        if self._login and self._challenges:
            authorization = self._login.answer(self._challenges, method, url, number=self._number)
            lines += [f"Authorization: {authorization}"] if authorization else []
        self._connection.settimeout(float(self._remaining_s))
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return self._answer()

    def _answer(self) -> _Answer:
        if not self._received_until(lambda: len(self._received) >= self._body):
            return _Answer()
        self._received = self._received[self._body :]
        if not self._received_until(lambda: _END in self._received):
            return _Answer()
        head, _, self._received = self._received.partition(_END)
        first, *rest = head.decode("latin-1").split("\r\n")
        words = first.split()
        if len(words) < 2 or not words[0].startswith("RTSP/") or not words[1].isdecimal():
            return _Answer()
        headers = [(n.strip().lower(), v.strip()) for n, _, v in (h.partition(":") for h in rest)]
        named = dict(headers)
        self._body = max(0, int(named.get("content-length", 0)))
        challenges = [value for name, value in headers if name == "www-authenticate"]
        return _Answer(int(words[1]), named.get("location"), challenges)

    def _received_until(self, enough: Callable[[], bool]) -> bool:
        """False if the camera hangs up before."""
        while not enough():
            if len(self._received) > _MOST_BYTES:
                raise CaptureError(Kind.PROTOCOL, "its answer has no end")
            self._connection.settimeout(float(self._remaining_s))
            data = self._connection.recv(4096)
            if not data:
                return False
            self._received += data
        return True
