"""What FFmpeg is told for each kind of camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.camera import CameraConfig
from daemon.capture.address import address_of
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.login import Login


def camera(url: str, **fields: Any) -> CameraConfig:
    return CameraConfig.model_validate({"url": url, **fields})


def test_rtsp_states_transport_silence_and_protocols() -> None:
    config = camera("rtsp://10.0.0.5/h264", open_timeout_s=3.0, read_timeout_s=2.5)
    address = address_of(config, credential_directory=None)
    assert address.target == "rtsp://10.0.0.5/h264"
    assert (address.medium, address.transport, address.format) == ("network", "tcp", None)
    assert address.options["rtsp_transport"] == "tcp"
    assert address.options["timeout"] == "3000000"
    assert address.options["protocol_whitelist"] == "rtsp,tcp"
    assert address.options["format_whitelist"] == "rtsp"
    assert "h264" in address.options["codec_whitelist"].split(",")
    assert address.options["fpsprobesize"] == "0"


@pytest.mark.parametrize(("url", "transport"), [("rtsp://h/p", "udp"), ("rtsps://h/p", "tcp")])
def test_ffmpeg_speaks_open_tcp_whatever_the_camera_does(url: str, transport: str) -> None:
    address = address_of(camera(url, transport=transport), credential_directory=None)
    assert address.options["protocol_whitelist"] == "rtsp,tcp"
    assert address.options["rtsp_transport"] == "tcp"
    assert address.transport == transport


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "gate"
    file.write_text("admin:canary/secret@x\n")
    file.chmod(0o600)
    return tmp_path


def test_a_credential_stays_beside_the_url_and_is_never_shown(secret: Path) -> None:
    config = camera("rtsp://10.0.0.5/h264", credential="gate")
    address = address_of(config, credential_directory=secret)
    assert address.target == "rtsp://10.0.0.5/h264"
    assert address.login == Login("admin", "canary/secret@x")
    assert "canary" not in repr(address)
    assert "canary" not in str(address)


def test_a_credential_goes_into_the_url_where_it_says_so(secret: Path) -> None:
    url = "rtsp://10.0.0.9:554/user={user}&password={password}&channel=1&stream=0.sdp?"
    address = address_of(camera(url, credential="gate"), credential_directory=secret)
    said = "user=admin&password=canary%2Fsecret%40x&channel=1"
    assert address.target == f"rtsp://10.0.0.9:554/{said}&stream=0.sdp?"
    assert "canary" not in repr(address)


def test_a_missing_credential_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    config = camera("rtsp://10.0.0.5/h264", credential="gate")
    with pytest.raises(CaptureError) as caught:
        address_of(config, credential_directory=tmp_path)
    assert caught.value.kind is Cause.CONFIG
    assert "gate" in caught.value.detail
    assert caught.value.__context__ is None


def test_a_file_cannot_name_a_protocol() -> None:
    address = address_of(camera("file:///clips/a%20b.mp4"), credential_directory=None)
    assert address.target == "file:/clips/a b.mp4"
    assert address.options["protocol_whitelist"] == "file"
    assert address.medium == "file"


def test_a_usb_camera_is_asked_for_what_the_operator_wants() -> None:
    config = camera("v4l2:///dev/video0", v4l2={"format": "yuyv", "size": "1280x720", "fps": 29.97})
    address = address_of(config, credential_directory=None)
    assert (address.target, address.format, address.medium) == ("/dev/video0", "v4l2", "device")
    assert address.options["input_format"] == "yuyv422"
    assert address.options["video_size"] == "1280x720"
    assert address.options["framerate"] == "29.97"


def test_a_usb_camera_keeps_its_own_settings_where_nothing_is_said() -> None:
    options = address_of(camera("v4l2:///dev/video0"), credential_directory=None).options
    assert not {"input_format", "video_size", "framerate"} & set(options)


def test_an_unknown_scheme_is_refused() -> None:
    config = CameraConfig.model_construct(url="ftp://169.254.169.254/", credential=None)
    with pytest.raises(CaptureError, match="ftp"):
        address_of(config, credential_directory=None)


def test_a_camera_over_http_is_asked_with_its_login(secret: Path) -> None:
    config = camera("https://10.0.0.6/x?u={user}&p={password}", credential="gate")
    address = address_of(config, credential_directory=secret)
    assert address.target == "https://10.0.0.6/x?u=admin&p=canary%2Fsecret%40x"
    assert (address.medium, address.transport) == ("network", "http")
    assert address.login == Login("admin", "canary/secret@x")
    assert "canary" not in repr(address)


def test_ffmpeg_reads_hls_and_nothing_else_from_the_web() -> None:
    address = address_of(camera("http://10.0.0.6/live.m3u8"), credential_directory=None).as_hls()
    assert address.options["protocol_whitelist"] == "http,https,tcp,tls,crypto"
    assert address.options["format_whitelist"] == "hls,mpegts,mov,mp4"
    assert "h264" in address.decoder_options["codec_whitelist"].split(",")
    assert (address.format, address.transport) == ("hls", "hls")
