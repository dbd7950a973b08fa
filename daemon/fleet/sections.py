"""From a fleet's file to the files of its daemons: plain values that travel, then JSON. Pure.

JSON is YAML that the loader reads; `$` is doubled, as it begins a variable there. No secret is in
any of it: credentials are references, which each server resolves by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from config.fleet import GPU_SUFFIX, FleetFile
from config.urls import split_host_port
from daemon.fleet.orders import Assignment

_OWN = {"cameras", "defaults", "fleet", "node"}  # what is not the same for every daemon


@dataclass(frozen=True, slots=True)
class ShardSetup:
    """One daemon of the fleet: of a server, or of one GPU of it."""

    name: str
    node: str
    http: str
    bind: str | None = None
    gpu: int | None = None
    decode_cores: float | None = None
    pictures_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class CameraSetup:
    """One camera of the fleet. `shards` are those that can reach it, None for all."""

    name: str
    section: Mapping[str, Any]
    fps: float
    priority: int
    enabled: bool
    shards: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FleetSetup:
    """Everything that the Director knows of the file."""

    common: Mapping[str, Any]
    shards: tuple[ShardSetup, ...]
    cameras: tuple[CameraSetup, ...]
    lease_s: float
    least_fps: float
    gateways: tuple[str, ...] = ()  # their HTTP listeners, host:port
    gateway_token: str | None = None  # where it is kept


def setup_of(config: FleetFile) -> FleetSetup:
    """What of the file concerns the Director; plain values that can be kept and sent."""
    shards = tuple(shard for name in config.fleet.nodes for shard in _shards(config, name))
    written = config.model_dump(mode="json", exclude_defaults=True, exclude=_OWN)
    return FleetSetup(
        {"version": config.version} | written,
        shards,
        tuple(_camera(config, name, shards) for name in config.cameras),
        config.fleet.lease_s,
        config.fleet.least_fps,
        tuple(config.fleet.gateways.values()),
        config.fleet.gateway_token,
    )


def assignment(setup: FleetSetup, shard: ShardSetup, shares: Mapping[str, float]) -> Assignment:
    """The cameras of `shares` for this shard, each with so much of its frames per second."""
    cameras = {
        camera.name: _with_fps(camera, shares[camera.name])
        for camera in setup.cameras
        if camera.name in shares
    }
    given = Assignment(
        "",
        setup.common,
        cameras,
        shard.http,
        shard.bind,
        shard.gpu,
        setup.gateways,
        setup.gateway_token,
    )
    content = json.dumps(asdict(given), sort_keys=True)
    return replace(given, revision=hashlib.sha256(content.encode()).hexdigest()[:16])


def member_file(shard: str, given: Assignment) -> str:
    """The text of the daemon's configuration file."""
    sections = dict(given.common) | {"node": shard, "cameras": given.cameras}
    sections["http"] = {**given.common.get("http", {}), "listen": given.http}
    if given.bind is not None:
        sinks = dict(given.common.get("sinks", {}))
        sinks["zeromq"] = {**(sinks.get("zeromq") or {}), "bind": given.bind}
        sections["sinks"] = sinks
    return json.dumps(_escaped(sections), indent=1, ensure_ascii=False) + "\n"


def _shards(config: FleetFile, name: str) -> list[ShardSetup]:
    node = config.fleet.nodes[name]
    if not node.gpus:
        return [
            ShardSetup(
                name,
                name,
                node.http,
                node.bind,
                decode_cores=node.decode_cores,
                pictures_per_s=node.pictures_per_s,
            )
        ]
    host, port = split_host_port(node.http)
    host = f"[{host}]" if ":" in host else host
    count = len(node.gpus)
    return [
        ShardSetup(
            f"{name}{GPU_SUFFIX}{gpu}",
            name,
            f"{host}:{port + n}",
            node.bind,
            gpu,
            node.decode_cores / count if node.decode_cores else None,
            node.pictures_per_s / count if node.pictures_per_s else None,
        )
        for n, gpu in enumerate(node.gpus)
    ]


def _camera(config: FleetFile, name: str, shards: tuple[ShardSetup, ...]) -> CameraSetup:
    camera = config.cameras[name]
    wanted = config.fleet.pins.get(name)
    reach = None
    if wanted is not None:
        labels = {node: {node, *of.labels} for node, of in config.fleet.nodes.items()}
        reach = frozenset(shard.name for shard in shards if labels[shard.node] & {*wanted})
    section = camera.model_dump(mode="json", exclude_defaults=True)
    return CameraSetup(name, section, camera.detect.fps, camera.priority, camera.enabled, reach)


def _with_fps(camera: CameraSetup, share: float) -> Mapping[str, Any]:
    if share >= 1.0:
        return camera.section
    fps = round(camera.fps * share, 2)
    return {**camera.section, "detect": {**camera.section.get("detect", {}), "fps": fps}}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(inner) for inner in value]
    return value
