"""Answers to an RTSP server's demand for a login, against the examples of the standards."""

from __future__ import annotations

import secrets

import pytest

from daemon.capture.rtsp_login import Login

MUFASA = Login("Mufasa", "Circle Of Life")
RFC_2617 = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
RFC_7616 = (
    'realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' qop="auth, auth-int", algorithm=SHA-256, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMA"'
)


def answered(login: Login, *challenges: str) -> str:
    answer = login.answer(list(challenges), "GET", "/dir/index.html")
    assert answer is not None
    return answer


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
    for challenge in ("Negotiate", "Digest algorithm=MD5-sess, nonce=1", ""):
        assert MUFASA.answer([challenge], "GET", "/") is None


def test_a_login_is_not_shown() -> None:
    assert "Circle" not in repr(MUFASA)
    assert "Mufasa" not in repr(MUFASA)
