"""Webhooks against receivers on real sockets: those that work, and those that do not."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sinks.messages import Kind
from sinks.sink import Loss, SinkError
from sinks.webhook import sink as sinks
from tests.support import messages
from tests.support.daemon_process import free_port, running_daemon
from tests.support.hooks import Hook, running_hook
from tests.support.receiver import Post, Receiver, Reply, receiving
from tests.support.require import program
from tests.support.waiting import until

pytestmark = pytest.mark.integration

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(sinks, "LAST_RETRY_S", 0.2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return kept(tmp_path / "secret", SECRET)


def kept(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


def is_genuine(post: Post, secret: str = SECRET) -> bool:
    """As a receiver checks it who uses the library of the specification."""
    try:
        Webhook(secret).verify(post.body, dict(post.headers.items()))
    except WebhookVerificationError:
        return False
    return True


def test_an_event_is_posted_signed_and_nothing_else_is(receiver: Receiver, secret: str) -> None:
    with running_hook(f"{receiver.url}/in", secret=secret) as hook:
        hook.put()
        for other in (messages.detection(), messages.status(), messages.heartbeat({"gate": 1})):
            hook.put_other(other)
        until(hook.is_done)
    (post,) = receiver.posts
    assert (post.method, post.path) == ("POST", "/in")
    body = json.loads(post.body)
    assert (body["kind"], body["camera"], body["label"]) == ("event", "gate", "person")
    assert abs(body["published_ns"] / 1e9 - time.time()) < 60
    assert is_genuine(post)
    assert not is_genuine(post, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert hook.counts.published_bytes == len(post.body)


def test_connections_are_used_again(receiver: Receiver) -> None:
    with running_hook(receiver.url) as hook:
        hook.put(20)
        until(hook.is_done)
    assert [json.loads(post.body)["event_seq"] for post in receiver.posts] == list(range(1, 21))
    assert "authorization" not in receiver.posts[0].headers
    assert "webhook-signature" not in receiver.posts[0].headers


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(503),
        Reply(408),
        Reply(how="close"),
        Reply(how="hang"),
        Reply(how="drip"),
    ],
    ids=["500", "503", "408", "closes", "hangs", "drips"],
)
def test_what_was_not_taken_is_tried_again_until_it_is(
    receiver: Receiver, secret: str, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.replies = [reply, reply]
    with running_hook(receiver.url, secret=secret, timeout_s=0.5) as hook:
        hook.put(3)
        until(lambda: hook.worker.failing)
        assert hook.worker.failing.startswith("webhook.phone: 127.0.0.1:")
        until(hook.is_done)
        until(lambda: not hook.worker.failing)
    assert hook.sent == 3
    assert hook.counts.retries == 2
    ids = [post.headers["webhook-id"] for post in receiver.posts]
    assert ids[0] == ids[1] == ids[2], "who gets it twice can tell"
    assert len(set(ids)) == 3
    assert all(map(is_genuine, receiver.posts))
    assert caplog.text.count("sink failing") == 1


def test_a_receiver_that_is_not_there_is_waited_for() -> None:
    port = free_port()
    with running_hook(f"http://127.0.0.1:{port}/") as hook:
        hook.put(2)
        until(lambda: hook.counts.retries >= 2)
        assert hook.worker.failing == (f"webhook.phone: 127.0.0.1:{port}: refuses the connection")
        with receiving() as late:
            late.server.server_close()
            late.server.socket = socket.create_server(("127.0.0.1", port))
            until(hook.is_done)
            assert len(late.posts) == 2
    assert hook.sent == 2


def test_a_receiver_that_wants_time_gets_it(receiver: Receiver) -> None:
    receiver.replies = [Reply(429, (("retry-after", "1"),))]
    with running_hook(receiver.url) as hook:
        began_s = time.monotonic()
        hook.put()
        until(hook.is_done)
    assert time.monotonic() - began_s > 0.95
    assert (hook.sent, hook.counts.retries) == (1, 1)


def test_a_receiver_that_is_gone_is_not_asked_again(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.sink.RETRY_S", 0.0)
    receiver.usual = Reply(410)
    with running_hook(receiver.url) as hook:
        hook.put(3)
        until(lambda: hook.lost(Loss.ERROR) == 3 and hook.worker.failing)
        assert "gone for good" in hook.worker.failing
    assert len(receiver.posts) == 1
    assert hook.lost(Loss.ERROR) == 3
    assert caplog.text.count("sink failing") == 1


def test_what_a_receiver_refuses_is_lost_alone(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.sink.RETRY_S", 0.0)
    receiver.replies = [Reply(200), Reply(403)]
    with running_hook(receiver.url) as hook:
        hook.put(3)
        until(hook.is_done)
    assert (hook.sent, hook.lost(Loss.ERROR), hook.counts.retries) == (2, 1, 0)


def test_a_redirect_to_the_same_receiver_is_followed(receiver: Receiver, secret: str) -> None:
    receiver.replies = [Reply(307, (("location", "/new"),)), Reply(308, (("location", "last"),))]
    with running_hook(f"{receiver.url}/old", secret=secret) as hook:
        hook.put()
        until(hook.is_done)
    assert [post.path for post in receiver.posts] == ["/old", "/new", "/last"]
    assert all(map(is_genuine, receiver.posts))
    assert hook.sent == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_receiver_is_never_followed(
    receiver: Receiver, secret: str, status: int
) -> None:
    with receiving() as other:
        receiver.usual = Reply(status, (("location", f"{other.url}/catch"),))
        with running_hook(receiver.url, secret=secret, credential=secret) as hook:
            hook.put()
            until(lambda: hook.lost(Loss.ERROR) and hook.worker.failing)
            assert "redirects to another address" in hook.worker.failing
        assert other.posts == []
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(302, (("location", "/moved"),)), "another path"),
        (Reply(307, (("location", "/"),)), "in a circle"),
        (Reply(304), "leads nowhere"),
    ],
)
def test_a_redirect_that_leads_nowhere_loses_the_event_and_says_so(
    receiver: Receiver, reply: Reply, words: str
) -> None:
    receiver.usual = reply
    with running_hook(receiver.url) as hook:
        hook.put()
        until(lambda: hook.lost(Loss.ERROR) and hook.worker.failing)
        assert words in hook.worker.failing
    assert len(receiver.posts) <= 4


def test_beyond_the_queue_the_oldest_are_lost_and_counted(receiver: Receiver) -> None:
    receiver.replies = [Reply(how="hang")]
    with running_hook(receiver.url, queue=3, timeout_s=0.5) as hook:
        hook.put()
        until(lambda: receiver.posts)
        hook.put(10)
        assert hook.counts.queued == 4, "three that wait, and the one that is being sent"
        assert hook.lost(Loss.HWM) == 7
        assert hook.balances()
        until(hook.is_done)
    assert hook.sent == 4
    seqs = [json.loads(post.body)["event_seq"] for post in receiver.posts]
    assert seqs == [1, 1, 9, 10, 11]


def test_a_stop_waits_for_no_receiver(receiver: Receiver) -> None:
    receiver.usual = Reply(how="hang")
    hook = Hook(receiver.url, timeout_s=30.0)
    hook.worker.open()
    hook.worker.start()
    hook.put(3)
    until(lambda: receiver.posts)
    began_s = time.monotonic()
    assert hook.worker.stop(0.2)
    assert time.monotonic() - began_s < 1.5
    assert hook.lost(Loss.SHUTDOWN) == 3
    assert hook.balances()


def test_what_became_too_old_is_not_sent(receiver: Receiver) -> None:
    with running_hook(receiver.url, give_up_after_s=60.0) as hook:
        hook.put(age_s=61.0)
        hook.put(age_s=50.0)
        until(hook.is_done)
    assert (hook.sent, hook.lost(Loss.STALE)) == (1, 1)
    assert hook.worker.failing == ""


@pytest.mark.parametrize(
    ("fields", "header", "value"),
    [
        ({}, "Authorization", "Bearer tk_0123"),
        ({"format": "ntfy"}, "Authorization", "Bearer tk_0123"),
        ({"format": "gotify"}, "X-Gotify-Key", "tk_0123"),
    ],
)
def test_a_token_goes_where_the_receiver_looks_for_it(
    receiver: Receiver, tmp_path: Path, fields: dict[str, str], header: str, value: str
) -> None:
    token = kept(tmp_path / "token", "tk_0123\n")
    with running_hook(receiver.url, credential=token, **fields) as hook:
        hook.put()
        until(hook.is_done)
    assert receiver.posts[0].headers[header] == value


def test_user_and_password_are_basic_and_a_new_password_needs_no_restart(
    receiver: Receiver, tmp_path: Path
) -> None:
    credential = kept(tmp_path / "login", "user:first")
    with running_hook(receiver.url, credential=credential) as hook:
        hook.put()
        until(hook.is_done)
        kept(tmp_path / "login", "user:second")
        hook.put()
        until(hook.is_done)
        (tmp_path / "login").unlink()
        hook.put()
        until(hook.is_done)
    given = [post.headers["authorization"] for post in receiver.posts]
    logins = [
        f"Basic {b64encode(f'user:{word}'.encode()).decode()}" for word in ("first", "second")
    ]
    assert given == [logins[0], logins[1], logins[1]]


def test_a_token_in_the_path_is_never_shown(
    receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.usual = Reply(404)
    token = kept(tmp_path / "token", "T000/B000/XXXXXXXX")
    url = f"{receiver.url}/services/{{token}}"
    with running_hook(url, format="slack", credential=token) as hook:
        hook.put()
        until(lambda: hook.lost(Loss.ERROR) and hook.worker.failing)
        shown = hook.worker.failing
    assert receiver.posts[0].path == "/services/T000/B000/XXXXXXXX"
    assert "authorization" not in receiver.posts[0].headers
    assert "answers 404 (see the path of `url`)" in shown
    assert "XXXX" not in shown + caplog.text


def test_a_credential_that_cannot_be_read_fails_the_start(tmp_path: Path) -> None:
    hook = Hook("http://127.0.0.1:1/", secret=f"file:{tmp_path}/none")
    with pytest.raises(SinkError, match="none"):
        hook.worker.open()
    wrong = Hook("http://127.0.0.1:1/", secret=kept(tmp_path / "key", "whsec_!!"))
    with pytest.raises(SinkError, match="no Base64"):
        wrong.worker.open()
    assert hook.worker.stop(0.0)
    assert wrong.worker.stop(0.0)


def test_a_name_that_leads_to_a_link_local_address_is_not_followed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = socket.getaddrinfo

    def forged(host: str, *rest: int, **options: int) -> object:
        address = "169.254.169.254" if host == "cloud.example" else "127.0.0.1"
        return lookup(address, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", forged)
    port = receiver.port
    with running_hook(f"http://cloud.example:{port}/", allow_link_local=True) as hook:
        hook.put()
        until(lambda: hook.lost(Loss.ERROR) and hook.worker.failing)
        assert "leads to a link-local address" in hook.worker.failing
    with running_hook(f"http://home.example:{port}/") as hook:
        hook.put()
        until(hook.is_done)
    assert receiver.posts[0].headers["host"] == f"home.example:{port}"


class Certified(Receiver):
    """A receiver with TLS, whose certificate is for the name localhost."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.certificate, key = folder / "certificate.pem", folder / "key.pem"
        words = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {self.certificate}"
        openssl = program("openssl", package="openssl")
        subprocess.run(
            [openssl, *words.split(), "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost"],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[Certified]:
    receiver = Certified(tmp_path)
    receiver.start()
    yield receiver
    receiver.stop()


def test_a_certificate_must_be_signed_by_somebody_trusted_and_for_that_name(
    certified: Certified,
) -> None:
    port, ca = certified.port, certified.certificate
    with running_hook(f"https://localhost:{port}/", ca=ca) as hook:
        hook.put()
        until(hook.is_done)
    assert hook.sent == 1
    for url, trusted, words in (
        (f"https://127.0.0.1:{port}/", ca, "its certificate names another address"),
        (f"https://localhost:{port}/", None, "signed by nobody who is trusted here"),
    ):
        with running_hook(url, ca=trusted) as hook:
            hook.put()
            until(lambda hook=hook: hook.worker.failing)
            assert words in hook.worker.failing
            assert hook.counts.published[Kind.EVENT] == 0
    assert len(certified.posts) == 1


def test_a_daemon_posts_who_comes_with_a_picture_and_says_when_it_cannot(
    receiver: Receiver, tmp_path: Path, secret: str
) -> None:
    clip = Path(__file__).parents[2] / "config" / "demo" / "street.mp4"
    hooks = {
        "archive": {
            "url": f"{receiver.url}/in",
            "picture": True,
            "secret": secret,
            "rules": [{"events": ["object.new", "object.end"]}],
        },
        "broken": {"url": f"http://127.0.0.1:{free_port()}/", "timeout_s": 1},
    }
    config = {
        "cameras": {"gate": {"url": clip.as_uri(), "detect": {"fps": 10}}},
        "batching": {"max_age_ms": 5000},
    }
    sinks = {"webhook": hooks, "zeromq": None}
    with running_daemon(tmp_path, config | {"sinks": sinks}) as daemon:
        daemon.wait_for("service: ready")
        until(lambda: len(receiver.posts) >= 3, 30)

        def failing() -> dict[str, str]:
            found = daemon.get_json("/api/v1/status")["sinks"]
            return {sink["name"]: sink["failing"] for sink in found}

        until(lambda: "refuses" in failing()["webhook.broken"], 10)
        assert failing()["webhook.archive"] == ""
        metrics = daemon.get("/metrics")[1].decode()
        assert 'vedette_sink_failing{sink="webhook.broken"} 1.0' in metrics
        assert 'vedette_queue_capacity{queue="sink:webhook.archive"} 100.0' in metrics
        assert daemon.stop()[0] == 0
        assert "Traceback" not in daemon.log
    post = receiver.posts[0]
    parts = post.parts()
    event = json.loads(str(parts["event"].get_payload()))
    assert (event["kind"], event["camera"], event["phase"]) == ("event", "gate", "new")
    jpeg = parts["picture"].get_payload(decode=True)
    assert isinstance(jpeg, bytes)
    assert jpeg.startswith(b"\xff\xd8")
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) is not None
    key = b64decode(SECRET.removeprefix("whsec_"))
    head = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(key, head + post.body, hashlib.sha256).digest()
    assert post.headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
