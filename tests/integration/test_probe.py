"""`vedette probe` on real streams: servers, files, devices, a scene; and what goes wrong there."""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from config.camera import CameraConfig
from daemon.capture.errors import CaptureError, Cause
from daemon.clock import SystemClock
from daemon.commands import probe
from daemon.diagnosis.hints import costs, troubles
from daemon.diagnosis.probing import Probe, attempt
from tests.support.clips import encode
from tests.support.fault_proxy import fault_proxy, silent_server
from tests.support.hls import LiveHls
from tests.support.rtsp_server import STREET, RtspServer, rtsp_server
from tests.support.web_camera import Respond, answer, jpeg, streamed, web_camera

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]
SECRET = "canary-p@ss:word/1"


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with rtsp_server() as started:
        yield started


class Said:
    """One `vedette probe`: its exit code and what it printed."""

    def __init__(self, capfd: pytest.CaptureFixture[str], *words: str) -> None:
        parser = argparse.ArgumentParser()
        probe.add_parser(parser.add_subparsers())
        args = parser.parse_args(["probe", *words])
        self.code = args.run(args)
        self.out, self.err = capfd.readouterr()
        assert "canary" not in self.out + self.err

    def json(self) -> Any:
        assert self.err == ""
        return json.loads(self.out)


def look(url: str, *, seconds: float = 1.0, **fields: object) -> Probe | CaptureError:
    camera = CameraConfig.model_validate({"url": url, **fields})
    return attempt(camera, seconds=seconds, clock=SystemClock(), pause=lambda _: True)


def seen(url: str, **fields: Any) -> Probe:
    found = look(url, **fields)
    assert isinstance(found, Probe), found
    return found


def kind_of(url: str, **fields: Any) -> Cause:
    found = look(url, **fields)
    assert isinstance(found, CaptureError), found
    return found.kind


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_is_described(
    server: RtspServer, transport: str, capfd: pytest.CaptureFixture[str]
) -> None:
    said = Said(capfd, server.url, "--transport", transport, "--seconds", "2.5", "--json")
    assert said.code == 0
    found = said.json()
    stream, measured = found["stream"], found["measured"]
    assert (stream["codec"], stream["profile"], stream["pixel_format"]) == (
        "h264",
        "High",
        "yuv420p",
    )
    assert (stream["width"], stream["height"], stream["fps"]) == (768, 576, 10.0)
    assert stream["transport"] == transport
    assert measured["fps_by_pts"] == pytest.approx(10, rel=0.05)
    assert measured["fps_by_arrival"] == pytest.approx(10, rel=0.25)
    assert (measured["keyframe_every"], measured["keyframe_every_s"]) == (
        20,
        pytest.approx(2, rel=0.05),
    )
    assert 300e3 < measured["bits_per_s"] < 800e3
    assert measured["b_frames"] > measured["unreferenced"] > 0
    assert measured["damaged"] == 0
    assert 0 < found["open_s"] <= found["first_picture_s"] < 1.5
    assert 0 < found["decode_s"] < 0.05
    assert any("B-frames" in hint for hint in found["hints"])
    assert found["suggested"] == {"detect": {"fps": 5}}


def test_a_camera_is_described_for_people(
    server: RtspServer, capfd: pytest.CaptureFixture[str]
) -> None:
    said = Said(capfd, server.url, "--seconds", "0.5")
    assert said.code == 0
    assert said.err == ""
    assert "video      H.264 High, 768×576, yuv420p" in said.out
    assert "transport  tcp" in said.out
    assert "hint: The camera sends B-frames" in said.out
    assert f'    url: "{server.url}"\n    transport: tcp\n' in said.out


def test_a_login_is_used_and_shown_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    login = tmp_path / "gate"
    login.write_text(f"viewer:{SECRET}")
    login.chmod(0o600)
    with rtsp_server(login=("viewer", SECRET)) as server:
        said = Said(capfd, server.url, "--credential", f"file:{login}", "--seconds", "0.3")
        assert said.code == 0
        assert f'credential: "file:{login}"' in said.out
        login.write_text("viewer:canary-wrong")
        said = Said(capfd, server.url, "--credential", f"file:{login}")
        assert (said.code, said.out) == (1, "")
        assert said.err.splitlines()[:2] == [server.url, "auth: it refuses this user or password"]
        assert "refused this login" in said.err
        said = Said(capfd, server.url)
        assert said.code == 1
        assert "wants a login" in said.err


def test_a_path_that_the_camera_does_not_have(
    server: RtspServer, capfd: pytest.CaptureFixture[str]
) -> None:
    said = Said(capfd, server.url_of("/nothing"), "--json")
    assert said.code == 1
    assert said.json()["kind"] == "not_found"


