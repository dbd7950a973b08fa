"""The thread `zeromq:door` of a listening socket: who comes to it, who goes, and who has to go.

libzmq bounds neither how many connect nor what a subscriber sends, and has no way to close one
connection. But it names the descriptor of each that it accepts, and with every subscription the one
that it came by; shutting that down ends the connection as if the peer had left.
"""

from __future__ import annotations

import math
import os
import socket as posix
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

import zmq

from sinks.crowd import Attendance, Crowd, HangUp, HangUps
from sinks.subscriptions import Subscriptions

HANDSHAKE_S = 5.0  # libzmq closes what has not said by then who it is
LOOK_S = 0.05  # between two looks at what was sent
# A subscriber says who it is, subscribes, and answers a heartbeat every two seconds.
FREE_BYTES = 262_144
FREE_BYTES_PER_S = 2048.0
_BYTES_RECEIVED = 128  # offset of tcpi_bytes_received in struct tcp_info, Linux 4.1 and later
_TCP_INFO_SIZE = 136


class Tenants(Enum):
    """Whom a socket is for."""

    SUBSCRIBERS = auto()  # have little to say
    PUBLISHERS = auto()  # may say as much as they like: the socket reads no faster than it can


@dataclass(slots=True)
class _Guest:
    """One open connection. The descriptor is libzmq's: `line` looks at it, and never closes it."""

    line: posix.socket
    peer: str
    address: object
    came_s: float
    known: bool = False  # it has subscribed, or said something


class Doorman:
    """`spoke`, `subscribed` and `unsubscribed` belong to the thread that reads the socket;
    `attendance` may be asked by any.
    """

    def __init__(self, listener: str, most: int, tenants: Tenants) -> None:
        self._listener = listener
        self._tenants = tenants
        self._hang_ups = HangUps(listener, time.monotonic)
        self._monitor: zmq.Socket[bytes] | None = None
        self._lock = threading.Lock()
        self._guests: dict[int, _Guest] = {}
        self._crowd: Crowd[int] = Crowd(most)
        self._subscriptions = Subscriptions()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="zeromq:door")

    @property
    def attendance(self) -> Attendance:
        return Attendance(
            self._listener, len(self._guests), self._crowd.limit, self._hang_ups.counts
        )

    def start(self, monitor: zmq.Socket[bytes]) -> None:
        """`monitor` tells of connections from now on, and is this thread's until `stop`."""
        self._monitor = monitor
        self._thread.start()

    def stop(self) -> None:
        """At most `LOOK_S`; the monitor is the caller's again."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        for descriptor in list(self._guests):
            self._forget(descriptor)

    def spoke(self, descriptor: int) -> None:
        """A message came by this connection."""
        guest = self._guests.get(descriptor)
        if guest is not None and not guest.known:
            with self._lock:
                self._know(descriptor)

    def subscribed(self, descriptor: int, topic: bytes) -> None:
        with self._lock:
            self._know(descriptor)
            greedy = self._subscriptions.add(descriptor, topic)
            if greedy is not None:
                self._hang_up(greedy, HangUp.SUBSCRIPTIONS)

    def unsubscribed(self, descriptor: int, topic: bytes) -> None:
        with self._lock:
            self._subscriptions.remove(descriptor, topic)

    def _know(self, descriptor: int) -> None:
        """It is one of those that the socket is for."""
        guest = self._guests.get(descriptor)
        if guest is not None:
            guest.known = True
            self._crowd.asked(descriptor)

    def _run(self) -> None:
        monitor = self._monitor
        if monitor is None:
            raise RuntimeError("run before start")
        next_look_s = -math.inf
        while not self._over.is_set():
            if monitor.poll(int(LOOK_S * 1e3)):
                self._hear(monitor)
            now_s = time.monotonic()
            if now_s >= next_look_s:
                next_look_s = now_s + LOOK_S
                with self._lock:
                    self._look(now_s)

    def _hear(self, monitor: zmq.Socket[bytes]) -> None:
        """Take what libzmq tells of its connections."""
        with suppress(zmq.Again):
            while True:
                told = monitor.recv_multipart(zmq.NOBLOCK)[0]
                event, descriptor = struct.unpack("=hi", told)
                with self._lock:
                    if event == zmq.EVENT_ACCEPTED:
                        self._came(descriptor)
                    elif event == zmq.EVENT_DISCONNECTED:
                        self._left(descriptor)

    def _came(self, descriptor: int) -> None:
        self._forget(descriptor)
        try:
            line = posix.socket(fileno=descriptor)
        except OSError:  # gone again
            return
        try:
            address = line.getpeername()
            peer = str(address[0]) if isinstance(address, tuple) else "this machine"
        except OSError:
            line.detach()
            return
        self._guests[descriptor] = _Guest(line, peer, address, time.monotonic())
        leaves = self._crowd.enter(descriptor, peer)
        if leaves is not None:
            self._hang_up(*leaves)

    def _left(self, descriptor: int) -> None:
        guest = self._forget(descriptor)
        if guest is None or guest.known:
            return
        stayed_s = time.monotonic() - guest.came_s
        if stayed_s + LOOK_S >= HANDSHAKE_S and stayed_s < HANDSHAKE_S + 1.0:
            self._hang_ups.note(HangUp.SLOW, guest.peer)

    def _forget(self, descriptor: int) -> _Guest | None:
        guest = self._guests.pop(descriptor, None)
        if guest is not None:
            guest.line.detach()
        self._crowd.leave(descriptor)
        self._subscriptions.leave(descriptor)
        return guest

    def _look(self, now_s: float) -> None:
        """Find who sends more than subscribing and heartbeats take."""
        if self._tenants is Tenants.PUBLISHERS:
            return
        for descriptor, guest in list(self._guests.items()):
            allowed = FREE_BYTES + FREE_BYTES_PER_S * (now_s - guest.came_s)
            if _received(guest.line) > allowed:
                self._hang_up(descriptor, HangUp.FLOOD)
        # Of connections that ended before their last subscriptions were read.
        self._subscriptions.keep(self._guests.keys())

    def _hang_up(self, descriptor: int, reason: HangUp) -> None:
        guest = self._forget(descriptor)
        if guest is not None:
            self._hang_ups.note(reason, guest.peer)
            _shut_down(descriptor, guest.address)


def _received(line: posix.socket) -> int:
    """Bytes that came by a TCP connection; 0 where nobody counts them."""
    try:
        told = line.getsockopt(posix.IPPROTO_TCP, posix.TCP_INFO, _TCP_INFO_SIZE)
    except OSError:  # a socket of the file system, or closed this moment
        return 0
    if len(told) < _TCP_INFO_SIZE:
        return 0
    received: int = struct.unpack_from("=Q", told, _BYTES_RECEIVED)[0]
    return received


def _shut_down(descriptor: int, address: object) -> None:
    """libzmq may have closed it by now, and a camera may have got its number: so look at a copy,
    which stays what it is; at the original only where no copy can be had.
    """
    try:
        copy = os.dup(descriptor)
    except OSError:
        copy = descriptor
    with suppress(OSError):
        line = posix.socket(fileno=copy)
        try:
            if line.getpeername() == address:
                line.shutdown(posix.SHUT_RDWR)
        finally:
            line.detach()
    if copy != descriptor:
        os.close(copy)
