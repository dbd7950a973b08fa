"""A reload is applied as a whole or not at all, whatever fails and wherever."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from config.loader import load
from daemon.books.reports import ReloadResult
from daemon.errors import ListenError
from daemon.reload.history import ReloadHistory, config_hash
from daemon.reload.model import LoadedModel
from daemon.reload.reloader import Equipment, Prepared, Reloader
from detector.api import InferenceError, ModelError
from detector.spec import DetectorSpec
from sinks.sink import SinkError
from tests.support.fakes import FakeClock, FakeDetector

STEPS = ["http", "sinks", "log", "model", "cameras"]
SCENE = {"url": "synthetic://64x48"}


class FakeParts:
    """Remembers what each part was brought to; `faults` are raised there, once each."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Equipment]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.tried_in_vain: frozenset[str] = frozenset()

    def given_up(self) -> frozenset[str]:
        return self.tried_in_vain

    def use_http(self, wanted: Equipment) -> None:
        self._use("http", wanted)

    def use_sinks(self, wanted: Equipment) -> None:
        self._use("sinks", wanted)

    def use_log(self, wanted: Equipment) -> None:
        self._use("log", wanted)

    def use_model(self, wanted: Equipment) -> None:
        self._use("model", wanted)

    def use_cameras(self, wanted: Equipment) -> None:
        self._use("cameras", wanted)

    def now(self) -> dict[str, Equipment]:
        """What each part runs with, of those that were touched."""
        return dict(self.calls)

    def _use(self, part: str, wanted: Equipment) -> None:
        self.calls.append((part, wanted))
        if faults := self.faults.get(part):
            raise faults.pop(0)


