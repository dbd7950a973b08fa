"""Cameras over HTTP: what they are taken for, what is refused, and how long anything may last."""

from __future__ import annotations

import gc
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState
from daemon.capture import CaptureError, Cause, open_source
from daemon.capture import peer as peer_module
from daemon.capture.av_source import AvSource
from daemon.capture.http.pictures import MOST_FPS
from daemon.capture.http_source import HttpSource
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, Sample
from daemon.clock import SystemClock
from tests.support.capture_rig import INPUT, running
from tests.support.hls import LiveHls
from tests.support.require import program
from tests.support.web_camera import (
    Asked,
    DigestGate,
    Reply,
    answer,
    head,
    jpeg,
    part,
    streamed,
    web_camera,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]
QUICK = {
    "detect": {"fps": 20.0},
    "open_timeout_s": 2.0,
    "read_timeout_s": 1.0,
    "reconnect": {"min_s": 0.2, "max_s": 1.0},
}
SECRET = "canary-p@ss:word/1"


@pytest.fixture
def login(tmp_path: Path) -> str:
    file = tmp_path / "gate"
    file.write_text(f"viewer:{SECRET}")
    file.chmod(0o600)
    return f"file:{file}"


def seen(url: str, count: int = 3, **fields: Any) -> tuple[list[Sample | Lost], Any]:
    """The first samples of a camera and its stream; raises CaptureError."""
    camera = CameraConfig.model_validate({"url": url, **QUICK, **fields})
    source = open_source(
        camera, input_spec=INPUT, clock=SystemClock(), pause=lambda s: bool(time.sleep(s))
    )
    with closing(source):
        samples = []
        for sample in source.samples(Pacer(1000, live=True)):
            samples.append(sample)
            if len(samples) == count:
                break
        return samples, source.info


def failure(url: str, **fields: Any) -> CaptureError:
    with pytest.raises(CaptureError) as caught:
        seen(url, **fields)
    return caught.value


def raw(*chunks: bytes) -> Callable[[Asked], Reply]:
    return lambda _: Reply(chunks)


# ── what it is taken for ─────────────────────────────────────────────────────────────────────────


def test_a_stream_of_pictures() -> None:
    with web_camera() as camera, running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(10)
    stream = rig.status.stream
    assert stream is not None
    assert (stream.codec, stream.width, stream.height) == ("mjpeg", 320, 240)
    assert (stream.transport, stream.decoder, stream.fps) == ("http", "software", None)
    picture = rig.frames[0].picture.to_bgr()
    assert picture.shape == (240, 320, 3)
    assert picture[10, 10].min() > 240
    assert picture[200, 300].max() < 80
    assert camera.connections == 1
    assert rig.reasons() == []


def test_a_picture_that_is_asked_for_again_and_again_over_one_connection() -> None:
    numbers = iter(range(1000))
    with (
        web_camera(lambda _: answer(jpeg(next(numbers)))) as camera,
        running(camera.url, **QUICK) as rig,
    ):
        began_s = time.monotonic()
        rig.wait_for_frames(11)
        took_s = time.monotonic() - began_s
    assert 0.4 <= took_s <= 3.0  # at detect.fps, as far as the machine lets it
    assert rig.status.stream is not None
    assert (rig.status.stream.transport, rig.status.stream.fps) == ("http_still", 20.0)
    assert camera.connections == 1


def test_connections_that_are_closed_after_every_picture() -> None:
    with (
        web_camera(lambda _: answer(jpeg(), keeps=False)) as polite,
        web_camera(raw(head("image/jpeg") + jpeg())) as old,
        web_camera(lambda _: Reply([b"".join(answer(jpeg()).chunks)])) as rude,
        web_camera(lambda _: streamed(count=1, fps=1000)) as odd,
    ):
        for camera in (polite, old, rude, odd):
            with running(camera.url, **QUICK) as rig:
                rig.wait_for_frames(4)
            assert rig.reasons() == []
            assert camera.connections >= 4


