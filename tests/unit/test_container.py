"""Containerfile, compose files and the project say the same: ports, paths, user, verbs, Python."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loader import load
from config.schema import HttpConfig, ZeromqConfig
from config.urls import split_host_port, tcp_address
from daemon.cli import main
from daemon.recording.folder import recordings_folder
from daemon.verbs import COMMANDS, parser_for
from tests.support import containerfile

ROOT = Path(__file__).parents[2]
FIRST = ROOT / "config/container/vedette.yaml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILD, IMAGE = containerfile.read()
PYTHON_OF = {"debian:12-slim": "3.11", "debian:13-slim": "3.13"}
UNIT = (ROOT / "systemd/vedette.service").read_text()


def compose(name: str) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / name).read_text())
    assert set(found["services"]) == {"vedette"}
    return dict(found)


SERVICE = compose("compose.yaml")["services"]["vedette"]


def state_folder() -> str:
    return IMAGE.environment()["STATE_DIRECTORY"]


def test_both_stages_have_the_python_that_the_project_is_tested_with() -> None:
    assert BUILD.base == IMAGE.base
    python = PYTHON_OF[BUILD.base]
    assert PROJECT["requires-python"] == f">={python}"
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    notes = (ROOT / "systemd/README.md").read_text()
    assert f"Python ≥ {python}" in notes
    assert f"Debian {IMAGE.base[len('debian:') :].split('-')[0]} or newer" in notes


def test_the_image_has_no_tools_to_build_or_fetch_with() -> None:
    installed = [
        word
        for rest in IMAGE.all("RUN")
        for words in re.findall(r"apt-get install -y --no-install-recommends ([^&]*)", rest)
        for word in words.split()
    ]
    assert sorted(installed) == ["ca-certificates", "python3"]
    assert IMAGE.copies()[0] == ("build", ["/opt/vedette"], "/opt/vedette")
    assert "python3 -m venv --without-pip /opt/vedette" in BUILD.all("RUN")[1]


def test_every_file_that_is_copied_is_there_and_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for stage in (BUILD, IMAGE):
        for origin, sources, _ in stage.copies():
            for source in sources if not origin else []:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in sent, source
    assert all((ROOT / name).exists() for name in sent)


def test_every_package_of_the_wheel_is_copied_before_it_is_built() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]["find"]["include"]
    copied = {source for _, sources, _ in BUILD.copies() for source in sources}
    assert all(any(fnmatch(name, pattern) for name in copied) for pattern in packages)
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= copied


def test_extras_are_those_of_the_project() -> None:
    overlay = compose("compose.gpu.yaml")["services"]["vedette"]
    assert overlay["build"]["args"]["EXTRAS"] in PROJECT["optional-dependencies"]
    assert BUILD.all("ARG") == ['EXTRAS=""']
    assert set(overlay) <= {"image", "build", "environment", "deploy"}


def test_nobody_in_particular_runs_it_and_owns_nothing_but_the_state() -> None:
    user, _, group = IMAGE.one("USER").partition(":")
    assert user == group
    assert int(user) > 1000
    (setup,) = IMAGE.all("RUN")
    assert f"useradd --system --uid {user}" in setup
    assert re.findall(r"install -d -o vedette \S+ \S+ -m 700 (\S+)", setup) == [state_folder()]
    assert IMAGE.one("VOLUME") == state_folder()
    assert "user" not in SERVICE
    assert "privileged" not in SERVICE


def test_what_it_runs_is_a_command_with_the_configuration_of_the_image() -> None:
    assert IMAGE.words("ENTRYPOINT") == ["vedette"]
    args = parser_for(COMMANDS).parse_args(IMAGE.words("CMD"))
    assert args.command == "run"
    targets = {target: sources for _, sources, target in IMAGE.copies()}
    assert targets[str(args.config)] == [FIRST.relative_to(ROOT).as_posix()]
    config_mount, state_mount = SERVICE["volumes"]
    default = re.fullmatch(r"\$\{VEDETTE_CONFIG:-(\S+)\}:(\S+):ro", config_mount)
    assert default is not None
    assert (ROOT / default[1]) == FIRST.parent
    assert default[2] == str(args.config.parent)
    assert state_mount == f"state:{state_folder()}"


def test_its_first_configuration_shows_the_clip_of_the_image() -> None:
    config = load(FIRST, {}).config
    clip = config.cameras["street"].url.removeprefix("file://")
    assert clip in [target for _, _, target in IMAGE.copies()]
    assert recordings_folder(config.recordings, IMAGE.environment()).is_relative_to(state_folder())


def test_published_ports_are_those_of_configuration_image_and_defaults_on_loopback_alone() -> None:
    config = load(FIRST, {}).config
    assert config.sinks.zeromq is not None
    http = split_host_port(config.http.listen)
    zeromq = tcp_address(config.sinks.zeromq.bind)
    assert zeromq is not None
    assert (http[0], zeromq[0]) == ("0.0.0.0", "0.0.0.0"), "or nobody outside reaches it"
    ports = [http[1], zeromq[1]]
    assert [int(port) for port in IMAGE.one("EXPOSE").split()] == ports
    assert SERVICE["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]
    usual = (split_host_port(HttpConfig().listen)[1], tcp_address(ZeromqConfig().bind))
    assert usual == (ports[0], ("127.0.0.1", ports[1]))


def test_health_is_asked_as_the_command_knows_it() -> None:
    words = IMAGE.words("HEALTHCHECK")
    assert SERVICE["healthcheck"]["test"] == ["CMD", *words]
    options = IMAGE.one("HEALTHCHECK")
    for name in ("interval", "timeout", "start_period"):
        assert f"--{name.replace('_', '-')}={SERVICE['healthcheck'][name]}" in options
    args = parser_for(COMMANDS).parse_args(words[1:])
    assert args.command == "healthcheck"
    assert args.address == split_host_port(HttpConfig().listen)


def test_nothing_can_be_written_and_nothing_gained() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["ulimits"]["core"] == 0, "a core would hold passwords and pictures"


def test_it_stops_as_the_service_does() -> None:
    assert IMAGE.one("STOPSIGNAL") == "SIGTERM"
    assert f"TimeoutStopSec={SERVICE['stop_grace_period'].removesuffix('s')}\n" in UNIT
    assert f"LimitNOFILE={SERVICE['ulimits']['nofile']}\n" in UNIT


@pytest.mark.usefixtures("capsys")
def test_the_first_configuration_has_no_fault(tmp_path: Path) -> None:
    here = tmp_path / "vedette.yaml"
    street = (ROOT / "config/demo/street.mp4").as_posix()
    here.write_text(FIRST.read_text().replace("/usr/share/vedette/street.mp4", street))
    assert main(["check", str(here)]) == 0
