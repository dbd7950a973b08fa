"""The access token: `Authorization: Bearer TOKEN`, or Basic with the token as any user's password.

Browsers ask for a Basic login by themselves, so the live page needs no form and no cookie.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

MAX_WAITING = 16  # wrong tokens that wait for their answer
MAX_WAITING_EACH = 4  # of one address
MOST_KNOWN = 256  # addresses that gave the right one
CHALLENGE = 'Basic realm="vedette", charset="UTF-8"'


class TokenCheck:
    """Keeps a digest only; how long a comparison takes says nothing of the token. Any thread."""

    def __init__(self, token: SecretStr) -> None:
        self._digest = _digest(token.get_secret_value().encode())

    def holds(self, authorization: str) -> bool:
        """Whether this header carries the token."""
        given = _given(authorization)
        return given is not None and hmac.compare_digest(_digest(given), self._digest)


class Guesses:
    """How fast the token can be guessed. Event loop only.

    A wrong one holds a place for as long as its answer waits, and there are few places: beyond
    them nothing is compared. An address that gave the right token needs none, until it gives a
    wrong one.
    """

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._known: OrderedDict[str, None] = OrderedDict()

    def may_try(self, peer: str) -> bool:
        """Whether what this address gives is looked at."""
        if peer in self._known:
            return True
        return self._waiting[peer] < MAX_WAITING_EACH and self._waiting.total() < MAX_WAITING

    def was_right(self, peer: str) -> None:
        self._known[peer] = None
        self._known.move_to_end(peer)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    @contextmanager
    def was_wrong(self, peer: str) -> Iterator[None]:
        """Hold a place meanwhile."""
        self._known.pop(peer, None)
        self._waiting[peer] += 1
        try:
            yield
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer]


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _given(authorization: str) -> bytes | None:
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value.encode()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            return None
    return None