@pytest.mark.parametrize(
    ("content_type", "of_part"),
    [
        ("multipart/x-mixed-replace; boundary=frame", {"length": False}),
        ('multipart/x-mixed-replace; boundary="frame"', {"boundary": b"frame"}),
        ("multipart/x-mixed-replace; boundary=--frame", {}),
        ("multipart/x-mixed-replace; boundary=wrong", {"length": False}),
        ("multipart/mixed", {"line_end": b"\n"}),
        ("multipart/x-mixed-replace; boundary=frame", {"line_end": b"\n", "length": False}),
        ("text/plain", {}),
    ],
)
def test_streams_that_are_written_oddly(content_type: str, of_part: dict[str, Any]) -> None:
    with web_camera(lambda _: streamed(content_type, **of_part)) as camera:
        samples, info = seen(camera.url)
    assert [isinstance(sample, Sample) for sample in samples] == [True] * 3
    assert info.transport == "http"


def test_chunks_and_notes_between_the_pictures() -> None:
    def chunked() -> Iterator[bytes]:
        said = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=f\r\n"
        yield f"{said}Transfer-Encoding: chunked\r\n\r\n".encode()
        note = b"--f\r\nContent-Type: text/plain\r\n\r\nall is well\r\n"
        for number in range(5):
            data = note + part(jpeg(number), boundary=b"--f")
            for at in range(0, len(data), 1000):
                piece = data[at : at + 1000]
                yield b"%x\r\n" % len(piece) + piece + b"\r\n"

    with web_camera(lambda _: Reply(chunked())) as camera:
        samples, _ = seen(camera.url, 5)
    assert all(isinstance(sample, Sample) for sample in samples)


@pytest.mark.parametrize("content_type", ["image/jpg", "application/octet-stream", "text/html", ""])
def test_a_picture_of_another_name(content_type: str) -> None:
    with web_camera(lambda _: answer(jpeg(), content_type)) as camera:
        samples, info = seen(camera.url)
    assert len(samples) == 3
    assert info.transport == "http_still"


def test_a_camera_that_tells_the_time_of_its_pictures() -> None:
    def chunks() -> Iterator[bytes]:
        yield head("multipart/x-mixed-replace; boundary=f")
        for number in range(4):
            said = b"--f\r\nContent-Type: image/jpeg\r\nX-Timestamp: %d.25\r\n" % (100 + number)
            yield said + b"Content-Length: %d\r\n\r\n" % len(jpeg()) + jpeg() + b"\r\n"

    with web_camera(lambda _: Reply(chunks())) as camera:
        samples, _ = seen(camera.url)
    assert [s.pts_s for s in samples if isinstance(s, Sample)] == [100.25, 101.25, 102.25]


def test_pictures_beyond_the_cap_are_counted_and_not_decoded() -> None:
    with (
        web_camera(lambda _: streamed(fps=40)) as camera,
        running(camera.url, **QUICK | {"detect": {"fps": 10.0}}) as rig,
    ):
        rig.wait_for_frames(10)
    assert rig.page.dropped[Drop.FPS_CAP] >= 15
    assert rig.page.dropped[Drop.CORRUPT] == 0


def test_a_gate_leaves_out_pictures_in_which_nothing_has_changed() -> None:
    gated = {"detect": {"fps": 20.0, "gate": {"enabled": True}}}
    with (
        web_camera(lambda _: streamed(picture=lambda _: jpeg())) as camera,
        running(camera.url, **QUICK | gated) as rig,
    ):
        rig.wait_for(lambda: rig.page.dropped[Drop.GATED] >= 5)
    assert rig.frames


# ── logins ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("kind", ["stream", "still"])
def test_a_digest_login(login: str, algorithm: str, kind: str) -> None:
    gate = DigestGate("viewer", SECRET, algorithm)

    def respond(asked: Asked) -> Reply:
        return gate(asked) or (streamed() if kind == "stream" else answer(jpeg()))

    with web_camera(respond) as camera, running(camera.url, **QUICK, credential=login) as rig:
        rig.wait_for_frames(3)
        gate.nonce = "another"  # too old now: asked again, without a loss
        rig.wait_for_frames(len(rig.frames) + 3)
    assert rig.reasons() == []
    assert gate.refused <= 1
    assert SECRET not in str(camera.asked)


def test_a_basic_login_and_one_in_the_url(login: str) -> None:
    def basic(asked: Asked) -> Reply:
        if asked.headers.get("authorization", "").startswith("Basic "):
            return answer(jpeg())
        wanted = ['WWW-Authenticate: Basic realm="cam"']
        return answer(b"", "text/html", status="401 Unauthorized", headers=wanted, keeps=False)

    with web_camera(basic) as camera:
        seen(camera.url, credential=login)
    with web_camera(lambda _: answer(jpeg())) as camera:
        seen(f"{camera.url}?usr={{user}}&pwd={{password}}", credential=login)
    assert camera.asked[0].target == "/stream?usr=viewer&pwd=canary-p%40ss%3Aword%2F1"


