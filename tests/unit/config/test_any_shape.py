"""Whatever stands where something else belongs is told at its place: no traceback ever."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import ConfigError, Fault
from config.fleet import load_fleet
from config.gateway import load_gateway
from config.loader import load

DAEMON = """
version: 1
batching: {max_batch: 8}
defaults: {detect: {fps: 5}}
cameras:
  gate:
    url: rtsp://10.0.0.5/
    detect: {fps: 5, roi: [[0, 0], [1, 0], [1, 1]], crop: roi, tiles: {size: 320},
             gate: {enabled: true, ignore: [[[0, 0], [1, 0], [1, 1]]]}}
    objects: {labels: [person], filters: {person: {min_score: 0.5}}}
    zones: {yard: {area: [[0, 0], [1, 0], [1, 1]], labels: [person]}}
    lines: {door: {from: [0, 0], to: [1, 1], left: in, right: out}}
    record: {snapshots: true, per: object, on: [person]}
sinks:
  zeromq: {bind: "tcp://127.0.0.1:5556"}
  mqtt: {host: broker, protocol: 5, labels: [person], home_assistant: {}}
  webhook:
    phone: {url: "https://h/", rules: [{cameras: [gate], zones: [yard], schedule: [{days: [mon]}]}]}
http: {listen: "127.0.0.1:9464"}
"""
FLEET = """
version: 1
http: {token: camera_http}
sinks: {zeromq: {bind: "tcp://127.0.0.1:5556"}}
cameras: {gate: {url: "rtsp://10.0.1.5/"}}
fleet:
  address: 10.0.0.1:6379
  gateways: {one: "10.0.0.1:9465"}
  nodes: {north: {http: "10.0.0.11:9464", labels: [usb], gpus: [0]}}
  pins: {gate: [usb]}
"""
GATEWAY = """
version: 1
publishers: {bind: "tcp://127.0.0.1:5557"}
subscribers: {bind: "tcp://127.0.0.1:5556", high_water_mark: 5}
http: {listen: "127.0.0.1:9465"}
"""
SHAPES = (None, 7, "", [[]], {"x": 1})

Load = Callable[[Path], object]


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Of everything in it, but of lists only what comes first."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = [(0, value[0])] if isinstance(value, list) and value else inner
    for key, one in inner:
        yield from paths(one, (*path, key))


def misshapen(text: str, shape: object) -> Iterator[str]:
    """The file with this in place of each of its values."""
    whole = yaml.safe_load(text)
    for path in paths(whole):
        changed = node = copy.deepcopy(whole)
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = shape
        yield yaml.safe_dump(changed, sort_keys=False)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize(
    ("text", "load_it"),
    [(DAEMON, load), (FLEET, load_fleet), (GATEWAY, load_gateway)],
    ids=["daemon", "fleet", "gateway"],
)
def test_every_shape_in_every_place_is_told_at_a_place(
    tmp_path: Path, text: str, load_it: Load, shape: object
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    load_it(file)
    faults: list[Fault] = []
    for changed in misshapen(text, shape):
        file.write_text(changed)
        try:
            load_it(file)
        except ConfigError as error:
            faults += error.faults
    assert len(faults) > 5
    assert all(fault.line and fault.column and fault.message for fault in faults)
    said = " ".join(map(str, faults))
    assert not any(words in said for words in ("Input should", "Value error"))
