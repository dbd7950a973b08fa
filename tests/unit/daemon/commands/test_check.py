"""`vedette check` and `vedette schema`: exit codes, lines, warnings, and how little they load."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.commands import check, schema

GOOD = "version: 1\ncameras:\n  a: {url: 'rtsp://h/'}\n"


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    check.add_parser(subparsers)
    schema.add_parser(subparsers)
    return parser.parse_args(words)


@pytest.fixture(autouse=True)
def _outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


class Checked:
    """What one `vedette check` said; `{}` in expectations is the file."""

    def __init__(self, folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        path = folder / "c.yaml"
        path.write_text(text)
        args = arguments("check", str(path))
        self.code = args.run(args)
        captured = capsys.readouterr()
        self.out = captured.out.replace(str(path), "c.yaml").splitlines()
        self.err = captured.err.replace(str(path), "c.yaml").splitlines()


def test_good_file_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD + "  b: {url: 'rtsp://i/'}\n  off: {url: 'rtsp://j/', enabled: false}\n"
    checked = Checked(tmp_path, text, capsys)
    assert (checked.code, checked.err) == (0, [])
    assert checked.out == [
        "c.yaml: ok (2 cameras, efficientdet-lite0, tcp://127.0.0.1:5556, http://127.0.0.1:9464)"
    ]


def test_summary_names_the_sinks_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD + "sinks: {zeromq: null, jsonl: {path: /var/d.jsonl}}\n"
    assert Checked(tmp_path, text, capsys).out == [
        "c.yaml: ok (1 camera, efficientdet-lite0, /var/d.jsonl, http://127.0.0.1:9464)"
    ]


def test_every_fault_is_a_line_and_the_exit_code_is_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = Checked(tmp_path, GOOD + "http: {listen: x}\nlogs: {}\n", capsys)
    assert (checked.code, checked.out) == (78, [])
    assert checked.err == [
        "c.yaml:4:16: http.listen: needs host:port, as in 127.0.0.1:9464",
        "c.yaml:5:1: logs: is not known here (did you mean `log`?)",
    ]


def test_label_that_the_model_lacks_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD + "  b: {url: 'rtsp://i/', objects: {labels: [person, persn]}}\n"
    checked = Checked(tmp_path, text, capsys)
    assert checked.code == 78
    (line,) = checked.err
    assert line.startswith("c.yaml:4:52: cameras.b.objects.labels[1]: the model has no label persn")


def test_what_the_machine_lacks_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.mp4").write_bytes(b"")
    (tmp_path / "open").write_text("admin:hunter2")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "known").write_text("admin:hunter2")
    text = """\
version: 1
model: {weights: none.safetensors}
cameras:
  a: {url: "file:none.mp4"}
  b: {url: "file:here.mp4"}
  c: {url: "v4l2:///dev/none"}
  d: {url: "rtsp://d/", credential: "file:open"}
  e: {url: "rtsp://e/", credential: known}
  f: {url: "rtsp://f/", credential: none}
  off: {url: "file:none.mp4", enabled: false}
"""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    checked = Checked(tmp_path, text, capsys)
    assert checked.code == 0
    assert [line.split(": ", 3)[:3] for line in checked.err] == [
        ["c.yaml:4:12", "cameras.a.url", "warning"],
        ["c.yaml:6:12", "cameras.c.url", "warning"],
        ["c.yaml:7:37", "cameras.d.credential", "warning"],
        ["c.yaml:9:37", "cameras.f.credential", "warning"],
        ["c.yaml:2:18", "model.weights", "warning"],
    ]
    assert "hunter2" not in "".join(checked.err)


def test_credentials_of_the_service_are_one_warning_outside_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD + "defaults: {credential: all}\n"
    text = text.replace("defaults", "  b: {url: 'rtsp://i/', credential: b}\ndefaults")
    checked = Checked(tmp_path, text, capsys)
    (line,) = checked.err
    assert line == (
        "c.yaml:5:24: defaults.credential: warning: $CREDENTIALS_DIRECTORY is not set:"
        " systemd credentials are not checked"
    )


def test_a_token_that_cannot_be_used_is_a_fault_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD + "http: {token: 'file:token'}\n"
    missing = Checked(tmp_path, text, capsys)
    assert (missing.code, missing.out) == (78, [])
    assert missing.err[0].startswith("c.yaml:4:15: http.token: credential file ")
    assert "cannot be read: no such file" in missing.err[0]
    token = tmp_path / "token"
    token.write_text("5f2c9e61d8b07a34")
    token.chmod(0o644)
    assert "is open to others, mode 0644" in Checked(tmp_path, text, capsys).err[0]
    token.chmod(0o600)
    assert Checked(tmp_path, text, capsys).code == 0
    token.write_text("short")
    (line,) = Checked(tmp_path, text, capsys).err
    assert "must hold one line: a token" in line
    assert "short" not in line


def test_a_token_of_the_service_is_not_looked_for_outside_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = Checked(tmp_path, GOOD + "http: {token: http_token}\n", capsys)
    assert checked.code == 0
    (line,) = checked.err
    assert line == (
        "c.yaml:4:15: http.token: warning: $CREDENTIALS_DIRECTORY is not set:"
        " systemd credentials are not checked"
    )


def test_a_folder_for_recordings_that_is_not_there_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = Checked(tmp_path, GOOD + "recordings: {folder: none}\n", capsys)
    assert checked.code == 0
    (line,) = checked.err
    assert line == (
        "c.yaml:4:22: recordings.folder: warning: is not there or cannot be written:"
        " nothing would be recorded"
    )


def test_schema_prints_the_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments("schema")
    assert args.run(args) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "vedette configuration"


def test_neither_loads_what_takes_long() -> None:
    program = (
        "import sys, daemon.commands.check, daemon.commands.schema;"
        "slow = {'tensorflow', 'keras', 'av', 'cv2', 'zmq', 'uvicorn', 'starlette'};"
        "print(*slow & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_a_webhook_is_named_and_its_missing_key_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = "{url: 'https://e.org/', credential: phone_token, secret: 'file:/none/key'}"
    text = GOOD + f"sinks: {{zeromq: null, webhook: {{phone: {hook}}}}}\n"
    checked = Checked(tmp_path, text, capsys)
    assert checked.code == 0
    (warning,) = checked.err
    assert "sinks.webhook.phone.secret: warning: credential file /none/key" in warning
    assert "webhook phone" in checked.out[0]
