"""Signatures by the Standard Webhooks specification, version 1 (standardwebhooks.com): HMAC-SHA256
over `id.timestamp.body`, so that an old delivery cannot be sent again by somebody else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key: what `whsec_` and Base64 say, or else the text itself. Raises ValueError."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("has no Base64 behind whsec_") from None


def signed(key: bytes, body: bytes, *, message_id: str, at_s: int) -> dict[str, str]:
    """Headers for one delivery."""
    head = f"{message_id}.{at_s}.".encode()
    digest = hmac.new(key, head + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
