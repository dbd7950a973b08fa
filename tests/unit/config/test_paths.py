"""Relative paths start at the folder of the YAML file, wherever the daemon was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import load
from config.schema import Config

TEXT = """\
version: 1
model: {weights: models/mine.safetensors}
cameras:
  a: {url: "rtsp://h/", credential: "file:secrets/gate"}
  b: {url: "rtsp://i/", credential: gate}
  c: {url: "file:../clip.mp4"}
sinks:
  zeromq: {bind: "ipc://vedette.sock", curve: {secret_key: keys/s, clients: /etc/keys}}
  jsonl: {path: out/detections.jsonl}
"""


@pytest.mark.parametrize("relative", [False, True])
def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "v.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    config = load("etc/v.yaml" if relative else folder / "v.yaml", {}).config
    sinks = config.sinks
    assert config.model.weights == f"{folder}/models/mine.safetensors"
    assert config.cameras["a"].credential == f"file:{folder}/secrets/gate"
    assert config.cameras["b"].credential == "gate"
    assert config.cameras["c"].url == f"file://{folder}/../clip.mp4"
    assert sinks.zeromq is not None
    assert sinks.zeromq.bind == f"ipc://{folder}/vedette.sock"
    assert sinks.zeromq.curve is not None
    assert sinks.zeromq.curve.secret_key == folder / "keys/s"
    assert sinks.zeromq.curve.clients == Path("/etc/keys")
    assert sinks.jsonl is not None
    assert sinks.jsonl.path == folder / "out/detections.jsonl"


def test_without_a_file_paths_stay_as_they_are() -> None:
    config = Config.model_validate(
        {"version": 1, "cameras": {"a": {"url": "file:x.mp4"}}, "model": {"weights": "w"}}
    )
    assert (config.cameras["a"].url, config.model.weights) == ("file:x.mp4", "w")


def test_bundled_weights_are_no_path(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text("version: 1\ncameras: {a: {url: 'file:x'}}\n")
    assert load(path, {}).config.model.weights == "bundled"
