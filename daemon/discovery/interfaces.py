"""This machine's network interfaces with an IPv4 address (Linux)."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SIOCGIFADDR = 0x8915
_SIOCGIFFLAGS = 0x8913
_UP, _LOOPBACK = 0x1, 0x8
_NAME_BYTES = 15


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    address: str
    is_loopback: bool = False


def interfaces() -> list[Interface]:
    """Those that are up and have an address; of several addresses the first."""
    return list(_found())


def chosen(wanted: list[str]) -> list[Interface]:
    """By name or address; all but loopback where none is wanted. Raises ValueError, naming what is
    there.
    """
    there = interfaces()
    if not wanted:
        return [one for one in there if not one.is_loopback]
    picked = []
    for word in wanted:
        match = [one for one in there if word in (one.name, one.address)]
        if not match:
            names = ", ".join(f"{one.name} ({one.address})" for one in there) or "none"
            msg = f"no interface {word!r} is up with an IPv4 address; there are: {names}"
            raise ValueError(msg)
        picked += match
    return picked


def _found() -> Iterator[Interface]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:_NAME_BYTES])
            try:
                flags = struct.unpack_from(
                    "H", fcntl.ioctl(asked.fileno(), _SIOCGIFFLAGS, request), 16
                )[0]
                data = fcntl.ioctl(asked.fileno(), _SIOCGIFADDR, request)
            except OSError:  # without an address
                continue
            if flags & _UP:
                address = socket.inet_ntoa(data[20:24])
                yield Interface(name, address, bool(flags & _LOOPBACK))
