"""What strangers send to the HTTP and ZeroMQ ports; after each of them others are still served."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq

from config.schema import CurveConfig, HttpConfig
from sinks.keys import create_pair
from sinks.sink import SinkWorker
from tests.bad_inputs.case import CANARY, Case, Ended
from tests.support.messages import detection, heartbeat
from tests.support.site import Site, running_site
from tests.support.subscribing import Subscriber, publishing

_TOKEN = "5f2c9e61d8b07a34"
_PATIENCE_S = 5.0
_MOST_READ = 4096
_LARGE = 100_000


def _http(request: bytes, *, token: bool = False) -> Callable[[Path], Ended]:
    """Send it, read what comes back, and see that another one is answered."""

    def attempt(folder: Path) -> Ended:
        with running_site("gate", http=_config(folder) if token else None) as site:
            ended = _sent(site, request)
            assert site.get("/healthz")[0] == 200
        # Where much is left unread, the end of the connection may overtake the answer.
        was_cut_off = len(request) > _LARGE and ended.how in ("closed", "HTTP 400")
        return Ended("cut off", ended.said) if was_cut_off else ended

    return attempt


def _config(folder: Path) -> HttpConfig:
    file = folder / "token"
    file.write_text(_TOKEN)
    file.chmod(0o600)
    return HttpConfig(token=f"file:{file}")


def _sent(site: Site, request: bytes) -> Ended:
    received = b""
    with site.connect() as peer, contextlib.suppress(ConnectionError):
        peer.settimeout(_PATIENCE_S)
        with contextlib.suppress(ConnectionError):
            peer.sendall(request)
        while len(received) < _MOST_READ and (data := peer.recv(_MOST_READ)):
            received += data
    words = received.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        return Ended("closed", "")
    body = received.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
    return Ended(f"HTTP {int(words[1])}", body)


def _get(path: str, *headers: str, method: str = "GET") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode()


def _web() -> Iterator[Case]:
    def case(given: str, request: bytes, how: str, saying: str = "") -> Case:
        return Case(given, _http(request), how, saying)

    yield case("nothing but a line break", b"\r\n\r\n", "HTTP 400")
    yield case("noise", bytes(range(256)) * 8, "HTTP 400")
    yield case(
        "a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), "HTTP 400"
    )
    yield case("HTTP/0.9", b"GET /\r\n\r\n", "HTTP 400")
    yield case("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP 405")
    yield case("a path of 10 MB", _get("/" + "x" * 10**7), "cut off")
    yield case("a header of 1 MB", _get("/", "X-A: " + "x" * 10**6), "cut off")
    yield case("100 000 headers", _get("/", *["A: b"] * 100_000), "cut off")
    yield case("two lengths", _get("/", "Content-Length: 1", "Content-Length: 2"), "HTTP 400")
    both = _get("/", "Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    yield case("a length and chunks (smuggling)", both, "HTTP 413")
    yield case("a body of 9 999 bytes", _get("/metrics", "Content-Length: 9999"), "HTTP 413")
    yield case("a negative length", _get("/", "Content-Length: -1"), "HTTP 400")
    yield case("`POST`", _get("/api/v1/config", "Content-Length: 0", method="POST"), "HTTP 405")
    yield case("`DELETE` of a camera", _get("/api/v1/cameras/gate", method="DELETE"), "HTTP 405")
    yield case("`CONNECT`", _get("example.org:443", method="CONNECT"), "HTTP 405")
    yield case("`TRACE`", _get("/", method="TRACE"), "HTTP 405")
    yield case("no host", b"GET / HTTP/1.1\r\n\r\n", "HTTP 400")
    yield case(
        "another host (rebinding)",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "HTTP 421",
    )
    yield case(
        "a page of another site", _get("/api/v1/config", "Sec-Fetch-Site: cross-site"), "HTTP 403"
    )
    yield case("`/static/../../etc/passwd`", _get("/static/../../etc/passwd"), "HTTP 404")
    yield case("the same, encoded", _get("/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), "HTTP 404")
    yield case("a NUL in a path", _get("/static/%00"), "HTTP 404")
    yield case(
        "bytes that are no UTF-8 in a path",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
        "HTTP 400",
    )
    yield case("an unknown camera", _get("/api/v1/cameras/nope"), "HTTP 404", "no camera")
    yield case("a camera called `../../x`", _get("/api/v1/cameras/..%2f..%2fx"), "HTTP 404")
    yield case(
        "a width of 10⁹ for a picture",
        _get("/api/v1/cameras/gate/snapshot.jpg?width=1000000000"),
        "HTTP 400",
    )
    yield case("a WebSocket", _get("/healthz", "Upgrade: websocket"), "HTTP 200")
    for given, header, how in (
        ("no token", "X: y", "HTTP 401"),
        ("a wrong token", f"Authorization: Bearer {CANARY}", "HTTP 401"),
        ("a token in the URL", "X: y", "HTTP 401"),
    ):
        path = f"/metrics?token={_TOKEN}" if "URL" in given else "/metrics"
        yield Case(given, _http(_get(path, header), token=True), how)


def _zeromq(misbehave: Callable[[str], None], *, curve: bool = False) -> Callable[[Path], Ended]:
    """Let a stranger do this to the port while a subscriber listens."""

    def attempt(folder: Path) -> Ended:
        keys = {}
        config: dict[str, object] = {}
        if curve:
            server, secret = create_pair(folder, "daemon")
            _, listed = create_pair(folder / "clients", "listed")
            keys = {"server_key": server, "key": listed}
            config["curve"] = CurveConfig(secret_key=secret, clients=folder / "clients")
        with (
            publishing(**config) as (worker, sink),
            Subscriber(sink.endpoint, **keys) as subscriber,
        ):
            _heard(worker, subscriber)
            misbehave(sink.endpoint)
            _heard(worker, subscriber)
        return Ended("ignored", "")

    return attempt


def _heard(worker: SinkWorker, subscriber: Subscriber) -> None:
    for _ in range(100):
        worker.put(heartbeat({}))
        if subscriber.read(1, 0.05):
            return
    raise AssertionError("nothing comes any more")


def _raw(data: bytes) -> Callable[[str], None]:
    def misbehave(endpoint: str) -> None:
        port = int(endpoint.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as peer,
            contextlib.suppress(OSError),
        ):
            peer.sendall(data)
            while peer.recv(4096):
                pass

    return misbehave


_GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL" + bytes(48)
_READY = b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03SUB\x08Identity\0\0\0\0"


def _frame(data: bytes, size: int | None = None) -> bytes:
    """A long one of ZMTP 3, after the greetings; it may claim another size than it has."""
    return _GREETING + _READY + b"\x02" + struct.pack(">Q", size or len(data)) + data


def _as(kind: int, *frames: bytes, topics: int = 0) -> Callable[[str], None]:
    def misbehave(endpoint: str) -> None:
        with zmq.Context() as context, context.socket(kind) as peer:
            peer.linger, peer.sndtimeo = 0, 200
            peer.connect(endpoint)
            for number in range(topics):
                peer.subscribe(b"%d." % number)
            with contextlib.suppress(zmq.Again):
                for frame in frames:
                    peer.send(frame)
            peer.poll(200)

    return misbehave


def _stranger(endpoint: str) -> None:
    """Speaks CURVE with a key that nobody has listed, and guesses the server's."""
    public, secret = zmq.curve_keypair()
    with zmq.Context() as context, context.socket(zmq.SUB) as peer:
        peer.linger = 0
        peer.curve_publickey, peer.curve_secretkey = public, secret
        peer.curve_serverkey = zmq.curve_keypair()[0]
        peer.subscribe(b"")
        peer.connect(endpoint)
        assert not peer.poll(300), "a stranger was let in"


