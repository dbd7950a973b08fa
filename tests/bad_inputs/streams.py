"""Files and cameras, opened and watched as the daemon does, with short timeouts."""

from __future__ import annotations

import socket
import struct
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from config.camera import CameraConfig
from config.urls import redacted
from daemon.capture.errors import CaptureError
from daemon.clock import SystemClock
from daemon.diagnosis.advice import advice
from daemon.diagnosis.probing import attempt
from daemon.diagnosis.report import summary
from tests.bad_inputs.case import CANARY, Case, Ended
from tests.mutants.recordings import Conversation, conversation
from tests.mutants.replay import replaying
from tests.support.clips import encode
from tests.support.daemon_process import free_port
from tests.support.fault_proxy import silent_server
from tests.support.rtsp_server import STREET
from tests.support.scripted_rtsp import ScriptedCamera, scripted_camera
from tests.support.talkative_rtsp import Answer, Question, talkative_server

_QUICK = {"open_timeout_s": 2.0, "read_timeout_s": 1.0}
_WORKS = "works"
_SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
_VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {}/90000\r\na=control:video\r\n"


def probed(url: str, **fields: Any) -> Ended:
    """Watched for a moment, with short timeouts."""
    camera = CameraConfig.model_validate({"url": url, **_QUICK, **fields})
    found = attempt(camera, seconds=0.3, clock=SystemClock(), pause=threading.Event().wait)
    if isinstance(found, CaptureError):
        return Ended(found.kind, f"{found}: {advice(found.kind, camera)}".replace("\n", " "))
    return Ended(_WORKS, summary(found))


def _file(write: Callable[[Path], object], name: str = "clip.mp4") -> Callable[[Path], Ended]:
    def attempt_file(folder: Path) -> Ended:
        write(folder / name)
        return probed(f"file:{folder / name}")

    return attempt_file


def _encoded(name: str = "clip.mp4", frames: int = 12, **how: Any) -> Callable[[Path], Ended]:
    return _file(lambda file: encode(file, frames, **how), name)


def _camera(answer: Answer) -> Callable[[Path], Ended]:
    """One that answers like this and shows nothing; with a login that must not be told."""

    def attempt_camera(folder: Path) -> Ended:
        (folder / "login").write_text(f"viewer:{CANARY}")
        (folder / "login").chmod(0o600)
        with talkative_server(answer) as camera:
            url = f"rtsp://127.0.0.1:{camera.port}/stream"
            return probed(url, credential=f"file:{folder / 'login'}")

    return attempt_camera


def _saying(status: int, **headers: str) -> Callable[[Path], Ended]:
    return _camera(lambda _: (status, {n.replace("_", "-"): v for n, v in headers.items()}))


def _logged_in(status: int, **headers: str) -> Answer:
    def answer(question: Question) -> tuple[int, dict[str, str]]:
        if "authorization" not in question.headers:
            return 401, {"WWW-Authenticate": 'Basic realm="gate"'}
        return status, headers

    return answer


def _bytes(content: bytes, *, endless: bool = False) -> Callable[[Path], Ended]:
    """A port that sends this to everyone."""

    def attempt_port(_: Path) -> Ended:
        with _blurting(content, endless=endless) as port:
            return probed(f"rtsp://127.0.0.1:{port}/stream")

    return attempt_port


@contextmanager
def _blurting(content: bytes, *, endless: bool) -> Iterator[int]:
    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    client.sendall(content)
                    while endless:
                        client.sendall(content)
                    client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


_recorded = cache(conversation)


def _told(
    change: Callable[[Conversation], tuple[dict[str, bytes], bytes]], **fields: Any
) -> Callable[[Path], Ended]:
    """A camera that says what a good one said, with a change."""

    def attempt_camera(_: Path) -> Ended:
        with replaying(*change(_recorded())) as port:
            return probed(f"rtsp://127.0.0.1:{port}/stream", **fields)

    return attempt_camera


def _described(sdp: str, length: int | None = None) -> Callable[[Path], Ended]:
    def change(said: Conversation) -> tuple[dict[str, bytes], bytes]:
        body = (_SDP + sdp).encode()
        head = "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: "
        answer = head.encode() + b"%d\r\n\r\n" % (length or len(body)) + body
        return said.answers | {"DESCRIBE": answer}, said.media

    return _told(change)


