"""What the documentation tells readers to type, typed: in a folder with a camera, a running daemon,
recordings and a video. A command that is not run has its reason here.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import av
import pytest

from config.schema import HttpConfig
from tests.support.browsing import Tape
from tests.support.daemon_process import DaemonProcess, free_port, running_daemon
from tests.support.documentation import ROOT, Typed, blocks, typed
from tests.support.require import program
from tests.support.rtsp_server import STREET, RtspServer, rtsp_server
from tests.support.site import Site, running_site

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

LOGIN = ("viewer", "secret")
NOT_RUN = {  # a command that begins so: why
    r".*sudo |apt-get |mosquitto_passwd ": "changes a server, as root",
    r"systemctl |journalctl ": "needs the service: tests/integration/test_systemd_unit.py",
    r"(?:docker|podman) ": "needs an engine for containers: tests/unit/test_container.py",
    r"git |ssh |cp -r config/container": "needs another machine, or changes the repository",
    r"\.venv/bin/pre-commit ": "changes the repository",
    r".*pip (?:install|wheel) |pipx |uv ": "fetches packages",
    r"vedette weights fetch ": "fetches weights: tests/integration/test_weights_fetch.py",
    r"vedette (?:train|evaluate) ": "takes hours: tests/integration/test_train.py",
    r"vedette weights (?:tune|quantize) ": "needs figures or pictures: their tests have them",
    r"prometheus ": "tests/integration/test_prometheus_scrape.py starts it",
    r"vedette discover": "asks the whole network: tests/integration/test_discover.py",
    r"curl .*:9465/": "asks a gateway: tests/integration/test_gateway.py",
    r"vedette notify ": "needs who is notified: tests/integration/test_webhook.py",
    r"vedette tune ": "watches for minutes: tests/unit/daemon/commands/test_tune_command.py",
    r"python kafka_bridge": "needs a broker of Kafka",
    r"vedette fleet ": "needs servers: tests/integration/test_fleet_without_ray.py",
    r"vedette gateway ": "needs a file of a gateway: tests/integration/test_gateway.py",
    r"vedette run ": "so the daemon of these tests runs",
    r"pkill ": "reaches every daemon of the machine; test_daemon_reload sends the signal",
    r"curl .*10\.0\.0\.2": "needs a proxy with TLS: tests/integration/test_tls_proxy.py",
}
LASTING = {  # goes on until somebody ends it: what it has to say before
    r"vedette tail --events": r"gate",
    r"(?:\.venv/bin/)?vedette tail": r"gate #\d+ .*person",
    r"vedette demo": r"Live page: http://",
    r"curl -N ": r"event: detection",
}
CODES = {"vedette probe rtsp://10.0.0.5/nosuch": 1}  # but 0


def first_in(table: dict[str, str], line: str) -> str | None:
    return next((said for pattern, said in table.items() if re.match(pattern, line)), None)


def to_run() -> list[Typed]:
    """Each line once; those that stand in two pages must be the same in both."""
    lines = (one for one in typed() if first_in(NOT_RUN, one.line) is None)
    return list({one.line: one for one in lines if "vedette.yaml: ok" not in one.shown}.values())


class Desk:
    """Where readers sit: files of the names that the pages use, and commands in the PATH."""

    def __init__(self, folder: Path, daemon: DaemonProcess, camera: RtspServer, site: Site) -> None:
        self._folder = folder
        self._places = {
            "rtsp://10.0.0.5/h264": camera.url,
            "rtsp://10.0.0.5": camera.url_of(""),
            "/etc/vedette/": f"{folder}/",
            "/srv/vedette": f"{folder}/recordings",
            ".venv/bin/vedette": "vedette",
            "vedette tail": f"vedette tail {daemon.zeromq}",
            "vedette demo": f"vedette demo --port {free_port()} --zeromq-port {free_port()}",
            "make ": f"make --silent --dry-run -C {ROOT} ",
        }
        self._http = {"docs/tutorials/phone.md": site.url.removeprefix("http://")}
        self._daemon = daemon
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        command = bin_folder / "vedette"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m daemon.cli "$@"\n')
        command.chmod(0o755)
        home = folder / "home"
        home.mkdir()
        self._environment = os.environ | {
            "HOME": str(home),
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def translated(self, typed: Typed) -> str:
        line = typed.line
        for name, place in self._places.items():
            line = line.replace(name, place)
        return line.replace("127.0.0.1:9464", self._http.get(typed.page, self._daemon.http))

    def start(self, typed: Typed) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"set -o pipefail; {self.translated(typed)}"],
            cwd=self._folder / ("phone" if "http_code" in typed.line else "."),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def short_video(path: Path, seconds: int) -> None:
    """The beginning of the street, not encoded anew."""
    with av.open(str(STREET)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None or float(packet.dts * packet.time_base) > seconds:
                break
            packet.stream = copy
            target.mux(packet)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "phone").mkdir()  # where the token stays: another page makes one
    for name, text in (("gate.login", ":".join(LOGIN)), ("phone/http.token", "t0p-" * 5)):
        (folder / name).write_text(f"{text}\n")
        (folder / name).chmod(0o600)
    short_video(folder / "yesterday.mp4", seconds=3)
    with ExitStack() as stack:
        camera = stack.enter_context(rtsp_server(login=LOGIN))
        token = HttpConfig(token=f"file:{folder}/phone/http.token")
        site = stack.enter_context(running_site("gate", http=token))
        (folder / "recordings/gate").mkdir(parents=True)
        tape = Tape(site, "gate", folder / "recordings", (64, 48))  # as the messages say
        for day in (0, 5):  # before and after the day of the tutorial
            tape.record(day * 86_400)
        gate = {
            "url": camera.url,
            "credential": f"file:{folder}/gate.login",
            "zones": {"street": {"area": [[0, 0], [1, 0], [1, 1], [0, 1]]}},
        }
        daemon = stack.enter_context(running_daemon(folder, {"cameras": {"gate": gate}}))
        daemon.camera_is("gate", "streaming", 60)
        yield Desk(folder, daemon, camera, site)


def ended(process: subprocess.Popen[str]) -> None:
    """It and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_every_reason_not_to_run_a_command_is_still_needed() -> None:
    lines = [one.line for one in typed()]
    for table in (NOT_RUN, LASTING):
        for pattern in table:
            assert any(re.match(pattern, line) for line in lines), pattern


