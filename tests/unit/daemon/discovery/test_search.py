"""What an answer to a call is believed: its port and path, and little else."""

from __future__ import annotations

import pytest

from daemon.discovery.search import Found, answered
from tests.support.onvif_camera import probe_match

ID = "01234567-89ab-cdef-0123-456789abcdef"
PEER = "192.168.1.20"


def heard(xaddrs: str, scopes: str = "", relates_to: str = f"urn:uuid:{ID}") -> Found | None:
    return answered(probe_match(relates_to, xaddrs, scopes), PEER, {ID})


@pytest.mark.parametrize(
    ("xaddrs", "url"),
    [
        (f"http://{PEER}/onvif/device_service", f"http://{PEER}/onvif/device_service"),
        (f"http://10.0.0.9/x http://{PEER}:8080/y", f"http://{PEER}:8080/y"),
        ("http://10.0.0.9/x", "http://10.0.0.9/x"),
        (f"http://[fe80::1]/x https://{PEER}/y", f"https://{PEER}/y"),
    ],
)
def test_a_device_is_asked_where_it_answered_or_at_a_private_address(xaddrs: str, url: str) -> None:
    device = heard(xaddrs)
    assert device is not None
    assert device.place is not None
    assert device.place.url == url
    assert (device.address, device.called) == (PEER, True)


@pytest.mark.parametrize(
    "xaddrs",
    [
        "http://8.8.8.8/x",
        "http://127.0.0.1:9464/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/x",
        "http://camera.example/x",
        "file:///etc/passwd",
        f"http://{PEER}:99999/x",
        "http://[",
        "",
        "x" * 20_000,
    ],
)
def test_other_addresses_are_not_asked(xaddrs: str) -> None:
    device = heard(xaddrs)
    assert device is not None
    assert device.place is None


def test_a_match_without_the_list_around_it_counts() -> None:
    data = probe_match(ID, f"http://{PEER}/x")
    bare = data.replace(b"<d:ProbeMatches>", b"").replace(b"</d:ProbeMatches>", b"")
    device = answered(bare, PEER, {ID})
    assert device is not None
    assert device.place is not None


def test_what_it_calls_itself_is_one_short_line() -> None:
    scopes = (
        "onvif://www.onvif.org/name/Yard%20%1b%5b2J%0aCam onvif://www.onvif.org/type/ptz"
        " onvif://www.onvif.org/hardware/" + "x" * 100
    )
    device = heard("", scopes)
    assert device is not None
    assert device.name.startswith("Yard [2J Cam xxx")
    assert len(device.name) == 60
    assert device.name.isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"noise",
        probe_match("urn:uuid:ffffffff-89ab-cdef-0123-456789abcdef", "http://192.168.1.20/"),
        probe_match("", "http://192.168.1.20/"),
        b"<!DOCTYPE a><a/>",
        probe_match(ID, "").replace(b"ProbeMatch", b"ResolveMatch"),
    ],
)
def test_what_is_no_answer_to_our_call_is_passed_over(data: bytes) -> None:
    assert answered(data, PEER, {ID}) is None