def _answering(method: str, answer: bytes) -> Callable[[Path], Ended]:
    return _told(lambda said: (said.answers | {method: answer}, said.media))


def _media(change: Callable[[bytes], bytes]) -> Callable[[Path], Ended]:
    return _told(lambda said: (said.answers, change(said.media)))


def _packets(media: bytes) -> Iterator[bytearray]:
    """Interleaved packets: $, channel, size, data."""
    at = 0
    while at + 4 <= len(media):
        size = struct.unpack(">H", media[at + 2 : at + 4])[0]
        yield bytearray(media[at : at + 4 + size])
        at += 4 + size


def _wrapping(media: bytes) -> bytes:
    """Sequence numbers that begin five before their end."""
    packets = list(_packets(media))
    for packet in packets:
        if packet[1] == 0:
            number = struct.unpack(">H", packet[6:8])[0] + 65531
            packet[6:8] = struct.pack(">H", number & 0xFFFF)
    return b"".join(packets)


def _of_two_sources(media: bytes) -> bytes:
    packets = list(_packets(media))
    for number, packet in enumerate(packets):
        packet[15] = number % 2
    return b"".join(packets)


def _playing(turn: Callable[[ScriptedCamera], None]) -> Callable[[Path], Ended]:
    def attempt_camera(_: Path) -> Ended:
        with scripted_camera() as camera:
            turn(camera)
            return probed(camera.url, keyframe_timeout_s=2.0)

    return attempt_camera


def _without_keyframes(camera: ScriptedCamera) -> None:
    camera.edit = lambda unit: None if unit.is_keyframe else unit


def _without_parameters(camera: ScriptedCamera) -> None:
    camera.tells_parameters = False
    camera.edit = lambda unit: unit.without_parameters()


def _sound(file: Path) -> None:
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(8000)
        opened.writeframes(bytes(16000))


def _cut(file: Path) -> None:
    file.write_bytes(STREET.read_bytes()[:20_000])


def _silent(_: Path) -> Ended:
    with silent_server() as port:
        return probed(f"rtsp://127.0.0.1:{port}/stream")


def _files() -> Iterator[Case]:
    yield Case("no such file", _file(lambda _: None), "not_found")
    yield Case("a folder", _file(lambda file: file.mkdir()), "codec")
    yield Case("an empty file", _file(lambda file: file.touch()), "codec")
    yield Case("a text", _file(lambda file: file.write_text("no video")), "codec")
    yield Case(
        "noise", _file(lambda f: f.write_bytes(np.random.default_rng(1).bytes(10**5))), "codec"
    )
    yield Case("sound without pictures", _file(_sound, "sound.wav"), "no_video")
    yield Case("the beginning of an .mp4", _file(_cut), "decoder", "it is damaged")
    for given, text in (
        (
            "a playlist of another file",
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n",
        ),
        ("a script that names another file", "ffconcat version 1.0\nfile /etc/passwd\n"),
        ("an SDP that names an address", f"{_SDP}c=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n"),
    ):
        yield Case(given, _file(lambda f, text=text: f.write_text(text)), "codec")
    wide = _encoded("wide.avi", 1, size=(8192, 64), codec="mjpeg", pixel_format="yuvj420p")
    yield Case("pictures of 8192×64", wide, "too_large", "8192x64")
    jpeg = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    yield Case("a JPEG called .mp4", _file(lambda file: file.write_bytes(jpeg)), _WORKS)
    for given, case in (
        ("H.265", _encoded(codec="libx265", options={"x265-params": "log-level=none"})),
        ("MJPEG", _encoded("clip.avi", codec="mjpeg", pixel_format="yuvj420p")),
        ("10 bits", _encoded(pixel_format="yuv420p10le")),
        ("4:2:2", _encoded(pixel_format="yuv422p")),
        ("an odd size, 321×241", _encoded(pixel_format="yuv444p", size=(321, 241))),
        ("pictures of 16×16", _encoded(size=(16, 16))),
        ("interlaced", _encoded(options={"x264-params": "interlaced=1"})),
        ("one picture a second", _encoded(fps=1)),
        ("120 pictures a second", _encoded(fps=120)),
        ("a single picture", _encoded(frames=1)),
    ):
        yield Case(given, case, _WORKS)


