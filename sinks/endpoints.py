"""What libzmq has to be told about an endpoint before it binds or connects.

Imports nothing of ours: `vedette tail` has to answer at once.
"""

from __future__ import annotations

import socket
from contextlib import suppress


def needs_ipv6(endpoint: str) -> bool:
    """Whether ZMQ_IPV6 has to be on: for an IPv6 address, or a name that has no other."""
    if not endpoint.startswith("tcp://"):
        return False
    host = endpoint.removeprefix("tcp://").rpartition(":")[0]
    if host.startswith("["):
        return True
    families = set()
    with suppress(OSError, UnicodeError):
        families = {found[0] for found in socket.getaddrinfo(host, None)}
    return families == {socket.AF_INET6}