def test_a_port_where_nobody_listens_and_a_name_that_nobody_has(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = Said(capfd, f"rtsp://127.0.0.1:{port}/stream")
    assert said.code == 1
    assert "\nrefused\n" in said.err
    assert kind_of("rtsp://no-such-host.invalid/stream") is Cause.DNS


def test_a_silent_port_is_left_in_time() -> None:
    started_s = time.monotonic()
    with silent_server() as port:
        assert kind_of(f"rtsp://127.0.0.1:{port}/stream", open_timeout_s=0.5) is Cause.TIMEOUT
    assert time.monotonic() - started_s < 1.5


def test_a_camera_that_falls_silent_is_left_with_what_was_seen(server: RtspServer) -> None:
    with fault_proxy(server.port) as proxy:
        url = server.url_of("/stream", proxy.port)

        freezing = threading.Timer(1.0, proxy.frozen.set)
        freezing.start()
        found = look(url, seconds=30.0, read_timeout_s=0.7)
        freezing.join()
    assert isinstance(found, CaptureError)
    assert found.kind is Cause.TIMEOUT
    assert re.fullmatch(r"after \d+ pictures", found.detail)


def test_a_camera_that_goes_away_is_told_with_what_was_seen(tmp_path: Path) -> None:
    short = encode(tmp_path / "short.mp4", 20, fps=20)
    with rtsp_server(short) as server:
        found = look(server.url, seconds=30.0, read_timeout_s=2.0)
    assert isinstance(found, CaptureError)
    assert "after" in found.detail
    assert found.kind in (Cause.EOF, Cause.TIMEOUT)


def test_a_file_is_read_as_fast_as_it_can_be() -> None:
    started_s = time.monotonic()
    found = seen(f"file://{STREET}", seconds=5.0)
    assert time.monotonic() - started_s < 2
    assert not found.live
    assert found.figures.watched_s == pytest.approx(5.0)
    assert found.figures.fps_by_arrival is None
    assert found.figures.fps == pytest.approx(10)
    assert [*troubles(found), *costs(found)] == []


def test_a_short_file_is_read_to_its_end(tmp_path: Path) -> None:
    found = seen(f"file://{encode(tmp_path / 'a.mp4', 30)}", seconds=60.0)
    assert found.figures.pictures == 30


def test_a_file_without_timestamps_is_read_by_the_clock(tmp_path: Path) -> None:
    found = seen(f"file://{encode(tmp_path / 'a.h264', 30)}", seconds=60.0)
    assert found.figures.pictures == 30


def test_what_is_dear_to_decode_is_told(tmp_path: Path) -> None:
    clip = encode(
        tmp_path / "a.mp4",
        10,
        codec="libx265",
        pixel_format="yuv420p10le",
        options={"x265-params": "log-level=none", "preset": "ultrafast"},
    )
    found = seen(f"file://{clip}")
    assert (found.stream.codec, found.bits, found.profile) == ("hevc", 10, "Main 10")
    assert [hint.split()[0] for hint in costs(found)] == ["H.265", "10"]


def test_every_picture_of_an_intra_codec_stands_alone(tmp_path: Path) -> None:
    clip = encode(tmp_path / "a.avi", 10, codec="mjpeg", pixel_format="yuvj420p")
    found = seen(f"file://{clip}").figures
    assert found.keyframe_every == 1
    assert found.unreferenced == found.packets
    assert found.b_frames == 0


def test_a_damaged_file_is_counted(tmp_path: Path) -> None:
    clip = encode(tmp_path / "a.h264", 60)
    data = bytearray(clip.read_bytes())
    noise = np.random.default_rng(1)
    for at in noise.integers(len(data) // 3, len(data), len(data) // 50):
        data[at] ^= 0x5A
    clip.write_bytes(data)
    found = seen(f"file://{clip}", seconds=60.0)
    assert found.figures.damaged > 0
    assert any("came damaged" in hint for hint in troubles(found))


def test_what_is_no_video_has_a_kind(tmp_path: Path) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("no video")
    sound = tmp_path / "a.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    hollow = encode(tmp_path / "a.avi", 3, codec="mjpeg", pixel_format="yuvj420p")
    hollow.write_bytes(hollow.read_bytes().replace(b"\xff", b"\0"))  # no picture begins
    assert kind_of(f"file://{text}") is Cause.CODEC
    assert kind_of(f"file://{sound}") is Cause.NO_VIDEO
    assert kind_of(f"file://{hollow}") is Cause.DECODER
    assert kind_of(f"file://{tmp_path}/none.mp4") is Cause.NOT_FOUND


def test_what_is_no_camera_device_has_a_kind() -> None:
    assert kind_of("v4l2:///dev/null") is Cause.DEVICE
    assert kind_of("v4l2:///dev/none") is Cause.DEVICE


def test_the_command_itself_answers_at_once_and_without_tensorflow() -> None:
    started_s = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "daemon.cli", "probe", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - started_s < 2.0  # half a second on a machine that is not busy
    assert "usage: vedette probe" in found.stdout
    assert "tensorflow" not in found.stderr


@pytest.mark.parametrize(
    ("respond", "transport", "said"),
    [
        (lambda _: streamed(fps=20), "http", "fps by arrival"),
        (lambda _: answer(jpeg()), "http_still", "5 fps asked for"),
    ],
)
def test_cameras_over_http(
    respond: Respond, transport: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with web_camera(respond) as camera:
        found = Said(capfd, camera.url, "--seconds", "1")
    assert found.code == 0
    assert re.search(r"video +MJPEG.*320×240", found.out)
    assert re.search(rf"transport +{transport}$", found.out, re.MULTILINE)
    assert re.search(r"keyframes +every picture", found.out)
    assert re.search(r"bit rate +\d+ kbit/s", found.out)
    assert said in found.out
    assert "hint:" not in found.out
    assert f'url: "{camera.url}"\n    detect: {{fps: 5}}' in found.out


def test_hls(capfd: pytest.CaptureFixture[str]) -> None:
    with web_camera(LiveHls()) as camera:
        found = Said(capfd, camera.url.replace("stream", "live.m3u8"), "--seconds", "2.5", "--json")
    told = found.json()
    assert told["stream"]["transport"] == "hls"
    assert told["measured"]["fps_by_arrival"] == pytest.approx(10, abs=1)


def test_what_is_no_camera_over_http(capfd: pytest.CaptureFixture[str]) -> None:
    with web_camera(lambda _: answer(b"<html>", "text/html")) as camera:
        found = Said(capfd, camera.url)
    assert found.code == 1
    assert "no_video: it answers with a web page" in found.err
    assert "copy its address" in found.err
