"""Secrets are driven through every way in which things fail, and looked for in all that is said."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zmq

from config.credentials import resolve
from config.loader import load
from daemon.capture.address import address_of
from daemon.capture.login import Login
from daemon.cli import main
from tests.support.daemon_process import DaemonProcess, free_port, running_daemon
from tests.support.fault_proxy import silent_server
from tests.support.scripted_rtsp import scripted_camera
from tests.support.talkative_rtsp import Answer, Question, talkative_server

pytestmark = pytest.mark.integration

PASSWORD = "canary-p@ss:word/1"
TOKEN = "canary-0123456789abcdef"
SECRETS = (
    "canary",
    quote(PASSWORD, safe=""),
    base64.b64encode(f"viewer:{PASSWORD}".encode()).decode(),
)
STAGED = ("tests.support.staged_daemon",)
QUICK = {"open_timeout_s": 0.5, "read_timeout_s": 0.5, "reconnect": {"min_s": 0.1, "max_s": 0.1}}
PROBED = ("locked", "forbidden", "moved", "broken", "odd", "works", "closed")
PAGES = (
    *("/", "/metrics", "/healthz", "/readyz", "/cameras/locked"),
    *("/api/v1/status", "/api/v1/config", "/api/v1/cameras", "/api/v1/cameras/locked"),
    *("/api/v1/cameras/locked/history", "/api/v1/cameras/locked/snapshot.jpg"),
)


@dataclass
class Said:
    """Everything that anyone could read, by where it was read."""

    texts: dict[str, str] = field(default_factory=dict)

    def hear(self, place: str, text: str | bytes) -> None:
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        self.texts[place] = self.texts.get(place, "") + shown

    def assert_no_secret(self, *, least: int) -> None:
        leaks = [
            f"{secret} in {place}"
            for place, text in self.texts.items()
            for secret in SECRETS
            if secret in text
        ]
        assert leaks == []
        assert len([place for place, text in self.texts.items() if text]) >= least, self.texts


@dataclass
class Site:
    """Cameras that fail in every way there is, and a configuration that names them."""

    folder: Path
    cameras: dict[str, dict[str, Any]]
    http: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    zeromq: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")

    @property
    def config(self) -> dict[str, Any]:
        return {
            "http": {"listen": self.http, "token": f"file:{self.folder / 'token'}"},
            "sinks": {"zeromq": {"bind": self.zeromq}, "jsonl": {"path": "d.jsonl"}},
            "log": {"level": "debug"},
            "cameras": self.cameras,
        }

    def written(self) -> Path:
        file = self.folder / "good.yaml"
        file.write_text(json.dumps({"version": 1} | self.config))
        return file


def refusing(status: int, **headers: str) -> Answer:
    said = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(question: Question) -> tuple[int, dict[str, str]]:
        if "authorization" not in question.headers:
            return 401, {"WWW-Authenticate": 'Basic realm="gate"'}
        # What a server may do to bring a secret into somebody's log.
        return status, {"Server": question.headers["authorization"], **said}

    return answer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    for name, content in (
        ("login", f"viewer:{PASSWORD}"),
        ("misshapen", f"viewer:{PASSWORD}\n{PASSWORD}"),
        ("open", f"viewer:{PASSWORD}"),
        ("token", TOKEN),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o644 if name == "open" else 0o600)
    with contextlib.ExitStack() as servers:
        ports = {
            name: servers.enter_context(talkative_server(answer)).port
            for name, answer in {
                "locked": refusing(401, WWW_Authenticate='Digest realm="x", nonce="y"'),
                "forbidden": refusing(403),
                "moved": refusing(302, Location=f"rtsp://viewer:{quote(PASSWORD)}@localhost:9/"),
                "missing": refusing(404),
                "broken": refusing(500),
                "odd": refusing(200),
            }.items()
        }
        ports["silent"] = servers.enter_context(silent_server())
        ports["works"] = servers.enter_context(scripted_camera()).port
        ports["closed"] = 9
        cameras = {
            name: {"url": f"rtsp://127.0.0.1:{port}/stream", "credential": "file:login", **QUICK}
            for name, port in ports.items()
        }
        nowhere = {"url": "rtsp://no-such-host.invalid/", "credential": "file:login", **QUICK}
        cameras["nowhere"] = nowhere
        cameras["locked_tls"] = nowhere | {"url": f"rtsps://127.0.0.1:{ports['locked']}/"}
        for name in ("misshapen", "open", "absent"):
            cameras[name] = {"url": f"rtsp://h/{name}", "credential": f"file:{name}"}
        yield Site(tmp_path, cameras)


def test_no_secret_is_ever_told_by_the_daemon(site: Site) -> None:
    said = Said()
    with (
        running_daemon(site.folder, site.config, program=STAGED) as daemon,
        subscriber(site.zeromq) as socket,
    ):
        daemon.wait_for("ready")
        wait_for_every_end(daemon, site)
        read_pages(site, said)
        for password in (PASSWORD, TOKEN):
            bad = {"url": f"rtsp://viewer:{password}@h/", "credential": password}
            said.hear("reload", daemon.reload(cameras=site.cameras | {"bad": bad}))
        said.hear("reload", daemon.reload(cameras={"gate": {"url": "synthetic://gate"}}))
        read_pages(site, said)
        process = Path(f"/proc/{daemon.process.pid}")
        said.hear("command line", (process / "cmdline").read_bytes())
        said.hear("environment", (process / "environ").read_bytes())
        while socket.poll(0):
            said.hear("ZeroMQ", b" ".join(socket.recv_multipart()))
        assert daemon.stop()[0] == 0
    said.hear("log", daemon.log)
    said.hear("jsonl", (site.folder / "d.jsonl").read_bytes())
    said.assert_no_secret(least=len(PAGES) + 6)
    for reason in ("auth", "redirected", "not_found", "timeout", "refused", "dns", "config"):
        assert f"reason={reason}" in said.texts["log"]


def wait_for_every_end(daemon: DaemonProcess, site: Site) -> None:
    """Until every camera but one has failed at least once."""
    for name in site.cameras:
        daemon.wait_for(
            f"camera streaming camera={name} " if name == "works" else f"camera={name} state="
        )


@contextlib.contextmanager
def subscriber(endpoint: str) -> Iterator[zmq.Socket[bytes]]:
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.subscribe(b"")
    socket.connect(endpoint)
    try:
        yield socket
    finally:
        socket.close(linger=0)
        context.term()


def read_pages(site: Site, said: Said) -> None:
    for page in PAGES:
        said.hear(page, answer_of(site, page, TOKEN))
    said.hear("refusal", answer_of(site, "/metrics", f"{TOKEN}x"))
    # Whoever asks knows what he asked for; the log must not repeat it.
    answer_of(site, quote(f"/api/v1/cameras/{PASSWORD}"), TOKEN)
    answer_of(site, f"/?token={TOKEN}&password={quote(PASSWORD)}", TOKEN)


def answer_of(site: Site, page: str, token: str) -> str:
    request = urllib.request.Request(f"http://{site.http}{page}")
    request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return f"{answer.headers}{answer.read()!r}"
    except urllib.error.HTTPError as error:
        return f"{error.headers}{error.read()!r}"


def test_no_secret_is_ever_told_by_a_command(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    said = Said()
    good = site.written()
    bad = site.folder / "bad.yaml"
    cameras = {
        "a": {"url": f"rtsp://viewer:{PASSWORD}@h/"},
        "b": {"url": "rtsp://h/", "credential": PASSWORD},
        PASSWORD: {"url": f"rtsp://h/?password={PASSWORD}"},
        "c": {"url": "rtsp://h/", "password": PASSWORD, "priority": PASSWORD},
    }
    bad.write_text(json.dumps({"version": 1, "cameras": cameras, "http": {"token": TOKEN + " "}}))
    login = ["--credential", f"file:{site.folder / 'login'}", "--seconds", "0.2"]
    commands = [
        *(["probe", site.cameras[name]["url"], *login] for name in PROBED),
        ["probe", site.cameras["moved"]["url"], *login, "--json"],
        ["probe", f"rtsp://viewer:{PASSWORD}@h/"],
        ["probe", "rtsp://h/", "--credential", PASSWORD],
        ["probe", "rtsp://h/", "--credential", f"file:{site.folder / 'misshapen'}"],
        *([verb, str(bad)] for verb in ("check", "doctor")),
        ["check", str(good)],
        ["doctor", str(good)],
        ["detect", f"rtsp://viewer:{PASSWORD}@h/", "-o", str(site.folder / "out.mp4")],
        ["tail", f"tcp://viewer:{PASSWORD}@h:1"],
    ]
    for words in commands:
        with contextlib.suppress(SystemExit):
            main(words)
        said.hear(f"{words[0]} {len(said.texts)}", "".join(capfd.readouterr()))
    said.assert_no_secret(least=len(commands))


def test_a_daemon_that_crashes_leaves_no_core(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"version: 1\ncameras: {{a: {{url: 'rtsp://viewer:{PASSWORD}@h/'}}}}\n")
    look = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    run = f"from daemon.cli import main; main(['run', {str(bad)!r}]); {look}"
    ended = subprocess.run(
        [sys.executable, "-c", run], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "0\n"
    assert "canary" not in ended.stderr


def test_no_secret_is_in_the_repr_of_anything(site: Site) -> None:
    said = Said()
    loaded = load(site.written(), {})
    camera = loaded.config.cameras["locked"]
    credential = resolve(f"file:{site.folder / 'login'}", directory=None)
    address = address_of(camera, credential_directory=None)
    for thing in (loaded, loaded.config, camera, credential, address, Login("viewer", PASSWORD)):
        said.hear(type(thing).__name__, f"{thing!r} {thing}")
    said.assert_no_secret(least=6)
    assert credential.password.get_secret_value() == PASSWORD  # it was there to be told