def _cameras() -> Iterator[Case]:
    yield Case("nothing listens", lambda _: probed(f"rtsp://127.0.0.1:{free_port()}/"), "refused")
    yield Case("an unknown host", lambda _: probed("rtsp://no-such-host.invalid/"), "dns")
    yield Case("a port that accepts and is silent", _silent, "timeout")
    yield Case("a port that hangs up", _bytes(b""), "eof", "hung up without a word")
    yield Case("a web server", _bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol")
    yield Case("an SSH server", _bytes(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol")
    yield Case(
        "a header without end", _bytes(b"RTSP/1.0 200 OK\r\n", endless=True), "protocol", "no end"
    )
    yield Case(
        "a line without end", _bytes(b"RTSP/1.0 200 OK" * 400, endless=True), "protocol", "no end"
    )
    challenge = 'Digest realm="x", nonce="1"'
    yield Case("a login refused for ever", _saying(401, WWW_Authenticate=challenge), "auth")
    yield Case("401 without a way to log in", _saying(401), "login_method", "does not say how")
    yield Case("403", _camera(_logged_in(403)), "forbidden", "may not watch")
    yield Case("404", _camera(_logged_in(404)), "not_found")
    yield Case("503", _camera(_logged_in(503)), "busy", "tried again soon")
    yield Case("status 99999", _saying(99999), "protocol")
    elsewhere = _camera(_logged_in(302, Location="rtsp://localhost:9/"))
    yield Case("a redirect to another host", elsewhere, "redirected", "to another host")
    yield Case("a redirect to http:", _saying(301, Location="http://127.0.0.1/"), "redirected")
    circle = _camera(lambda question: (301, {"Location": question.url}))
    yield Case("a redirect to itself", circle, "protocol", "in circles")
    yield Case("a redirect to nowhere", _saying(302), "protocol", "to nowhere")
    yield Case("sound without pictures (SDP)", _described("m=audio 0 RTP/AVP 0\r\n"), "no_video")
    yield Case("an SDP of nothing", _described(""), "no_video")
    yield Case("a codec that is none", _described(_VIDEO.format("X-NONE")), "codec")
    yield Case("a codec that no camera has", _described(_VIDEO.format("H261")), "codec", "h261")
    long = _described("a=x:" + "y" * 10**6)
    yield Case("an SDP of a megabyte", long, "protocol", "too long")
    many = _described("m=video 0 RTP/AVP 96\r\n" * 100_000)
    yield Case("100 000 streams", many, "protocol", "too long")
    yield Case("a body of 2 GB that never comes", _described("", 2**31 - 1), "protocol")
    yield Case("a negative length", _described("", -1), "protocol")
    not_ready = _answering("PLAY", b"RTSP/1.0 455 No\r\nCSeq: 4\r\n\r\n")
    yield Case("PLAY refused", not_ready, "rejected", "455 to PLAY")
    other_way = _answering("SETUP", b"RTSP/1.0 461 No\r\nCSeq: 3\r\n\r\n")
    yield Case("SETUP refused", other_way, "transport", "set transport: udp")
    yield Case("PLAY, and nothing comes", _media(lambda _: b""), "eof")
    yield Case("noise for media", _media(lambda m: np.random.default_rng(1).bytes(len(m))), "eof")
    yield Case("no keyframe, ever", _playing(_without_keyframes), "no_keyframe")
    yield Case("no SPS and PPS, ever", _playing(_without_parameters), "decoder")
    yield Case("RTP numbers that wrap", _media(_wrapping), "eof", "after 12 pictures")
    yield Case("RTP of two sources at once", _media(_of_two_sources), "eof")


def _devices() -> Iterator[Case]:
    for device in ("null", "zero", "tty", "no-such-video"):
        url = f"v4l2:///dev/{device}"
        yield Case(redacted(url), lambda _, url=url: probed(url), "device")


CASES = (*_files(), *_cameras(), *_devices())
