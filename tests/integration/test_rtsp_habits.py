"""Cameras with habits of their own: each opens in one visit, or is refused with a way out."""

from __future__ import annotations

import gc
import hashlib
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState
from daemon.capture import CaptureError, Cause, open_source
from daemon.capture.av_source import AvSource
from daemon.capture.pacer import Pacer
from daemon.capture.rtsp import Relay
from daemon.clock import SystemClock
from tests.support.capture_rig import INPUT, running
from tests.support.fault_proxy import fault_proxy
from tests.support.floods import FLOODS, flood
from tests.support.require import program
from tests.support.rtsp_server import RtspServer, rtsp_server
from tests.support.scripted_rtsp import ScriptedCamera, scripted_camera
from tests.support.talkative_rtsp import talkative_server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]

QUICK = {
    "detect": {"fps": 10.0},
    "open_timeout_s": 3.0,
    "read_timeout_s": 1.0,
    "reconnect": {"min_s": 0.2, "max_s": 1.0},
}
USER, PASSWORD = "viewer", "canary p&ss"
UNAUTHORIZED = b"RTSP/1.0 401 Unauthorized"


@pytest.fixture
def camera() -> Iterator[ScriptedCamera]:
    with scripted_camera() as started:
        yield started


@pytest.fixture
def login(tmp_path: Path) -> str:
    file = tmp_path / "login"
    file.write_text(f"{USER}:{PASSWORD}")
    file.chmod(0o600)
    return f"file:{file}"


def watch(camera: CameraConfig) -> None:
    """Until the stream ends."""
    source = open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _: False)
    with closing(source):
        for _ in source.samples(Pacer(5.0, live=True)):
            pass


def failure(url: str, **fields: Any) -> CaptureError:
    camera = CameraConfig.model_validate({"url": url, **QUICK, **fields})
    with pytest.raises(CaptureError) as caught:
        watch(camera)
    assert "canary" not in f"{caught.value!r} {caught.value.__context__!r}"
    return caught.value


def test_a_camera_is_visited_once(camera: ScriptedCamera) -> None:
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(3)
    methods = [method for method, _, _ in camera.asked]
    assert camera.connections == 1
    assert methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert methods.count("DESCRIBE") == 1


def test_a_camera_that_serves_one_viewer_serves_us(camera: ScriptedCamera) -> None:
    camera.seat_s = 0.5
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(3)
        assert rig.reasons() == []
    time.sleep(0.6)
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(3)
        with running(camera.url, **QUICK) as second:
            second.wait_for_state(CameraState.BACKOFF)
            assert set(second.reasons()) == {"full"}


def test_an_answer_that_takes_its_time_is_waited_for(camera: ScriptedCamera) -> None:
    def slow(method: str, _: object) -> None:
        if method == "DESCRIBE":
            time.sleep(1.5)

    camera.respond = slow
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(2)
    assert camera.connections == 1


def test_lines_may_end_with_lf_alone(camera: ScriptedCamera) -> None:
    camera.line_end = b"\n"
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(2)


def wants(*challenges: str, hashes: str) -> Callable[[str, dict[bytes, bytes]], Any]:
    """A server's side of a login: asks, and checks what it is told."""

    def digest(*parts: str) -> str:
        return hashlib.new(hashes, ":".join(parts).encode()).hexdigest()

    def respond(method: str, headers: dict[bytes, bytes]) -> list[bytes] | None:
        asked = [UNAUTHORIZED, *(f"WWW-Authenticate: {c}".encode() for c in challenges)]
        found = re.findall(r'(\w+)="?([^",]+)', headers.get(b"authorization", b"").decode())
        said = dict(found)
        if "response" not in said:
            return asked
        secret = digest(USER, "gate", PASSWORD)
        if said.get("algorithm", "").lower().endswith("-sess"):
            secret = digest(secret, "n", said["cnonce"])
        request = digest(method, said["uri"])
        middle = ("n", said["nc"], said["cnonce"], "auth") if "qop" in said else ("n",)
        return None if digest(secret, *middle, request) == said["response"] else asked

    return respond


MD5 = 'Digest realm="gate", nonce="n", algorithm=MD5'
SHA = 'Digest realm="gate", nonce="n", algorithm=SHA-256, qop="auth"'


