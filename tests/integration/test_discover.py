"""Cameras found and asked over loopback: every answer bounded, nothing secret shown."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from daemon.capture.login import Login
from daemon.cli import main
from daemon.clock import SystemClock
from daemon.discovery.camera import Camera
from daemon.discovery.device import ask, named
from daemon.discovery.interfaces import chosen, interfaces
from daemon.discovery.search import GROUP, search
from daemon.discovery.survey import survey
from tests.support.onvif_camera import MAIN, SUB, OnvifCamera, Profile, envelope, onvif_camera
from tests.support.web_camera import DigestGate, answer, web_camera

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]
PASSWORD = "canary-hunter2"
LOGIN = Login("viewer", PASSWORD, digest_only=True)
LOOPBACK = ["lo"]


@pytest.fixture
def credential(tmp_path: Path) -> str:
    file = tmp_path / "gate.login"
    file.write_text(f"viewer:{PASSWORD}")
    file.chmod(0o600)
    return f"file:{file}"


@pytest.fixture
def group() -> tuple[str, int]:
    """A port of this test's own, so that others' cameras do not answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return (GROUP[0], free.getsockname()[1])


def asked(camera: OnvifCamera, login: Login | None = LOGIN, seconds: float = 5.0) -> Camera:
    with onvif_camera(camera):
        found = named(camera.service)
        return ask(found, login, seconds=seconds, clock=SystemClock(), pause=lambda _: False)


def test_a_call_finds_cameras_and_they_tell_their_streams(group: tuple[str, int]) -> None:
    with onvif_camera(group=group) as camera:
        began_s = time.monotonic()
        found = search(chosen(LOOPBACK), seconds=0.3, clock=SystemClock(), group=group)
        assert time.monotonic() - began_s < 5.0
        (told,) = survey(found, LOGIN, clock=SystemClock())
    assert (found[0].address, found[0].name) == ("127.0.0.1", "Yard Cam X1")
    assert told.model == "Acme X1 & more"
    assert told.firmware == "1.2"
    main_, sub = told.streams
    assert (main_.name, main_.codec, main_.pixels) == ("mainStream", "H265", 1920 * 1080)
    assert main_.url == "rtsp://127.0.0.1:554/main?x=1&y=2"
    assert (sub.fps, sub.kbit_per_s) == (10.0, 512)
    assert told.trouble == ""
    assert camera.refused == 0
    assert PASSWORD not in str(camera.web.asked)


def test_nobody_answers(group: tuple[str, int]) -> None:
    assert search(chosen(LOOPBACK), seconds=0.2, clock=SystemClock(), group=group) == []


def test_a_crowd_that_answers_noise_is_bounded(group: tuple[str, int]) -> None:
    with onvif_camera(group=group) as camera:
        real = camera.matches
        camera.matches = lambda call: [b"\0" * 60_000, b"<a>" * 20_000, *real(call)] * 5  # type: ignore[method-assign]
        found = search(chosen(LOOPBACK), seconds=0.3, clock=SystemClock(), group=group)
    assert [device.address for device in found] == ["127.0.0.1"]


@pytest.mark.parametrize("ahead_s", [-86_400.0, 7200.0])
def test_a_clock_that_is_off_costs_no_login(ahead_s: float) -> None:
    told = asked(OnvifCamera(clock_ahead_s=ahead_s))
    assert len(told.streams) == 2
    assert told.clock_ahead_s == pytest.approx(ahead_s, abs=2)


@pytest.mark.parametrize(
    ("camera", "count"),
    [
        (OnvifCamera(media2=True), 2),
        (OnvifCamera(services=False), 2),
        (OnvifCamera(host="192.168.77.7"), 2),  # an inner address: asked where it answers
        (OnvifCamera(host="evil.example:80"), 2),
        (OnvifCamera(login=None), 2),
        (OnvifCamera(profiles=[]), 0),
        (
            OnvifCamera(
                profiles=[Profile(f"P{n}", f"p{n}", uri="rtsp://{host}/x") for n in range(40)]
            ),
            16,
        ),
    ],
)
def test_devices_of_many_kinds(camera: OnvifCamera, count: int) -> None:
    told = asked(camera)
    assert len(told.streams) == count
    assert told.trouble == ""
    assert all(stream.url for stream in told.streams)


def test_a_stream_that_leads_elsewhere_or_nowhere_is_named_without_an_address() -> None:
    profiles = [
        Profile("a", "away", uri="rtsp://10.9.9.9/x"),
        Profile("b", "none", uri=None),
        Profile("c", "odd", uri="javascript:alert(1)"),
        SUB,
    ]
    told = asked(OnvifCamera(profiles=profiles))
    assert [stream.url for stream in told.streams] == [None, None, None, "rtsp://127.0.0.1:554/sub"]
    assert [stream.fault for stream in told.streams[:3]] == [
        "it names another host",
        "it refuses the question",
        "the address that it names cannot be used",
    ]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (None, "it wants a login"),
        (Login("viewer", "canary-wrong"), "it refuses this user or password"),
    ],
)
def test_a_login_that_is_missing_or_wrong(login: Login | None, words: str) -> None:
    camera = OnvifCamera()
    told = asked(camera, login)
    assert told.trouble == words
    assert told.advice
    assert told.answered
    assert camera.refused <= 2  # cameras lock accounts


def test_a_device_that_wants_the_login_in_http_is_given_it_there() -> None:
    gate = DigestGate("viewer", PASSWORD, "SHA-256")
    camera = OnvifCamera(login=None)
    says = camera.web.respond
    camera.web.respond = lambda question: gate(question) or says(question)
    assert len(asked(camera).streams) == 2


