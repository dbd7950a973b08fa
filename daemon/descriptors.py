"""How the process's file descriptors are shared out, so that those who connect leave enough for
cameras and files.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass

WANTED = 8192  # 256 cameras with recordings, and both listeners full
MOST_CONNECTIONS = 256
LEAST_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Shares:
    """Most connections of each listener."""

    http: int
    zeromq: int


def shares(limit: int) -> Shares:
    """A quarter for each listener, of which HTTP keeps a fifth for those that are told that there
    are too many; the other half is for cameras, recordings and libraries.
    """
    quarter = limit // 4
    return Shares(_bounded(quarter * 4 // 5), _bounded(quarter))


def descriptor_limit() -> int:
    """The soft limit of this process, or as much as it can use."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return WANTED if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> None:
    """As far as is wanted and allowed: shells give 1024 and allow more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = reachable_limit(soft, hard)
    if wanted != soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def reachable_limit(soft: int, hard: int) -> int:
    """What the soft limit becomes: never less than it is."""
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    return soft if soft == resource.RLIM_INFINITY else max(soft, wanted)


def _bounded(connections: int) -> int:
    return max(LEAST_CONNECTIONS, min(MOST_CONNECTIONS, connections))