@pytest.mark.parametrize(
    ("challenges", "hashes"),
    [
        ((SHA,), "sha256"),
        ((MD5, SHA), "sha256"),
        ((SHA, MD5), "sha256"),
        ((MD5,), "md5"),
        (('Digest realm="gate", nonce="n", algorithm=MD5-sess, qop="auth"',), "md5"),
        (('Digest realm="gate", nonce="n"',), "md5"),
    ],
)
def test_every_login_of_the_standard_is_said_once(
    camera: ScriptedCamera, login: str, challenges: tuple[str, ...], hashes: str
) -> None:
    camera.respond = wants(*challenges, hashes=hashes)
    with running(camera.url, **QUICK, credential=login) as rig:
        rig.wait_for_frames(2)
    assert camera.connections == 1
    assert [method for method, _, _ in camera.asked].count("OPTIONS") == 2


def test_a_refused_login_and_an_unknown_one_are_told_apart(
    camera: ScriptedCamera, login: str
) -> None:
    camera.respond = wants('Digest realm="gate", nonce="other"', hashes="md5")
    assert str(failure(camera.url, credential=login)) == "auth: it refuses this user or password"
    assert sum(b"authorization" in headers for _, _, headers in camera.asked) == 1
    camera.respond = lambda *_: [UNAUTHORIZED, b"WWW-Authenticate: NTLM"]
    error = failure(camera.url, credential=login)
    assert error.kind is Cause.LOGIN_METHOD
    assert "NTLM" in error.detail
    assert "password" not in error.detail


