"""A camera that leads elsewhere is not followed, and its login is told to nobody else."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import pytest

from config.camera import CameraConfig
from daemon.capture import CaptureError, Cause, open_source
from daemon.capture import peer as peer_module
from daemon.clock import SystemClock
from tests.support.capture_rig import INPUT, running
from tests.support.require import program
from tests.support.rtsp_server import rtsp_server
from tests.support.scripted_rtsp import scripted_camera
from tests.support.talkative_rtsp import Answer, Question, TalkativeServer, talkative_server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]

SECRET = "canary-p@ss:word/1"
CHALLENGES = {
    "basic": 'Basic realm="gate"',
    "digest": 'Digest realm="gate", nonce="5f2c"',
    "sha-256": 'Digest realm="gate", nonce="5f2c", algorithm=SHA-256, qop="auth", opaque="9e"',
}
OTHER_NAMES = ["localhost", "LOCALHOST.", "127.0.0.2", "[::1]"]


@pytest.fixture
def stranger() -> Iterator[TalkativeServer]:
    """Where no login may ever be heard; it would not mind."""
    with talkative_server(lambda _: (404, {})) as server:
        yield server


@pytest.fixture
def login(tmp_path: Path) -> str:
    file = tmp_path / "login"
    file.write_text(f"viewer:{SECRET}")
    file.chmod(0o600)
    return f"file:{file}"


def open_failure(url: str, **fields: Any) -> CaptureError:
    camera = CameraConfig.model_validate({"url": url, "open_timeout_s": 5.0, **fields})
    with pytest.raises(CaptureError) as caught:
        open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _: False)
    assert "canary" not in f"{caught.value!r} {caught.value.__context__!r}"
    return caught.value


def redirecting(location: str, *, method: str, challenge: str | None = None) -> Answer:
    """Sends whoever asks with this method there, once they have logged in where that is wanted."""

    def answer(question: Question) -> tuple[int, dict[str, str]]:
        if challenge and "authorization" not in question.headers:
            return 401, {"WWW-Authenticate": challenge}
        if question.method == method:
            return 302, {"Location": location}
        return 200, {"Public": "OPTIONS, DESCRIBE"}

    return answer


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE"])
@pytest.mark.parametrize("challenge", [None, *CHALLENGES])
def test_a_redirect_to_another_host_is_refused_before_anyone_logs_in_there(
    stranger: TalkativeServer, login: str, method: str, challenge: str | None
) -> None:
    location = f"rtsp://localhost:{stranger.port}/h264"
    answer = redirecting(location, method=method, challenge=CHALLENGES.get(challenge or ""))
    with talkative_server(answer) as camera:
        error = open_failure(f"rtsp://127.0.0.1:{camera.port}/h264", credential=login)
    assert str(error) == "redirected: to another host"
    assert stranger.questions == []
    assert {question.headers["user-agent"] for question in camera.questions} == {"vedette"}


def test_ffmpeg_alone_would_log_in_at_the_other_host(stranger: TalkativeServer) -> None:
    """Why no word of a camera reaches FFmpeg."""
    location = f"rtsp://localhost:{stranger.port}/h264"
    answer = redirecting(location, method="DESCRIBE", challenge=CHALLENGES["basic"])
    with talkative_server(answer) as camera, pytest.raises(av.FFmpegError):
        av.open(f"rtsp://viewer:x@127.0.0.1:{camera.port}/h264", timeout=5)
    assert any("authorization" in question.headers for question in stranger.questions)


def test_other_questions_lead_nowhere_either(
    stranger: TalkativeServer,
) -> None:
    location = f"rtsp://localhost:{stranger.port}/h264".encode()
    moved = b"RTSP/1.0 302 Moved\r\nCSeq: %d\r\nLocation: " + location + b"\r\n\r\n"
    for number, method in ((3, "SETUP"), (4, "PLAY")):
        with scripted_camera() as camera:
            camera.answers[method] = moved % number
            error = open_failure(camera.url, open_timeout_s=2.0)
        assert str(error) == f"redirected: in the middle of a conversation ({method})"
    assert stranger.questions == []


@pytest.mark.parametrize(
    "answer",
    [
        b"RTSP/1.0 302x Moved\r\nCSeq: 2\r\nLocation: %s\r\n\r\n",
        b"RTSP/1.0 302 Moved\nCSeq: 2\nLocation: %s\n\n",
        b"RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation : %s\r\n\r\n",
        b"RTSP/1.0 302 Moved\r\nLocation: rtsp://127.0.0.1:1/\r\nLocation : %s\r\n\r\n",
        b"RTSP/1.0 302 Moved\r\nLocation:\r\n %s\r\n\r\n",
        b"\r\n\r\nRTSP/1.0 302 Moved\r\nLOCATION:%s\r\n\r\n",
    ],
)
def test_no_form_of_an_answer_leads_to_another_host(
    stranger: TalkativeServer, login: str, answer: bytes
) -> None:
    """There is one reader, so none that understands more than another."""
    location = f"rtsp://localhost:{stranger.port}/h264".encode()
    for method in ("OPTIONS", "DESCRIBE"):
        with scripted_camera() as camera:
            camera.answers[method] = answer % location
            open_failure(camera.url, open_timeout_s=1.0, credential=login)
    assert stranger.questions == []
    assert stranger.connections == 0


@pytest.mark.parametrize("host", OTHER_NAMES)
def test_only_the_same_name_or_its_own_address_is_the_same_host(host: str) -> None:
    answer = redirecting(f"rtsp://{host}:9/h264", method="OPTIONS")
    with talkative_server(answer) as camera:
        error = open_failure(f"rtsp://127.0.0.1:{camera.port}/h264")
    assert error.kind is Cause.REDIRECTED


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1/", "/etc/passwd", "rtp://127.0.0.1:9", "x:"]
)
def test_a_redirect_out_of_rtsp_is_refused(location: str) -> None:
    with talkative_server(redirecting(location, method="DESCRIBE")) as camera:
        error = open_failure(f"rtsp://127.0.0.1:{camera.port}/h264")
    assert error.kind is Cause.REDIRECTED


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_redirect_on_the_camera_itself_is_followed(name: str) -> None:
    with scripted_camera() as real:
        location = f"rtsp://127.0.0.1:{real.port}/stream"
        with (
            talkative_server(redirecting(location, method="DESCRIBE")) as camera,
            running(f"rtsp://{name}:{camera.port}/h264") as rig,
        ):
            rig.wait_for_frames(3)


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    """As cameras have them: signed by nobody else."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -subj /CN=camera"
    openssl = program("openssl", package="openssl")
    subprocess.run([openssl, *words.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize(
    ("location", "detail"),
    [
        ("rtsps://localhost:{}/", "to another host"),
        ("rtsp://127.0.0.1:{}/", "to an open connection, or none of RTSP"),
    ],
)
def test_a_secured_camera_may_lead_to_no_other_host_and_to_no_open_connection(
    stranger: TalkativeServer,
    login: str,
    own_certificate: ssl.SSLContext,
    location: str,
    detail: str,
) -> None:
    answer = redirecting(location.format(stranger.port), method="DESCRIBE")
    with talkative_server(answer, tls=own_certificate) as camera:
        error = open_failure(f"rtsps://127.0.0.1:{camera.port}/h264", credential=login)
    assert str(error) == f"redirected: {detail}"
    assert stranger.questions == []


def test_a_secured_camera_sees_one_connection(own_certificate: ssl.SSLContext) -> None:
    with talkative_server(lambda _: (404, {}), tls=own_certificate) as camera:
        error = open_failure(f"rtsps://127.0.0.1:{camera.port}/h264")
    assert error.kind is Cause.NOT_FOUND
    assert [question.method for question in camera.questions] == ["OPTIONS", "DESCRIBE"]
    assert {question.connection for question in camera.questions} == {1}


def test_redirects_in_circles_end() -> None:
    def answer(question: Question) -> tuple[int, dict[str, str]]:
        return 301, {"Location": question.url}

    with talkative_server(answer) as camera:
        error = open_failure(f"rtsp://127.0.0.1:{camera.port}/h264")
        assert camera.connections == 4
    assert str(error) == "protocol: it redirects in circles"


def test_a_refused_login_is_tried_once(login: str) -> None:
    """Cameras lock accounts after a few attempts."""

    def answer(_: Question) -> tuple[int, dict[str, str]]:
        return 401, {"WWW-Authenticate": CHALLENGES["digest"]}

    with talkative_server(answer) as camera:
        error = open_failure(f"rtsp://127.0.0.1:{camera.port}/h264", credential=login)
    assert error.kind is Cause.AUTH
    assert sum("authorization" in question.headers for question in camera.questions) == 1


def test_a_real_server_takes_the_login(login: str) -> None:
    with (
        rtsp_server(login=("viewer", SECRET)) as server,
        running(server.url, credential=login) as rig,
    ):
        rig.wait_for_frames(2)


@pytest.mark.parametrize("resolves_to", ["169.254.7.7", "169.254.169.254", "::ffff:169.254.1.1"])
def test_a_name_that_leads_to_a_link_local_address_is_not_talked_to(
    monkeypatch: pytest.MonkeyPatch, resolves_to: str
) -> None:
    with talkative_server(lambda _: (200, {})) as camera:
        monkeypatch.setattr(peer_module.socket, "create_connection", _named(resolves_to))
        error = open_failure(f"rtsp://camera.lan:{camera.port}/h264")
    assert str(error) == "redirected: its name leads to a link-local address"
    assert camera.questions == []


def _named(address: str) -> Callable[..., socket.socket]:
    """A connection to whomever, which says that its peer has this address."""

    class Connection(socket.socket):
        def getpeername(self) -> tuple[str, int]:
            return (address, 554)

    def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
        connection = Connection()
        connection.settimeout(timeout_s)
        connection.connect(("127.0.0.1", address[1]))
        return connection

    return connect


def test_an_answer_without_end_is_given_up() -> None:
    def flood(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.sendall(b"RTSP/1.0 200 OK\r\n")
            while True:
                client.sendall(b"X-More: more\r\n" * 100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=flood, args=(listener,))
        thread.start()
        error = open_failure(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/h264")
        thread.join()
    assert str(error) == "protocol: its answer has no end"