def _plain(endpoint: str) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as peer:
        peer.linger = 0
        peer.subscribe(b"")
        peer.connect(endpoint)
        assert not peer.poll(300), "plaintext was let in"


def _prefix(folder: Path) -> Ended:
    """`det.cam1.` is not `det.cam10.`."""
    del folder
    with publishing() as (worker, sink), Subscriber(sink.endpoint, b"det.cam1.") as subscriber:
        for _ in range(50):
            worker.put(detection("cam10"))
            worker.put(detection("cam1"))
            if subscriber.read(1, 0.05):
                break
        assert {topic for topic, _ in subscriber.received} == {b"det.cam1."}
    return Ended("ignored", "")


def _sockets() -> Iterator[Case]:
    for given, data in (
        ("an HTTP request on the ZeroMQ port", _get("/")),
        ("noise on the ZeroMQ port", bytes(range(1, 256)) * 64),
        ("half a ZMTP greeting", _GREETING[:20]),
        ("ZMTP 1.0", b"\x01\x00" * 32),
        ("a frame that claims 4 EiB", _frame(b"", 2**62)),
        ("a topic of 1 MB", _frame(b"\1" + b"x" * 10**6)),
        ("a mechanism that is none", _GREETING.replace(b"NULL", b"EVIL")),
    ):
        yield Case(given, _zeromq(_raw(data)), "ignored")
    for given, behaviour in (
        ("a REQ socket", _as(zmq.REQ, b"hello")),
        ("a PUB socket that publishes to us", _as(zmq.PUB, b"det.gate.", b"{}")),
        ("a DEALER that sends 1 MB", _as(zmq.DEALER, b"x" * 10**6)),
        ("an XSUB that sends what is no subscription", _as(zmq.XSUB, b"\x07evil", b"x" * 10**6)),
        ("100 000 subscriptions", _as(zmq.SUB, topics=100_000)),
    ):
        yield Case(given, _zeromq(behaviour), "ignored")
    yield Case("a topic that begins another one", _prefix, "ignored")
    yield Case("plaintext where CURVE is asked for", _zeromq(_plain, curve=True), "ignored")
    yield Case("CURVE with unlisted keys", _zeromq(_stranger, curve=True), "ignored")
    yield Case(
        "noise where CURVE is asked for", _zeromq(_raw(_GREETING * 100), curve=True), "ignored"
    )


CASES = (*_web(), *_sockets())
