"""The line between shards and their Director: a question and its answer, over ZeroMQ.

Two questions a second of every shard are too many for Ray's calls, each of which takes the Director
a millisecond of processor time. Ray starts both ends, and tells a shard where the line is and the
key that opens it (CURVE: http://curvezmq.org): so who may not talk to Ray may not talk here, and
nobody on the way reads along.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import zmq

PORTS = range(6382, 6400)  # the first that is free; between those of Ray in the units
LONGEST = 8 * 1024**2  # of a message; an assignment of ten thousand cameras takes some 2 MB
MOST_WAITING = 2  # messages of one shard, each way; one asks one question at a time
HANDSHAKE_MS = 2000  # then whoever has not shown the key is hung up on

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a line is, and what opens it: the Director's public key, which only Ray tells."""

    host: str
    port: int
    key: bytes = field(repr=False)

    @property
    def endpoint(self) -> str:
        return _endpoint(self.host, self.port)


class LineEnd:
    """A shard's end: one question at a time, connected when it is needed. One thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._number = 0
        self._socket: zmq.Socket[bytes] | None = None

    def ask(self, question: bytes, timeout_s: float) -> bytes:
        """The answer. Raises TimeoutError after about that long: nobody is there, or not with this
        key, or the question was none.
        """
        until_s = time.monotonic() + timeout_s
        line = self._connected()
        self._number += 1
        number = self._number.to_bytes(8, "big")
        line.send_multipart([number, question])
        while line.poll(_left_ms(until_s)):
            answered, answer = line.recv_multipart()
            if answered == number:  # one that comes late is to no question
                return answer
        self.close()  # with what was not sent
        raise TimeoutError("no answer in time")

    def close(self) -> None:
        line, self._socket = self._socket, None
        if line is not None:
            line.close(linger=0)

    def _connected(self) -> zmq.Socket[bytes]:
        if self._socket is None:
            line = self._socket = _socket(zmq.DEALER)
            line.curve_publickey, line.curve_secretkey = zmq.curve_keypair()
            line.curve_serverkey = self.address.key
            line.connect(self.address.endpoint)
        return self._socket


class Line:
    """The Director's end. `serve` again and again, in one thread; `answer` is asked in there. A
    question for which it raises ValueError has no answer.
    """

    def __init__(self, host: str, answer: Callable[[bytes], bytes]) -> None:
        """Listens from now on. Raises OSError where no port of the line is free."""
        self._answer = answer
        self._socket = _socket(zmq.ROUTER)
        key, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.curve_server = True
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST)
        self.address = Address(host, _bound(self._socket, host, PORTS), key)

    def serve(self, for_s: float) -> None:
        """Answer what comes within that time."""
        until_s = time.monotonic() + for_s
        while (left_ms := _left_ms(until_s)) and self._socket.poll(left_ms):
            self._take(self._socket.recv_multipart())

    def close(self) -> None:
        self._socket.close(linger=0)

    def _take(self, parts: list[bytes]) -> None:
        try:
            shard, number, question = parts
            self._socket.send_multipart([shard, number, self._answer(question)])
        except ValueError as error:
            log.warning("a question was none reason=%s", error)


def _socket(kind: int) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.ipv6 = True
    socket.linger = 0
    socket.set_hwm(MOST_WAITING)
    return socket


def _endpoint(host: str, port: int) -> str:
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _bound(socket: zmq.Socket[bytes], host: str, ports: Iterable[int]) -> int:
    for port in ports:
        try:
            socket.bind(_endpoint(host, port))
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE:
                raise OSError(error.errno, f"{host}: {error.strerror}") from None
        else:
            return port
    socket.close()
    msg = f"no port of {PORTS.start} to {PORTS.stop - 1} is free on {host}"
    raise OSError(msg)


def _left_ms(until_s: float) -> int:
    return max(0, math.ceil((until_s - time.monotonic()) * 1000))
