"""Who may stay at a listener when more connect than there is room for, and what is said of those
who may not. Pure except for the log; each listener has one of each, used by one thread.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from sinks.seldom import Seldom

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)


class HangUp(StrEnum):
    """Why a listener closed a connection; the `reason` of `vedette_connections_closed_total`."""

    CROWDED = "crowded"  # no room is left, and others use theirs
    PEER = "peer"  # one address has too many
    SLOW = "slow"  # no request, or no handshake, came in time
    STALLED = "stalled"  # it takes nothing of its answer
    FLOOD = "flood"  # it sends more than it has to say
    SUBSCRIPTIONS = "subscriptions"  # it subscribes to more than is kept


# Browsers open connections that they never use, and machines fall asleep.
_HARMLESS = frozenset([HangUp.SLOW, HangUp.STALLED])


@dataclass(frozen=True, slots=True)
class Attendance:
    """A listener's connections at one moment, and those it closed since it was opened."""

    listener: str  # http or zeromq
    connections: int
    limit: int
    closed: Mapping[HangUp, int]

    @property
    def greedy(self) -> int:
        """How many were closed that had made the listener hold much for them."""
        return self.closed.get(HangUp.FLOOD, 0) + self.closed.get(HangUp.SUBSCRIPTIONS, 0)


class Crowd(Generic[Key]):
    """The open connections of a listener, by any key, and which of them wait.

    A connection waits until it has asked for something: so who opens many and says nothing
    makes room for the next, and never keeps anybody out. One address has half the room at most.
    Where nobody but the newcomer waits, `spare` more are let in.
    """

    def __init__(self, limit: int, *, spare: int = 0) -> None:
        self.limit = limit
        self._spare = spare
        self._peers: dict[Key, str] = {}
        self._waiting: dict[Key, None] = {}  # who waits longest comes first

    def __len__(self) -> int:
        return len(self._peers)

    def enter(self, key: Key, peer: str) -> tuple[Key, HangUp] | None:
        """Somebody came, and waits. Returns who has to go for that, perhaps the newcomer; call
        `leave` for them.
        """
        self._peers[key] = peer
        self._waiting[key] = None
        if sum(other == peer for other in self._peers.values()) > max(1, self.limit // 2):
            return self._longest_waiting(peer), HangUp.PEER
        if len(self._peers) <= self.limit:
            return None
        leaves = self._longest_waiting(self._heaviest())
        if leaves == key and len(self._peers) <= self.limit + self._spare:
            return None
        return leaves, HangUp.CROWDED

    def asked(self, key: Key) -> None:
        """It waits no longer."""
        self._waiting.pop(key, None)

    def waits(self, key: Key) -> None:
        """It has what it asked for, and waits again."""
        if key in self._peers:
            self._waiting[key] = self._waiting.pop(key, None)

    def leave(self, key: Key) -> None:
        self._peers.pop(key, None)
        self._waiting.pop(key, None)

    def _longest_waiting(self, peer: str) -> Key:
        """The newcomer waits, so there is one."""
        return next(key for key in self._waiting if self._peers[key] == peer)

    def _heaviest(self) -> str:
        """The address with most connections that wait."""
        return Counter(self._peers[key] for key in self._waiting).most_common(1)[0][0]


class HangUps:
    """Counts connections that a listener closed, and logs one line a minute for each reason. Any
    thread.
    """

    def __init__(self, listener: str, now_s: Callable[[], float]) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(HangUp, 0)
        self._told = {reason: Seldom(now_s) for reason in HangUp}

    @property
    def counts(self) -> Mapping[HangUp, int]:
        return dict(self._counts)

    def note(self, reason: HangUp, peer: str) -> None:
        with self._lock:
            self._counts[reason] += 1
            times = self._told[reason].times()
        if times:
            log.log(
                logging.INFO if reason in _HARMLESS else logging.WARNING,
                "connection closed listener=%s reason=%s from=%s times=%d",
                self._listener,
                reason,
                peer,
                times,
            )