class Bench:
    """A reloader of a file, with parts that are fakes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vedette.yaml"
        self.clock = FakeClock()
        self.parts = FakeParts()
        self.built: list[DetectorSpec] = []
        self.steps = 0
        self.write(gate=SCENE)
        self.before = Equipment(
            load(self.path, {}), LoadedModel(FakeDetector(), loaded_ns=1, warmup_s=0.1, traces=0)
        )
        self.history = ReloadHistory(self.before.loaded.config, self.clock)
        self.reloader = Reloader(self.before, self.parts, self.history, self.clock)

    def write(self, *, sections: dict[str, Any] | None = None, **cameras: dict[str, Any]) -> None:
        self.path.write_text(json.dumps({"version": 1, "cameras": cameras} | (sections or {})))

    def build(self, wanted: DetectorSpec) -> FakeDetector:
        self.built.append(wanted)
        return FakeDetector(wanted.max_batch)

    def prepare(self, build: Callable[..., Any] | None = None) -> Prepared:
        def advanced() -> None:
            self.steps += 1

        return self.reloader.prepare(build or self.build, advanced=advanced)

    def reload(self, build: Callable[..., Any] | None = None) -> ReloadResult:
        self.reloader.conclude(lambda: self.prepare(build))
        last = self.history.report().last_reload
        assert last is not None
        return last.result

    @property
    def faults(self) -> tuple[str, ...]:
        last = self.history.report().last_reload
        assert last is not None
        return tuple(line.removeprefix(f"{self.path}:") for line in last.faults)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_part_is_brought_over_in_order(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "daemon.reload.reloader")
    bench.write(gate=SCENE, yard=SCENE)
    assert bench.reload() is ReloadResult.APPLIED
    assert [part for part, _ in bench.parts.calls] == STEPS
    for wanted in bench.parts.now().values():
        assert list(wanted.loaded.config.cameras) == ["gate", "yard"]
        assert wanted.model is bench.before.model, "nothing asked for another one"
    assert bench.built == []
    assert caplog.messages == ["reload applied added=yard took_ms=0"]
    config = bench.parts.now()["cameras"].loaded.config
    assert bench.history.report().hash == config_hash(config)


def test_the_next_reload_starts_from_the_last_one_that_was_applied(bench: Bench) -> None:
    bench.write(gate=SCENE, yard=SCENE)
    assert bench.reload() is ReloadResult.APPLIED
    assert bench.reload() is ReloadResult.UNCHANGED
    bench.write(gate=SCENE)
    assert bench.prepare().changes.cameras.removed == ("yard",)


def test_a_file_that_means_the_same_touches_nothing_but_the_token(bench: Bench) -> None:
    bench.path.write_text("# a comment\n" + bench.path.read_text())
    assert bench.reload() is ReloadResult.UNCHANGED
    assert [part for part, _ in bench.parts.calls] == ["http"]


def test_a_difference_without_effect_is_taken_up_all_the_same(bench: Bench) -> None:
    bench.write(sections={"defaults": {"transport": "udp"}}, gate=SCENE)
    assert bench.reload() is ReloadResult.UNCHANGED
    config = bench.parts.now()["cameras"].loaded.config
    assert config.defaults.transport == "udp"
    assert bench.history.report().hash == config_hash(config)


def test_cameras_that_gave_up_are_reason_enough(bench: Bench) -> None:
    bench.parts.tried_in_vain = frozenset({"gate"})
    assert bench.reload() is ReloadResult.APPLIED
    assert [part for part, _ in bench.parts.calls] == STEPS


def test_a_file_with_faults_changes_nothing_and_all_are_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.path.write_text("version: 1\nmodle: {}\ncameras:\n  gate: {url: 'ftp://x'}\n")
    assert bench.reload() is ReloadResult.REFUSED
    assert bench.parts.calls == []
    assert [fault.partition(" ")[0] for fault in bench.faults] == ["2:1:", "4:15:"]
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert lines[-1] == "reload refused"
    assert [line.removeprefix(f"{bench.path}:") for line in lines[:-1]] == list(bench.faults)
    assert bench.history.report().hash == config_hash(bench.before.loaded.config)


def test_another_name_of_the_node_is_refused_until_a_restart(bench: Bench) -> None:
    bench.write(sections={"node": "barn"}, gate={"url": "synthetic://64x48"})
    assert bench.reload() is ReloadResult.REFUSED
    assert bench.faults[0].endswith("node: changes at a restart only")


def test_a_file_that_is_gone_changes_nothing(bench: Bench) -> None:
    bench.path.unlink()
    assert bench.reload() is ReloadResult.REFUSED
    assert bench.parts.calls == []


def test_a_label_that_the_running_model_lacks_is_refused_at_its_place(bench: Bench) -> None:
    bench.write(gate=SCENE | {"objects": {"labels": ["persn"]}})
    assert bench.reload() is ReloadResult.REFUSED
    (fault,) = bench.faults
    assert "cameras.gate.objects.labels[0]" in fault
    assert "did you mean person?" in fault
    assert bench.built == []


def test_a_login_that_cannot_be_read_is_refused_before_its_camera_is_touched(
    bench: Bench, tmp_path: Path
) -> None:
    camera = {"url": "rtsp://10.0.0.5/live", "credential": f"file:{tmp_path}/none"}
    bench.write(gate=SCENE, yard=camera)
    assert bench.reload() is ReloadResult.REFUSED
    assert "cameras.yard.credential" in bench.faults[0]
    bench.write(gate=SCENE, yard=camera | {"enabled": False})
    assert bench.reload() is ReloadResult.APPLIED


def test_a_camera_that_has_failed_for_long_refuses_no_reload(bench: Bench, tmp_path: Path) -> None:
    login = tmp_path / "gate.login"
    login.write_text("admin:secret\n")
    login.chmod(0o600)
    camera = {"url": "rtsp://10.0.0.5/live", "credential": f"file:{login}"}
    bench.write(gate=camera)
    assert bench.reload() is ReloadResult.APPLIED
    login.unlink()
    bench.parts.tried_in_vain = frozenset({"gate"})
    bench.write(gate=camera, yard=SCENE)
    assert bench.reload() is ReloadResult.APPLIED


def test_another_model_is_built_and_warm_before_anything_is_touched(bench: Bench) -> None:
    bench.write(sections={"model": {"input_size": 160}, "batching": {"max_batch": 2}}, gate=SCENE)
    plan = bench.prepare()
    assert bench.parts.calls == []
    (wanted,) = bench.built
    assert (wanted.input_size, wanted.max_batch) == (160, 2)
    detector = plan.target.model.detector
    assert isinstance(detector, FakeDetector)
    assert detector.warm.is_set()
    assert bench.steps == 4, "begin, built, two batch sizes"
    bench.reloader.conclude(lambda: plan)
    assert bench.parts.now()["model"].model.detector is detector


@pytest.mark.parametrize(
    "error", [ModelError("none.safetensors: no such file"), InferenceError("oom", "4 GiB")]
)
def test_a_model_that_cannot_run_is_refused_at_its_place(bench: Bench, error: Exception) -> None:
    def build(_: DetectorSpec) -> FakeDetector:
        raise error

    bench.write(sections={"model": {"input_size": 160}}, gate=SCENE)
    assert bench.reload(build) is ReloadResult.REFUSED
    assert str(error) in bench.faults[0]
    assert ": model: " in bench.faults[0]
    assert bench.parts.calls == []


def test_a_defect_while_preparing_is_refused_and_shown(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def build(_: DetectorSpec) -> FakeDetector:
        raise ZeroDivisionError("secret")

    bench.write(sections={"model": {"input_size": 160}}, gate=SCENE)
    assert bench.reload(build) is ReloadResult.REFUSED
    assert bench.faults == ("internal error: ZeroDivisionError",)
    assert [r.message for r in caplog.records if r.exc_info] == ["reload failed"]


@pytest.mark.parametrize("part", STEPS)
@pytest.mark.parametrize("kind", [SinkError, ListenError, RuntimeError])
def test_whatever_fails_every_part_is_as_it_was(
    bench: Bench, part: str, kind: type[Exception]
) -> None:
    bench.write(gate=SCENE, yard=SCENE)
    bench.parts.faults = {part: [kind("127.0.0.1:5556 is in use")]}
    assert bench.reload() is ReloadResult.ROLLED_BACK
    touched = STEPS[: STEPS.index(part) + 1]
    assert [name for name, _ in bench.parts.calls] == touched + touched[::-1]
    assert all(running is bench.before for running in bench.parts.now().values())
    assert len(bench.faults) == 1
    report = bench.history.report()
    assert report.hash == config_hash(bench.before.loaded.config)
    assert bench.reload() is ReloadResult.APPLIED, "the next try starts from what holds"


def test_a_way_back_that_fails_does_not_end_the_way_back(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.write(gate=SCENE, yard=SCENE)
    bench.parts.faults = {
        "sinks": [SinkError("5557 is in use"), SinkError("5556 is in use")],
    }
    assert bench.reload() is ReloadResult.ROLLED_BACK
    assert [name for name, _ in bench.parts.calls] == ["http", "sinks", "sinks", "http"]
    assert "could not be brought back step=use_sinks" in caplog.text


def test_what_could_not_be_brought_back_is_tried_again_by_the_next_reload(bench: Bench) -> None:
    bench.write(gate=SCENE, yard=SCENE)
    bench.parts.faults = {"sinks": [SinkError("in use"), SinkError("in use")]}
    assert bench.reload() is ReloadResult.ROLLED_BACK
    bench.write(gate=SCENE)
    bench.parts.calls.clear()
    assert bench.reload() is ReloadResult.UNCHANGED, "the file says what should hold"
    assert [part for part, _ in bench.parts.calls] == STEPS, "but something does not"
    bench.parts.calls.clear()
    assert bench.reload() is ReloadResult.UNCHANGED
    assert [part for part, _ in bench.parts.calls] == ["http"]


def test_preparing_raises_the_faults_themselves(bench: Bench) -> None:
    bench.path.write_text("version: 2\n")
    with pytest.raises(ConfigError):
        bench.prepare()
