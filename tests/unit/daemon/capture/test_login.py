"""Answers to an RTSP server's demand for a login, against the examples of the standards."""

from __future__ import annotations

import hashlib
import re
import secrets

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.login import Login

MUFASA = Login("Mufasa", "Circle Of Life")
RFC_2617 = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
RFC_7616 = (
    'realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' qop="auth, auth-int", algorithm=SHA-256, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMA"'
)


def answered(login: Login, *challenges: str) -> str:
    return login.accept(list(challenges)).authorization("GET", "/dir/index.html")


def test_basic_and_digest_of_the_standards(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(Login("Aladdin", "open sesame"), 'Basic realm="x"') == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0a4f113b")
    digest = answered(MUFASA, f'Digest {RFC_2617}, qop="auth,auth-int", opaque="5ccc069c"')
    assert 'response="6629fae49393a05397450978507c4ef1"' in digest
    assert digest.endswith('qop=auth, nc=00000001, opaque="5ccc069c"')


def test_sha_256_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr(secrets, "token_hex", lambda _: client_nonce)
    digest = answered(Login("Mufasa", "Circle of Life"), f"Digest {RFC_7616}")
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert f'response="{expected}"' in digest
    assert "algorithm=SHA-256" in digest


def test_the_old_digest_of_cameras_has_no_qop() -> None:
    digest = answered(MUFASA, f"Digest {RFC_2617}")
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in digest
    assert "qop" not in digest


def test_digest_is_preferred_and_what_is_unknown_is_not_answered() -> None:
    both = ('Basic realm="x"', f"digest {RFC_2617}")
    assert answered(MUFASA, *both).startswith("Digest ")


MD5, SHA = (
    'Digest realm="g", nonce="m"',
    'Digest realm="g", nonce="s", algorithm=SHA-256, qop="auth"',
)


@pytest.mark.parametrize(
    "challenges", [[MD5, SHA], [SHA, MD5], [f"{MD5}, {SHA}"], ['Basic realm="g"', SHA, MD5]]
)
def test_the_strongest_of_several_is_taken_wherever_it_stands(challenges: list[str]) -> None:
    assert answered(MUFASA, *challenges).startswith("Digest ")
    assert "algorithm=SHA-256" in answered(MUFASA, *challenges)


def test_answers_to_one_challenge_are_numbered_from_one() -> None:
    challenge = MUFASA.accept([SHA])
    said = [challenge.authorization(method, "/") for method in ("OPTIONS", "DESCRIBE")]
    assert "nc=00000001" in said[0]
    assert "nc=00000002" in said[1]


def test_a_session_digest_hashes_both_nonces_into_the_secret() -> None:
    """RFC 7616, 3.4.2; checked as a server would."""

    def md5(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    said = answered(MUFASA, 'Digest realm="g", nonce="n", algorithm=MD5-sess, qop="auth"')
    found = dict(re.findall(r'(\w+)="?([^",]+)', said))
    secret = md5(md5("Mufasa", "g", "Circle Of Life"), "n", found["cnonce"])
    request = md5("GET", "/dir/index.html")
    assert found["response"] == md5(secret, "n", "00000001", found["cnonce"], "auth", request)


@pytest.mark.parametrize(
    ("challenge", "named"),
    [
        ("Negotiate", "Negotiate"),
        ('Digest algorithm="SHA3-\x1b[2J", nonce=1', "Digest SHA3-"),
        ('Digest nonce="1", qop="auth-int"', "Digest"),
        ("", "nothing"),
    ],
)
def test_what_is_not_known_is_named_and_the_password_not_blamed(challenge: str, named: str) -> None:
    with pytest.raises(CaptureError) as caught:
        MUFASA.accept([challenge])
    assert caught.value.kind is Cause.LOGIN_METHOD
    assert named in caught.value.detail
    assert caught.value.detail.isprintable()


def test_a_login_is_not_shown() -> None:
    assert "Circle" not in repr(MUFASA)
    assert "Mufasa" not in repr(MUFASA)
