"""`vedette demo`: what it runs, and on which ports."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

import config
from config.loader import load
from daemon.commands import demo
from daemon.commands import run as daemon


class Started:
    """In place of the daemon: loads what it would load, and ends with `code`."""

    code = 7

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(daemon, "start", self)
        for name in ("VEDETTE_DEMO_PORT", "VEDETTE_DEMO_ZEROMQ_PORT"):
            monkeypatch.setenv(name, "")  # is put back after the test, whatever the demo sets
            monkeypatch.delenv(name)

    def __call__(self, path: Path, *, summary_s: float) -> int:
        self.path, self.summary_s = path, summary_s
        self.config = load(path, os.environ).config
        return self.code


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(monkeypatch)


def ran(*words: str) -> int:
    parser = argparse.ArgumentParser()
    demo.add_parser(parser.add_subparsers())
    args = parser.parse_args(["demo", *words])
    return int(args.run(args))


def addresses(started: Started) -> tuple[str, str]:
    zeromq, http = started.config.sinks.zeromq, started.config.http
    assert zeromq is not None
    assert http.listen is not None
    return http.listen, zeromq.bind


def test_it_runs_the_configuration_that_is_packaged_with_a_line_each_second(
    started: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran() == 7
    assert started.path == Path(config.__file__).with_name("demo.yaml")
    assert started.summary_s == 1
    assert addresses(started) == ("127.0.0.1:9464", "tcp://127.0.0.1:5556")
    clip = started.config.cameras["street"].url.removeprefix("file://")
    assert Path(clip).is_file()


def test_ports_that_are_taken_can_be_avoided(started: Started) -> None:
    assert ran("--port", "8080", "--zeromq-port", "8081") == 7
    assert addresses(started) == ("127.0.0.1:8080", "tcp://127.0.0.1:8081")


@pytest.mark.parametrize(("code", "said"), [(0, False), (1, True), (69, False), (78, True)])
def test_a_demo_that_fails_names_the_way_around_a_taken_port(
    started: Started, capsys: pytest.CaptureFixture[str], code: int, said: bool
) -> None:
    started.code = code
    assert ran() == code
    assert ("choose others with --port and --zeromq-port" in capsys.readouterr().err) == said


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_a_fault_of_usage(started: Started, port: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        ran("--port", port)
    assert not hasattr(started, "path")
