"""`vedette doctor --quick`: exit codes, the table, JSON, and how little it loads."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.commands import doctor
from tests.support.daemon_process import free_port


@pytest.fixture(autouse=True)
def _outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def written(folder: Path, cameras: str, more: str = "") -> Path:
    path = folder / "c.yaml"
    path.write_text(
        f"version: 1\nhttp: {{listen: '127.0.0.1:{free_port()}'}}\n"
        f"sinks: {{zeromq: {{bind: 'tcp://127.0.0.1:{free_port()}'}}}}\n"
        f"{more}cameras:\n{cameras}"
    )
    return path


def examined(path: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    args = parser.parse_args(["doctor", str(path), "--quick", *words])
    return int(args.run(args))


def test_a_configuration_that_fits_is_exit_code_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "  a: {url: 'synthetic://a'}\n  b: {url: 'rtsp://b/', enabled: false}")
    assert examined(path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok    configuration  1 of 2 cameras enabled"
    whats = [line[6:19].strip() for line in lines]
    assert whats == [
        "configuration",
        "weights",
        "environment",
        "clock",
        "open files",
        "memory",
        "http",
        "zeromq",
    ]


def test_what_fails_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "  a: {url: 'file:none.mp4'}", "model: {weights: none}\n")
    assert examined(path) == 1
    out = capsys.readouterr().out
    assert "fail  weights " in out
    assert "fail  camera a " in out
    assert "→ " in out


def test_a_file_that_cannot_be_used_is_exit_code_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "  a: {ulr: x}")
    assert examined(path) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert "cameras.a.ulr: is not known here" in err
    assert examined(path, "--json") == 78
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert len(found["faults"]) == 2


def test_a_label_that_the_model_lacks_is_exit_code_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "  a: {url: 'synthetic://a', objects: {labels: [persn]}}")
    assert examined(path) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert "the model has no label persn" in err


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "  a: {url: 'file:none.mp4'}")
    assert examined(path, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert found["findings"][-1] == {
        "verdict": "fail",
        "what": "camera a",
        "detail": f"{tmp_path}/none.mp4 cannot be read: no such file or directory",
        "todo": "see its path and mode",
    }


def test_help_and_quick_load_nothing_that_takes_long() -> None:
    program = (
        "import sys, daemon.commands.doctor;"
        "print(*{'tensorflow', 'av', 'cv2', 'zmq'} & set(sys.modules));"
        "import daemon.diagnosis.examination;"
        "print(*{'tensorflow', 'keras'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []
