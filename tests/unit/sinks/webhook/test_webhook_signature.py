"""Signatures, against the example of the specification and OpenSSL."""

from __future__ import annotations

import base64
import subprocess

import pytest

from sinks.webhook.signature import key_of, signed
from tests.support.require import program

# From the specification's own text and tests: github.com/standard-webhooks/standard-webhooks
SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
BODY = b'{"event_type":"ping","data":{"success":true}}'
MESSAGE_ID = "msg_loFOjxBNrRLzqYUf"
AT_S = 1731705121
SIGNATURE = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_the_example_of_the_specification_is_signed_as_there() -> None:
    assert signed(key_of(SECRET), BODY, message_id=MESSAGE_ID, at_s=AT_S) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1731705121",
        "webhook-signature": SIGNATURE,
    }


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)) * 300])
def test_openssl_computes_the_same(body: bytes) -> None:
    key = b"a key that somebody chose"
    wanted = signed(key, body, message_id="id-7", at_s=17)["webhook-signature"]
    openssl = [program("openssl", package="openssl"), "dgst", "-sha256", "-binary", "-mac", "HMAC"]
    digest = subprocess.run(
        [*openssl, "-macopt", f"hexkey:{key.hex()}"],
        input=b"id-7.17." + body,
        check=True,
        capture_output=True,
    ).stdout
    assert wanted == f"v1,{base64.b64encode(digest).decode()}"


def test_a_secret_is_its_text_unless_it_says_that_it_is_base64() -> None:
    assert key_of("plain-text") == b"plain-text"
    assert key_of("whsec_AAEC") == b"\x00\x01\x02"
    with pytest.raises(ValueError, match="no Base64"):
        key_of("whsec_!!")