def test_a_login_that_is_wrong_missing_or_not_known(login: str) -> None:
    gate = DigestGate("viewer", "another")
    with web_camera(lambda asked: gate(asked) or answer(jpeg())) as camera:
        assert str(failure(camera.url, credential=login)) == (
            "auth: it refuses this user or password"
        )
        assert gate.refused == 1  # said once: cameras lock accounts
        assert str(failure(camera.url)) == "auth: it wants a login"
    for header, words in (
        ("WWW-Authenticate: NTLM", "it wants a login by NTLM, not known here"),
        ("X: y", "it wants a login and does not say how"),
    ):
        refusal = answer(b"", status="401 Unauthorized", headers=[header])
        with web_camera(lambda _, refusal=refusal: refusal) as camera:
            error = failure(camera.url, credential=login)
        assert error.kind is Cause.LOGIN_METHOD
        assert error.detail.startswith(words)


# ── redirects ────────────────────────────────────────────────────────────────────────────────────


def moved(location: str) -> Reply:
    headers = [f"Location: {location}"]
    return answer(b"moved", "text/html", status="302 Found", headers=headers)


def test_a_redirect_on_the_camera_is_followed() -> None:
    def respond(asked: Asked) -> Reply:
        return streamed() if asked.target == "/live" else moved("/live")

    with web_camera(respond) as camera:
        assert len(seen(camera.url)[0]) == 3
    with web_camera(lambda _: moved("/stream")) as camera:
        assert str(failure(camera.url)) == "protocol: it redirects in circles"


def test_a_redirect_elsewhere_is_not_followed_and_hears_no_login(login: str) -> None:
    with web_camera() as elsewhere:
        target = elsewhere.url.replace("127.0.0.1", "localhost.localdomain")
        with web_camera(lambda _: moved(target)) as camera:
            error = failure(camera.url, credential=login)
        assert elsewhere.connections == 0
    assert str(error) == "redirected: to another host"


def test_a_name_that_leads_to_a_link_local_address_is_not_talked_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect = peer_module.socket.create_connection

    def elsewhere(_address: tuple[str, int], timeout_s: float) -> Any:
        connection = connect(("127.0.0.1", camera.port), timeout_s)
        monkeypatch.setattr(type(connection), "getpeername", lambda _: ("169.254.169.254", 80))
        return connection

    with web_camera() as camera:
        with monkeypatch.context() as patched:
            patched.setattr(peer_module.socket, "create_connection", elsewhere)
            error = failure(f"http://camera.lan:{camera.port}/x")
        monkeypatch.undo()
        assert camera.asked == []
    assert str(error) == "redirected: its name leads to a link-local address"


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


