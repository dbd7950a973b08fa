"""`vedette probe`: what it refuses, what it prints, and how little it loads for that."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.camera import CameraConfig
from daemon.commands import probe

MISSING = "not_found: cannot be read: no such file or directory"


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    probe.add_parser(parser.add_subparsers())
    return parser.parse_args(["probe", *words])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["10.0.0.5/h264"], "URL must begin with the scheme of a camera (known: rtsp, rtsps,"),
        (["ftp://h/"], "URL must begin with the scheme of a camera"),
        (
            ["http://h/", "--transport", "tcp"],
            "--transport is for rtsp: and rtsps: URLs; this is a",
        ),
        (["rtsp://"], "URL needs a host, as in rtsp://10.0.0.5:554/stream"),
        (["rtsp://h/", "--credential", "a:b"], "--credential must be the name of a systemd"),
        (["file:x.mp4", "--credential", "gate"], "--credential is for rtsp:, rtsps:, http: and"),
        (["synthetic://x", "--transport", "udp"], "this is a synthetic: URL"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = arguments(*words)
    assert args.run(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize(
    "url", ["rtsp://admin:hunter2@h/", "rtsp://h/x?password=hunter2", "rtsp://h/hunter2%00"]
)
def test_a_password_in_the_url_is_refused_and_not_repeated(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = arguments(url)
    assert args.run(args) == 2
    err = capsys.readouterr().err
    assert "hunter2" not in err
    assert err.startswith("URL must not hold")


def test_the_way_out_is_one_for_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments("rtsp://admin:hunter2@h/")
    args.run(args)
    assert "give --credential file:PATH" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "301", "nan", "long"])
def test_seconds_are_bounded(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments("rtsp://h/", "--seconds", seconds)
    assert "--seconds" in capsys.readouterr().err


def test_a_relative_path_begins_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    args = arguments("file:nothing.mp4")
    assert args.run(args) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:2] == [f"file://{tmp_path}/nothing.mp4", MISSING]
    assert "There is no such file" in err


def test_a_failure_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments("file:///nothing.mp4", "--json")
    assert args.run(args) == 1
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert (found["ok"], found["kind"], found["detail"]) == (
        False,
        "not_found",
        "cannot be read: no such file or directory",
    )
    assert found["url"] == "file:///nothing.mp4"
    assert "no such file" in found["advice"]


def test_a_scene_is_described_and_ready_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments("synthetic://x?fps=30&size=64x48", "--seconds", "0.01")
    assert args.run(args) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == "synthetic://x?fps=30&size=64x48"
    assert "  video      synthetic, 64×48" in lines
    assert lines[-4:] == [
        "cameras:",
        "  camera:",
        '    url: "synthetic://x?fps=30&size=64x48"',
        "    detect: {fps: 5}",
    ]


def test_a_scene_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments("synthetic://x?fps=240&size=64x48", "--seconds", "0.01", "--json")
    assert args.run(args) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert found["stream"]["width"] == 64
    assert found["measured"]["pictures"] >= 2


def test_the_terminal_is_told_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    args = arguments("synthetic://x?fps=240&size=64x48", "--seconds", "0.01")
    args.run(args)
    assert capsys.readouterr().err == "watching for 0.01 s …\n"


def test_defaults_are_those_of_the_configuration() -> None:
    assert probe._camera(arguments("rtsp://h/")) == CameraConfig(url="rtsp://h/")


def test_help_loads_nothing_that_takes_long_and_probing_no_tensorflow() -> None:
    program = (
        "import sys, daemon.commands.probe;"
        "print(*{'tensorflow', 'av', 'cv2', 'zmq'} & set(sys.modules));"
        "import daemon.diagnosis.probing, daemon.diagnosis.report;"
        "print(*{'tensorflow', 'keras'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []
