"""The access token: `Authorization: Bearer TOKEN`, or Basic with the token as any user's password.

Browsers ask for a Basic login by themselves, so the live page needs no form and no cookie.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode

from pydantic import SecretStr

CHALLENGE = 'Basic realm="vedette", charset="UTF-8"'


class TokenCheck:
    """Keeps a digest only; how long a comparison takes says nothing of the token. Any thread."""

    def __init__(self, token: SecretStr) -> None:
        self._digest = _digest(token.get_secret_value().encode())

    def holds(self, authorization: str) -> bool:
        """Whether this header carries the token."""
        given = _given(authorization)
        return given is not None and hmac.compare_digest(_digest(given), self._digest)


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