def made(folder: Path, name: str, *words: str) -> tuple[Path, Path]:
    """A key and a certificate that it signed itself."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    line = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {file} -subj /CN={name}"
    openssl = [program("openssl", package="openssl"), *line.split(), *words]
    subprocess.run(openssl, check=True, capture_output=True)
    return key, file


def test_a_certificate_is_looked_at_where_that_is_asked_for(tmp_path: Path) -> None:
    key, own = made(tmp_path, "camera", "-addext", "subjectAltName=IP:127.0.0.1")
    _, other = made(tmp_path, "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    with web_camera(tls=context) as camera:
        for trusted in ({}, {"tls_ca": own}):
            samples, info = seen(camera.url, **trusted)
            assert (len(samples), info.transport) == (3, "http")
        error = failure(camera.url, tls_ca=other)
        assert str(error) == "certificate: it is signed by none of tls_ca"
        error = failure(camera.url.replace("https:", "http:"))
        assert error.kind in (Cause.PROTOCOL, Cause.EOF, Cause.RESET), error
    with web_camera() as camera:
        error = failure(camera.url.replace("http:", "https:"))
    assert str(error) == "protocol: it does not speak TLS: write http: in place of https:"


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def status(line: str) -> Reply:
    return answer(b"no", "text/html", status=line)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (status("404 Not Found"), "not_found"),
        (status("403 Forbidden"), "forbidden: the camera does not let this user see that (403)"),
        (status("503 Busy"), "busy: the camera is busy, or serves no more viewers;"),
        (status("429 Slow Down"), "busy: it is asked too often"),
        (status("418 Teapot"), "rejected: the camera refuses (418)"),
        (status("302 Found"), "rejected: the camera refuses (302)"),
        (answer(b"<html>Login</html>", "text/html"), "no_video: it answers with a web page"),
        (answer(b"", "text/plain"), "no_video: its answer is empty"),
        (answer(b"\x89PNG", "image/png"), "codec: it sends image/png, not JPEG, MJPEG or HLS"),
        (answer(b"x", "a\x1bb/<c>"), "codec: it sends something unnamed"),
        (Reply([b"SSH-2.0-OpenSSH\r\n"]), "protocol: its answer is not one of HTTP"),
        (Reply([b"RTSP/1.0 400 Bad Request\r\n\r\n"]), "protocol: it speaks RTSP: write rtsp:"),
        (Reply([b"\x15\x03\x01\x00\x02\x02\x46\n"]), "protocol: it speaks TLS: write https:"),
        (Reply([]), "eof: it hung up without a word"),
        (Reply([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000]), "flood: its answer has no end"),
        (Reply([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000]), "flood: its answer has no end"),
        (Reply([b"HTTP/1.1 100 Go on\r\n\r\n" * 9000]), "flood: its answer has no end"),
        (
            Reply(
                [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 99999999\r\n\r\n"]
            ),
            "flood: an answer of 100 MB",
        ),
        (
            Reply([b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\nab"]),
            "eof: it hung up in the middle of its answer",
        ),
        (Reply([head("multipart/x-mixed-replace;boundary=f")]), "eof"),
        (
            Reply([head("multipart/x-mixed-replace;boundary=f"), b"words\n" * 20_000]),
            "protocol: its parts have no boundary",
        ),
    ],
)
def test_every_refusal_has_a_name(reply: Reply, words: str) -> None:
    with web_camera(lambda _: reply) as camera:
        try:
            seen(camera.url)
        except CaptureError as error:
            said = str(error)
        else:
            said = "eof"  # the stream ended, as streams do
    assert said.startswith(words)


def test_a_picture_beyond_8k_is_refused() -> None:
    large = bytearray(jpeg())
    at = large.index(b"\xff\xc0") + 5
    for wh, change in (("9000x9000", b"\x23\x28\x23\x28"), ("8192x64", b"\x00\x40\x20\x00")):
        large[at : at + 4] = change
        with web_camera(lambda _, body=bytes(large): answer(body)) as camera:
            assert str(failure(camera.url)) == f"too_large: {wh}"


def endless(*begin: bytes, piece: bytes, every_s: float = 0.0) -> Reply:
    def chunks() -> Iterator[bytes]:
        yield from begin
        while True:
            yield piece
            time.sleep(every_s)

    return Reply(chunks())


def test_a_picture_that_never_ends_is_given_up() -> None:
    begin = head("image/jpeg") + b"\xff\xd8"
    with web_camera(lambda _: endless(begin, piece=bytes(1_000_000))) as camera:
        assert failure(camera.url, read_timeout_s=10).kind is Cause.FLOOD
    begin = head("multipart/x-mixed-replace;boundary=f") + b"--f\r\n\r\n\xff\xd8"
    with web_camera(lambda _: endless(begin, piece=bytes(1_000_000))) as camera:
        assert failure(camera.url, read_timeout_s=10).kind is Cause.FLOOD


@pytest.mark.parametrize(
    ("begin", "timeout", "words"),
    [
        (b"", "open", "timeout"),
        (b"HTTP/1.1 200 OK\r\nX: ", "open", "timeout"),
        (head("multipart/x-mixed-replace;boundary=f"), "read", "timeout"),
        (
            head("multipart/x-mixed-replace;boundary=f") + b"--f\r\n\r\n",
            "read",
            "timeout: a picture has begun and does not end",
        ),
        (head("image/jpeg") + b"\xff\xd8", "read", "timeout"),
    ],
)
@pytest.mark.parametrize("piece", [b"", b"y"], ids=["silence", "a trickle"])
def test_every_wait_has_an_end(begin: bytes, timeout: str, words: str, piece: bytes) -> None:
    limits = {"open_timeout_s": 0.5, "read_timeout_s": 5.0}
    if timeout == "read":
        limits = {"open_timeout_s": 5.0, "read_timeout_s": 0.5}
    with web_camera(lambda _: endless(begin, piece=piece, every_s=0.02)) as camera:
        began_s = time.monotonic()
        said = str(failure(camera.url, **limits))
        took_s = time.monotonic() - began_s
    assert said == words
    assert 0.4 <= took_s <= 3.0


def test_pictures_that_are_none_are_counted_and_then_given_up() -> None:
    with (
        web_camera(lambda _: streamed(picture=lambda _: b"")) as nothing,
        web_camera(lambda _: answer(b"<html>oops</html>")) as page,
    ):
        for camera in (nothing, page):
            with running(camera.url, **QUICK) as rig:
                rig.wait_for_state(CameraState.BACKOFF)
            assert rig.reasons() == ["decoder"]
            assert rig.page.dropped[Drop.CORRUPT] >= 5
            assert rig.page.captured == rig.page.dropped[Drop.CORRUPT]


def test_who_sends_as_fast_as_the_network_takes_it_is_slowed_down() -> None:
    with (
        web_camera(lambda _: streamed(fps=1e6)) as camera,
        running(camera.url, **QUICK | {"detect": {"fps": 5.0}}) as rig,
    ):
        rig.wait_for_frames(3)
        began, began_s = rig.page.captured, time.monotonic()
        rig.wait_for_frames(len(rig.frames) + 10)
        rate = (rig.page.captured - began) / (time.monotonic() - began_s)
    assert rate <= 1.5 * MOST_FPS
    assert rig.reasons() == []


def test_a_damaged_picture_costs_itself_alone() -> None:
    def picture(number: int) -> bytes:
        return jpeg(number)[:400] if number % 3 == 2 else jpeg(number)

    with (
        web_camera(lambda _: streamed(picture=picture)) as camera,
        running(camera.url, **QUICK) as rig,
    ):
        rig.wait_for_frames(10)
    assert rig.page.dropped[Drop.CORRUPT] >= 3
    assert rig.reasons() == []


def test_a_stop_ends_a_wait_at_once() -> None:
    slow = {"read_timeout_s": 60.0, "open_timeout_s": 60.0}
    with web_camera(lambda _: endless(b"", piece=b"", every_s=0.05)) as camera:
        with running(camera.url, **QUICK | slow) as rig:
            rig.wait_for(lambda: camera.asked != [])
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 3.0


PARTS = (HttpSource, AvSource, av.VideoFrame, av.VideoCodecContext)


def parts_of_streams() -> int:
    return sum(isinstance(one, PARTS) for one in gc.get_objects())


@pytest.mark.parametrize("path", ["stream", "live.m3u8"])
@pytest.mark.parametrize("way", ["gone", "silent"])
def test_a_lost_stream_is_freed_at_once(path: str, way: str) -> None:
    """No exception keeps what it passed until the garbage collector comes by."""
    hls = LiveHls()
    over = threading.Event()

    def respond(asked: Asked) -> Reply:
        if over.is_set():
            return Reply([]) if way == "gone" else endless(b"", piece=b"", every_s=0.02)
        return hls(asked) if path == "live.m3u8" else streamed(count=8)

    with web_camera(respond) as camera:
        gc.collect()
        before = parts_of_streams()
        gc.disable()
        try:
            cause = lost_by(camera.url.replace("stream", path), over.set)
            left = parts_of_streams() - before
        finally:
            gc.enable()
    assert cause in (None, Cause.EOF, Cause.TIMEOUT)
    assert left == 0


def lost_by(url: str, lose: Callable[[], object]) -> Cause | None:
    """Watch until a picture has come and the stream is then lost."""
    camera = CameraConfig.model_validate({"url": url, **QUICK})
    try:
        with closing(
            open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _: False)
        ) as source:
            for _ in source.samples(Pacer(10.0, live=True)):
                lose()
    except CaptureError as error:
        return error.kind
    return None


def test_a_camera_that_comes_back_is_seen_again() -> None:
    with web_camera() as camera, running(camera.url, **QUICK) as rig:
        rig.wait_for_frames(3)
        camera.stop()
        rig.wait_for_state(CameraState.BACKOFF)
        camera.start()
        rig.wait_for_frames(len(rig.frames) + 3)
    assert rig.reasons()[0] in ("reset", "eof", "refused")
