"""The side that FFmpeg sees: a server of one stream, on loopback, for one visitor.

It says nothing but what is written here, so nothing that a camera says can lead FFmpeg anywhere.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

from daemon.capture.rtsp.messages import ProtocolError, Reader, Request, text

_CHUNK = 16_384
_MOST_SILENCE_S = 2.0  # of a stranger who got here first
_SEND_BYTES = 262_144  # in the kernel; a camera is to be slowed down rather than be late
_KNOWN = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"


class Reception:
    """`address` is where FFmpeg is sent. It holds a word that nobody else on this machine knows:
    who does not say it is not let in.
    """

    def __init__(self) -> None:
        self._word = secrets.token_urlsafe(16)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        port = self._listener.getsockname()[1]
        self.address = f"rtsp://127.0.0.1:{port}/{self._word}"

    def admit(
        self, description: bytes, channels: tuple[int, int], lasts_s: float
    ) -> tuple[socket.socket, Reader] | None:
        """Wait for FFmpeg, and answer until it wants to see; None where it does not come."""
        self._listener.settimeout(lasts_s)
        with suppress(OSError):  # closed, or too late
            while True:
                visitor, _ = self._listener.accept()
                reader = Reader()
                if self._received(visitor, reader, description, channels):
                    self._listener.close()
                    return visitor, reader
                visitor.close()
        return None

    def close(self) -> None:
        """Ends `admit` in another thread; may be called twice."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _received(
        self, visitor: socket.socket, reader: Reader, description: bytes, channels: tuple[int, int]
    ) -> bool:
        visitor.settimeout(_MOST_SILENCE_S)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        visitor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                message = reader.take()
                if message is None:
                    data = visitor.recv(_CHUNK)
                    if not data:
                        return False
                    reader.feed(data)
                elif isinstance(message, Request):
                    if not message.url.startswith(self.address):
                        return False
                    visitor.sendall(answer(message, description, channels))
                    if message.method == "PLAY":
                        return True
        except (OSError, ProtocolError):
            return False


def answer(request: Request, description: bytes, channels: tuple[int, int]) -> bytes:
    """All that FFmpeg is ever told."""
    headers = {"CSeq": request.header("cseq") or "0", "Session": "1;timeout=86400"}
    body = b""
    if request.method == "OPTIONS":
        headers["Public"] = _KNOWN
    elif request.method == "DESCRIBE":
        headers["Content-Type"] = "application/sdp"
        body = description
    elif request.method == "SETUP":
        rtp, rtcp = channels
        headers["Transport"] = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}"
    return text("RTSP/1.0 200 OK", headers, body)
