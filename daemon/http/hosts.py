"""By which names the listener may be called: a page of some other site must not reach it.

Such a page can give its own name the address 127.0.0.1 and then read every answer, for to the
browser they come from one origin (DNS rebinding). The `Host` header still tells the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from config.urls import is_loopback


class KnownHosts:
    """A listener on loopback answers to loopback's names, another to any, unless `allowed_hosts`
    are given; addresses of an outside listener need not be among them, as none can be rebound.
    """

    def __init__(self, listen_host: str, allowed_hosts: Collection[str]) -> None:
        self._inside = is_loopback(listen_host)
        self._allowed = frozenset(name.lower() for name in allowed_hosts)

    def know(self, header: str) -> bool:
        """Whether a `Host` header, port and all, is one of ours."""
        host = _without_port(header).lower().removesuffix(".")
        if host in self._allowed or host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return not self._inside and not self._allowed
        return address.is_loopback or not self._inside


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