def test_a_refusal_by_status_alone_is_one_of_the_login() -> None:
    refusal = answer(envelope(""), status="401 Unauthorized")
    with web_camera(lambda _: refusal) as camera:
        found = named(f"127.0.0.1:{camera.port}")
        told = ask(found, LOGIN, seconds=2.0, clock=SystemClock(), pause=lambda _: False)
    assert told.trouble == "it refuses this user or password"
    assert told.answered


def test_the_password_is_never_said_in_the_clear() -> None:
    wanted = ['WWW-Authenticate: Basic realm="x"']
    refusal = answer(b"", status="401 Unauthorized", headers=wanted)
    with web_camera(lambda _: refusal) as camera:
        told = ask(
            named(f"127.0.0.1:{camera.port}"),
            LOGIN,
            seconds=2.0,
            clock=SystemClock(),
            pause=lambda _: False,
        )
        said = str(camera.asked)
    assert "in the clear" in told.trouble
    assert "Basic" not in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("question", "data", "words"),
    [
        ("GetServices", b"<html>", "its answer is not one of ONVIF (no XML, HTTP 200)"),
        ("GetServices", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "XML with a document type"),
        ("GetServices", b"<a/>", "no SOAP"),
        ("GetProfiles", b"x" * 2_000_000, "an answer of 2 MB"),
        ("GetProfiles", b"<a>" * 1000, "XML without end"),
    ],
)
def test_answers_that_are_none(question: str, data: bytes, words: str) -> None:
    told = asked(OnvifCamera(raw={question: data}))
    assert words in told.trouble
    assert told.streams == ()


def test_numbers_that_are_none_are_passed_over() -> None:
    body = (
        '<trt:GetProfilesResponse><trt:Profiles token="P1"><tt:Name>&#27;[2J</tt:Name>'
        "<tt:VideoEncoderConfiguration><tt:Encoding>H&lt;b&gt;264</tt:Encoding><tt:Resolution>"
        "<tt:Width>-5</tt:Width><tt:Height>1e9</tt:Height></tt:Resolution>"
        "</tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>"
    ).replace("&#27;", "")
    told = asked(OnvifCamera(raw={"GetProfiles": envelope(body)}))
    (stream,) = told.streams
    assert (stream.name, stream.codec, stream.pixels, stream.fps) == ("[2J", "HB264", 0, None)


@pytest.mark.parametrize("question", ["GetSystemDateAndTime", "GetServices", "GetStreamUri"])
def test_a_camera_that_hangs_is_left_and_costs_nobody_else(question: str) -> None:
    with onvif_camera(OnvifCamera(hangs_at=question)) as slow, onvif_camera() as quick:
        found = [named(slow.service), named(quick.service)]
        began_s = time.monotonic()
        hung, told = survey(found, LOGIN, clock=SystemClock(), each_s=1.0)
        assert time.monotonic() - began_s < 8.0
    assert hung.trouble == "it does not answer questions of ONVIF in time"
    assert len(told.streams) == 2


def test_a_survey_ends_in_time_however_many_hang() -> None:
    with onvif_camera(OnvifCamera(hangs_at="GetServices")) as slow:
        found = [named(slow.service)] * 40
        began_s = time.monotonic()
        told = survey(found, None, clock=SystemClock(), each_s=30.0, most_s=0.5)
        assert time.monotonic() - began_s < 8.0
        threads = [t for t in threading.enumerate() if t.name.startswith("discover")]
        for thread in threads:
            thread.join(5)
    assert {camera.trouble for camera in told} == {
        "there was no time left to ask it: name it on the command line"
    }


def test_the_command_prints_what_can_be_pasted(
    credential: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with onvif_camera(group=GROUP) as camera:
        words = ["discover", "--interface", "lo", "--timeout", "0.4", "--credential", credential]
        assert main(words) == 0
        lines = capfd.readouterr().out
        assert main([*words, "--json"]) == 0
        told = json.loads(capfd.readouterr().out)
    assert "* subStream        H.264, 640×360, 10 fps, 512 kbit/s" in lines
    assert '    url: "rtsp://127.0.0.1:554/sub"\n' in lines
    assert f'    credential: "{credential}"\n' in lines
    ours = [one for one in told["cameras"] if one["service"] == camera.service]
    assert ours[0]["streams"][1]["for_detection"] is True


def test_the_command_asks_for_a_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD)
    with onvif_camera() as camera:
        assert main(["discover", camera.service, "--user", "viewer"]) == 0
    assert "subStream" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["127.0.0.1:9"], 1, "no camera answered."),
        (["--interface", "lo", "--timeout", "0.1"], 1, "VLAN"),
        (["--interface", "nosuch0"], 2, "no interface 'nosuch0' is up with an IPv4 address"),
        (["rtsp://h/"], 2, "is no host to ask"),
        (["h", "--credential", "file:/nosuch/file"], 2, "cannot be read"),
        (["h", "--credential", "file:x", "--user", "y"], 2, "exclude each other"),
    ],
)
def test_what_goes_wrong_has_a_code_and_a_next_step(
    words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", *words]) == code
    assert said in capfd.readouterr().err


def test_interfaces_of_this_machine() -> None:
    there = {one.name: one for one in interfaces()}
    assert there["lo"].address == "127.0.0.1"
    assert there["lo"].is_loopback
    assert all(not one.is_loopback for one in chosen([]))
    assert chosen(["127.0.0.1"]) == [there["lo"]]
    assert MAIN.size != SUB.size