def test_a_test_that_is_named_as_a_reason_is_there() -> None:
    for reason in NOT_RUN.values():
        for path in re.findall(r"tests/\S+\.py", reason):
            assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("typed", to_run(), ids=lambda one: one.line[:70])
def test_a_command_of_the_documentation_does_what_it_is_shown_for(desk: Desk, typed: Typed) -> None:
    if "curl" in typed.line:
        program("curl", package="curl")
    if "| man " in typed.line:
        program("man", package="man-db")
    process = desk.start(typed)
    try:
        awaited = first_in(LASTING, typed.line)
        if awaited is not None:
            assert process.stdout is not None
            seen = []
            for line in process.stdout:  # until it comes, or the time of the test is over
                seen.append(line)
                if re.search(awaited, line):
                    return
            pytest.fail(f"ended without {awaited!r}: {seen}")
        out, _ = process.communicate(timeout=60)
    finally:
        ended(process)
    code = next((code for begin, code in CODES.items() if typed.line.startswith(begin)), 0)
    assert process.returncode == code, out
    check_answer(typed, out)


def check_answer(typed: Typed, out: str) -> None:
    """That of `probe` has the same lines, a code of HTTP is the same."""
    if typed.line.startswith("vedette probe"):
        labels = {line[:13] for line in typed.shown if re.match(r"  \w[\w -]{9}  ?\S", line)}
        assert labels <= {line[:13] for line in out.splitlines()}, out
        advice = [line for line in typed.shown if line.startswith("The camera is there")]
        assert all(line in out for line in advice)
    if "%{http_code}" in typed.line:
        assert out.split() == list(typed.shown)


def test_check_says_what_the_tutorial_shows(tmp_path: Path) -> None:
    """Its first configuration, whole."""
    tutorial = ROOT / "docs/tutorials/first-camera.md"
    first = next(body for body in blocks(tutorial, "yaml") if body.startswith("version:"))
    (tmp_path / "vedette.yaml").write_text(first)
    (tmp_path / "gate.login").write_text(":".join(LOGIN))
    (tmp_path / "gate.login").chmod(0o600)
    check = next(one for one in typed() if one.shown and "vedette.yaml: ok" in one.shown[0])
    done = subprocess.run(
        [sys.executable, "-m", "daemon.cli", *check.line.split()[1:]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.splitlines(), done.returncode) == (list(check.shown), 0), done.stderr