def test_a_camera_that_hangs_up_to_ask_for_a_login_is_visited_again(login: str) -> None:
    """As FFmpeg cannot."""
    authorized = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    authorized.append(b"Authorization:" in client.recv(4096))
                    asks = b"WWW-Authenticate: " + MD5.encode() + b"\r\n"
                    said = b"404 Not Found\r\n" if authorized[-1] else b"401 No\r\n" + asks
                    client.sendall(b"RTSP/1.0 " + said + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        error = failure(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/s", credential=login)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert authorized == [False, True]
    assert error.kind in (Cause.EOF, Cause.RESET)  # as fast as the server hung up


@pytest.mark.parametrize(
    ("method", "status", "said"),
    [
        ("SETUP", b"461 Unsupported Transport", "transport: * (461 to SETUP): set transport: udp"),
        ("SETUP", b"406 Not Acceptable", "transport: * (406 to SETUP): set transport: udp"),
        ("PLAY", b"453 Not Enough Bandwidth", "full: the camera serves no more viewers*"),
        ("DESCRIBE", b"503 Service Unavailable", "busy: the camera is busy; *"),
        ("DESCRIBE", b"500 Internal Error", "busy: the camera failed inside; *"),
        ("DESCRIBE", b"403 Forbidden", "forbidden: *(403 to DESCRIBE)"),
        ("DESCRIBE", b"400 Bad Request", "rejected: *(400 to DESCRIBE)"),
        ("PLAY", b"454 Session Not Found", "rejected: *(454 to PLAY)"),
        ("DESCRIBE", b"404 Not Found", "not_found"),
    ],
)
def test_each_refusal_says_what_to_do(
    camera: ScriptedCamera, method: str, status: bytes, said: str
) -> None:
    camera.respond = lambda asked, _: [b"RTSP/1.0 " + status] if asked == method else None
    error = failure(camera.url)
    assert re.fullmatch(re.escape(said).replace(r"\*", ".*"), str(error)), str(error)
    assert "password" not in str(error)


def test_a_login_goes_where_the_url_has_places_for_it(camera: ScriptedCamera, login: str) -> None:
    url = f"rtsp://127.0.0.1:{camera.port}/user={{user}}&password={{password}}&channel=1"
    with running(url, **QUICK, credential=login) as rig:
        rig.wait_for_frames(2)
    _, asked, headers = camera.asked[1]
    assert asked.endswith("/user=viewer&password=canary%20p%26ss&channel=1")
    assert b"authorization" not in headers


def test_media_on_a_channel_that_was_not_agreed_upon_ends_the_open(camera: ScriptedCamera) -> None:
    camera.channel = 6
    started_s = time.monotonic()
    error = failure(camera.url, open_timeout_s=1.0)
    assert str(error) == "protocol: it sends on other channels than agreed upon"
    assert time.monotonic() - started_s < 2.0


PARTS = (AvSource, Relay, av.VideoCodecContext, av.VideoFrame)


def parts_of_streams() -> int:
    return sum(isinstance(one, PARTS) for one in gc.get_objects())


def lost_by(url: str, lose: Callable[[], object]) -> Cause | None:
    """Watch until a few pictures have come and the stream is then lost."""
    camera = CameraConfig.model_validate({"url": url, **QUICK})
    try:
        source = open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _: False)
        with closing(source):
            for number, _ in enumerate(source.samples(Pacer(10.0, live=True))):
                if number == 2:
                    lose()
    except CaptureError as error:
        return error.kind
    return None


@pytest.mark.parametrize("way", ["ended", "broken", "silent"])
def test_a_lost_stream_is_freed_at_once(camera: ScriptedCamera, way: str) -> None:
    with fault_proxy(camera.port) as proxy:
        lose = {
            "ended": partial(proxy.break_all, reset=False),
            "broken": partial(proxy.break_all, reset=True),
            "silent": proxy.frozen.set,
        }[way]
        gc.collect()
        before = parts_of_streams()
        gc.disable()  # it seldom comes by where a process holds as much as TensorFlow does
        try:
            cause = lost_by(f"rtsp://127.0.0.1:{proxy.port}/stream", lose)
            left = parts_of_streams() - before
        finally:
            gc.enable()
    # The two halves of a broken connection end in any order.
    assert cause in ({Cause.TIMEOUT} if way == "silent" else {Cause.EOF, Cause.RESET})
    assert left == 0


def test_a_session_is_kept_alive(camera: ScriptedCamera) -> None:
    def short(method: str, headers: dict[bytes, bytes]) -> list[bytes] | None:
        if method != "SETUP":
            return None
        transport = b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
        return [b"RTSP/1.0 200 OK", b"Session: 7 ;timeout=4", transport]

    camera.respond = short
    with running(camera.url, **QUICK) as rig:
        rig.wait_for(lambda: "GET_PARAMETER" in [method for method, _, _ in camera.asked], 5)
        rig.wait_for_frames(len(rig.frames) + 3)
    alive = next(headers for method, _, headers in camera.asked if method == "GET_PARAMETER")
    assert alive[b"session"] == b"7"


def test_waiting_for_a_keyframe_is_neither_silence_nor_damage(camera: ScriptedCamera) -> None:
    """Joined in the middle: pictures for three times `read_timeout_s`, and only then a keyframe."""
    camera.edit = lambda unit: None if unit.is_keyframe and unit.number < 30 else unit
    with running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(3)
        assert rig.page.dropped[Drop.CORRUPT] == 0
    seen = [(status.state, status.reason) for status in rig.history]
    assert (CameraState.CONNECTING, "no_keyframe") in seen
    assert rig.reasons() == []
    assert rig.observer.errors == []


def test_a_keyframe_that_never_comes_has_a_bound_of_its_own(camera: ScriptedCamera) -> None:
    camera.edit = lambda unit: None if unit.is_keyframe else unit
    with running(camera.url, **QUICK, keyframe_timeout_s=1.5) as rig:
        rig.wait_for_state(CameraState.BACKOFF)
    assert rig.reasons() == ["no_keyframe"]
    assert rig.page.captured == 0


@pytest.mark.parametrize("kind", FLOODS)
def test_no_flood_takes_memory(camera: ScriptedCamera, kind: str) -> None:
    camera.media = partial(flood, kind)
    before_mb = resident_mb()
    error = failure(camera.url, open_timeout_s=5.0)
    assert error.kind is Cause.FLOOD
    assert resident_mb() - before_mb < 150


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with rtsp_server() as started:
        yield started


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """For 127.0.0.1, signed by itself."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {file} -subj /CN=camera"
    openssl = [program("openssl", package="openssl"), *words.split()]
    subprocess.run(
        [*openssl, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context, file


def test_certificates_are_looked_at_where_that_is_asked_for(
    certificate: tuple[ssl.SSLContext, Path], tmp_path: Path
) -> None:
    context, own = certificate
    other = tmp_path / "other.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {tmp_path}/k -out {other} -subj /CN=x"
    openssl = [program("openssl", package="openssl"), *words.split()]
    subprocess.run(openssl, check=True, capture_output=True)
    with talkative_server(lambda _: (404, {}), tls=context) as camera:
        url = f"rtsps://127.0.0.1:{camera.port}/s"
        assert failure(url).kind is Cause.NOT_FOUND
        assert failure(url, tls_ca=own).kind is Cause.NOT_FOUND
        assert str(failure(url, tls_ca=other)) == "certificate: it is signed by none of tls_ca"
        assert failure(f"rtsps://localhost:{camera.port}/s", tls_ca=own).detail == (
            "it names another host"
        )


def test_tls_and_its_absence_are_told_apart(
    certificate: tuple[ssl.SSLContext, Path], server: RtspServer
) -> None:
    context, _ = certificate
    with talkative_server(lambda _: (404, {}), tls=context) as camera:
        error = failure(f"rtsp://127.0.0.1:{camera.port}/s")
        assert "rtsps:" in error.detail, error
    error = failure(f"rtsps://127.0.0.1:{server.port}/s")
    assert "rtsp:" in error.detail, error
