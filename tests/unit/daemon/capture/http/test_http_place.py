"""Web addresses apart, and where a redirect may lead."""

from __future__ import annotations

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.place import Place

HOME = Place.of("http://camera.lan:8080/a/b?x=1")


def test_a_web_address_apart() -> None:
    assert (HOME.scheme, HOME.host, HOME.port) == ("http", "camera.lan", 8080)
    assert (HOME.authority, HOME.target) == ("camera.lan:8080", "/a/b?x=1")
    assert HOME.url == "http://camera.lan:8080/a/b?x=1"
    assert Place.of("https://10.0.0.5").port == 443
    assert Place.of("https://10.0.0.5").target == "/"
    zoned = Place.of("http://[fe80::1%25eth0]/x")
    assert (zoned.host, zoned.authority) == ("fe80::1%eth0", "[fe80::1]")


def test_what_is_asked_for_is_never_shown() -> None:
    assert "hunter2" not in repr(Place.of("http://h/?password=hunter2"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "http:///x",
        "file:///etc/passwd",
        "http://h/a b",
        "http://h/\r\nX: y",
        "x",
        "",
        "http://h:99999/",
        "http://h/" + "a" * 9000,
        "http://h/ü",
    ],
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Place.of(url)


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/new?y", "http://camera.lan:8080/new?y"),
        ("c", "http://camera.lan:8080/a/c"),
        ("http://CAMERA.lan./x", "http://CAMERA.lan./x"),
        ("http://10.0.0.5:81/x", "http://10.0.0.5:81/x"),
        ("https://camera.lan/x", "https://camera.lan/x"),
        ("//camera.lan/x", "http://camera.lan/x"),
    ],
)
def test_a_redirect_is_followed_on_the_camera(location: str, leads_to: str) -> None:
    assert HOME.followed(location, "10.0.0.5").url == leads_to


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://10.0.0.6/", "to another host"),
        ("http://camera.lan.evil.example/", "to another host"),
        ("http://169.254.169.254/", "to another host"),
        ("//evil.example/x", "to another host"),
        ("rtsp://camera.lan/x", "to an open connection, or none of HTTP"),
        ("file:///etc/passwd", "to an open connection, or none of HTTP"),
        ("http://[x", "to an open connection, or none of HTTP"),
    ],
)
def test_a_redirect_elsewhere_is_refused(location: str, words: str) -> None:
    with pytest.raises(CaptureError) as caught:
        HOME.followed(location, "10.0.0.5")
    assert (caught.value.kind, caught.value.detail) == (Cause.REDIRECTED, words)


def test_a_secured_connection_stays_one() -> None:
    with pytest.raises(CaptureError, match="open connection"):
        Place.of("https://h/").followed("http://h/", "10.0.0.5")


def test_the_zone_of_an_address_is_kept() -> None:
    zoned = Place.of("http://[fe80::1%25eth0]/x").followed("/y", "fe80::1%eth0")
    assert (zoned.host, zoned.target) == ("fe80::1%eth0", "/y")
