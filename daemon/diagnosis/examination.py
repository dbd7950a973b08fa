"""Everything that `vedette doctor` looks at, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Iterator

from config.camera import CameraConfig
from config.credentials import credentials_directory
from config.loader import Loaded
from daemon.clock import Clock
from daemon.diagnosis import machine
from daemon.diagnosis.cameras import (
    camera_finding,
    decoding_finding,
    held_by,
    held_finding,
    paused_findings,
    probe_all,
)
from daemon.diagnosis.environment import environment_finding
from daemon.diagnosis.finding import Finding, ok
from daemon.diagnosis.inputs import camera_title, input_findings
from daemon.diagnosis.model import arithmetic_finding, read_model
from daemon.diagnosis.outlets import outlet_findings
from daemon.diagnosis.running import Running, ask
from daemon.reload.labels import check_labels

_TITLES = ("configuration", "credentials", "environment", "open files", "precision")


def title_width(loaded: Loaded) -> int:
    """Of the widest title that may come."""
    hooks = (f"webhook {name}" for name in loaded.config.sinks.webhook)
    return max(map(len, (*_TITLES, *hooks, *map(camera_title, loaded.config.cameras))))


def examine(loaded: Loaded, *, quick: bool, clock: Clock) -> Iterator[Finding]:
    """Each finding as soon as it is known; `quick` opens no stream and asks no TensorFlow.

    Raises ConfigError before the first one, for labels that the model does not have.
    """
    config = loaded.config
    weights, description = read_model(config.model)
    if description is not None:
        check_labels(loaded, description.labels)
    cameras = {name: camera for name, camera in config.cameras.items() if camera.enabled}
    yield ok("configuration", f"{len(cameras)} of {len(config.cameras)} cameras enabled")
    yield weights
    yield environment_finding()
    yield from _machine(len(cameras), clock)
    directory = credentials_directory()
    running = ask(config.http.listen)
    yield from outlet_findings(config, running, directory)
    yield from paused_findings(running, cameras)
    findings, unusable = input_findings(cameras, directory)
    yield from findings
    if not quick:
        usable = {name: camera for name, camera in cameras.items() if name not in unusable}
        yield from _cameras(usable, running, clock)
        yield arithmetic_finding(config.model, description)


def _machine(cameras: int, clock: Clock) -> Iterator[Finding]:
    yield machine.clock_finding(clock.wall_ns(), synchronised=machine.clock_synchronised())
    yield machine.open_files_finding(machine.open_files_limit(), cameras)
    yield machine.memory_finding(machine.memory_available_mb(), cameras)


def _cameras(
    cameras: dict[str, CameraConfig], running: Running | None, clock: Clock
) -> Iterator[Finding]:
    held = held_by(running, cameras)
    for name, state in held.items():
        yield held_finding(name, state)
    results = probe_all(
        {name: camera for name, camera in cameras.items() if name not in held}, clock=clock
    )
    for name, result in results.items():
        yield camera_finding(name, cameras[name], result)
    decoding = decoding_finding(results)
    if decoding is not None:
        yield decoding
