"""Addresses of streams as a configuration takes them, and hosts as people name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import load
from daemon.capture.errors import CaptureError
from daemon.discovery.camera import Camera, Stream
from daemon.discovery.device import checked, named
from daemon.discovery.report import as_json, lines, yaml

HOST = "10.0.0.5"


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("rtsp://10.0.0.5:554/a?b=1&c=2", "rtsp://10.0.0.5:554/a?b=1&c=2"),
        ("rtsp://admin:hunter2@10.0.0.5/a", "rtsp://10.0.0.5/a"),
        ("rtsp://admin:hun/ter2@10.0.0.5/a", None),
        (
            "rtsp://10.0.0.5/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.5/user={user}_password={password}_channel=1_stream=0.sdp?real_stream",
        ),
        ("rtsp://10.0.0.5/a?token=hunter2", None),
        ("rtsp://10.0.0.6/a", None),
        ("rtsp://169.254.169.254/a", None),
        ("http://10.0.0.5/snap.jpg", "http://10.0.0.5/snap.jpg"),
        ("file:///etc/passwd", None),
        ("v4l2:///dev/video0", None),
        ("rtsp://10.0.0.5/\x1b[2J", None),
        ("rtsp://[", None),
        ("", None),
    ],
)
def test_an_address_is_taken_as_a_configuration_would(uri: str, url: str | None) -> None:
    if url is not None:
        assert checked(uri, HOST, HOST) == url
        return
    with pytest.raises(CaptureError) as caught:
        checked(uri, HOST, HOST)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "url"),
    [
        ("10.0.0.5", "http://10.0.0.5/onvif/device_service"),
        ("10.0.0.5:8000", "http://10.0.0.5:8000/onvif/device_service"),
        ("https://cam.lan/other", "https://cam.lan/other"),
    ],
)
def test_a_host_as_people_name_it(word: str, url: str) -> None:
    found = named(word)
    assert found.place is not None
    assert found.place.url == url
    assert not found.called


@pytest.mark.parametrize("word", ["", "a b", "rtsp://h/", "h:99999", "http://"])
def test_what_is_no_host(word: str) -> None:
    with pytest.raises(ValueError, match="is no host to ask"):
        named(word)


STREAMS = (
    Stream("main", "rtsp://10.0.0.5/main", "H265", 1920, 1080, 25.0, 4096),
    Stream("sub", "rtsp://10.0.0.5/sub?a=$x", "H264", 640, 360, 10.0, 512),
    Stream("third", None, "JPEG", fault="it names another host"),
)
CAMERA = Camera(HOST, "Yard Cam!", "Acme X1", "1.2", f"{HOST}:80", -7300.0, STREAMS)


def test_a_camera_in_lines() -> None:
    said = "\n".join(lines(CAMERA))
    assert "10.0.0.5  Acme X1 1.2" in said
    assert "    main             H.265, 1920×1080, 25 fps, 4096 kbit/s rtsp://10.0.0.5/main" in said
    assert "  * sub" in said
    assert "it names another host" in said
    assert "for detection: sub, as main has 9.0 times the pixels" in said
    assert "its clock is 2 hours behind ours: set NTP there" in said


def test_what_was_not_told_has_a_reason_and_a_next_step() -> None:
    said = list(lines(Camera(HOST, trouble="it wants a login", advice="give --user NAME")))
    assert said == [
        "10.0.0.5  a camera without a name",
        "  it wants a login → give --user NAME",
    ]
    assert "names no stream" in list(lines(Camera(HOST)))[-1]
    silent = Camera(HOST, trouble="it refuses the connection", answered=False)
    assert next(lines(silent)) == "10.0.0.5  no camera that answers"


def test_what_is_pasted_can_be_loaded(tmp_path: Path) -> None:
    local = Camera("169.254.3.4", streams=(Stream("a", "rtsp://169.254.3.4/a"),))
    path = Camera("10.0.0.7", streams=(Stream("a", "rtsp://10.0.0.7/user={user}_pwd={password}"),))
    text = yaml([CAMERA, CAMERA, Camera("10.0.0.9"), local, path], "file:/etc/gate.login")
    file = tmp_path / "vedette.yaml"
    file.write_text(f"version: 1\n{text.replace('sub?a', 'sub2?a', 1)}\n")
    cameras = load(file, {}).config.cameras
    assert list(cameras) == ["yard_cam", "yard_cam_2", "camera", "camera_2"]
    assert cameras["yard_cam_2"].url == "rtsp://10.0.0.5/sub?a=$x"
    assert cameras["camera"].allow_link_local
    assert yaml([path], None).endswith("credential: file:camera.login")
    assert yaml([Camera(HOST)], None) == ""


def test_a_camera_for_programs() -> None:
    (camera,) = as_json([CAMERA])["cameras"]
    assert [stream["for_detection"] for stream in camera["streams"]] == [False, True, False]
    assert camera["why"].startswith("main has 9.0 times")
    assert camera["clock_ahead_s"] == -7300.0
