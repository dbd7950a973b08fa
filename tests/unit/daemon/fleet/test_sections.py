"""From a fleet's file to the files of its daemons."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from config.errors import ConfigError
from config.fleet import load_fleet, load_member
from config.loader import load
from daemon.fleet.sections import FleetSetup, assignment, member_file, setup_of

FILE = """
version: 1
sinks: {{zeromq: {{bind: "tcp://127.0.0.1:7000"}}}}
http: {{live: false, allow_anonymous: true}}
defaults: {{detect: {{fps: 4}}}}
cameras:
  gate:
    url: rtsp://10.0.0.5/h264
    credential: camera_gate
    priority: 5
    objects: {{labels: [person], filters: {{person: {{min_score: 0.5}}}}}}
    zones: {{drive: {{area: [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]], labels: [person]}}}}
    lines: {{door: {{from: [0.2, 0.6], to: [0.8, 0.6], left: in, right: out}}}}
  yard: {{url: "synthetic://64x48"}}
  door: {{url: "file:{clip}"}}
fleet:
  nodes:
    north: {{http: "10.0.0.11:9464"}}
    south: {{http: "10.0.0.12:9464", bind: "tcp://127.0.0.1:7001", labels: [usb]}}
    east: {{http: "10.0.0.13:9464", gpus: [0, 2], decode_cores: 8}}
  pins: {{door: [usb]}}
  gateways: {{one: "10.0.0.1:9465"}}
"""


@pytest.fixture
def setup(tmp_path: Path) -> FleetSetup:
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE.format(clip=tmp_path / "a$b.mp4"))
    (tmp_path / "a$b.mp4").touch()
    text = path.read_text().replace("a$b", "a$$b")
    path.write_text(text)
    return setup_of(load_fleet(path).config)


def test_a_server_is_a_shard_and_one_with_gpus_is_one_for_each(setup: FleetSetup) -> None:
    assert [(s.name, s.node, s.http, s.gpu) for s in setup.shards] == [
        ("north", "north", "10.0.0.11:9464", None),
        ("south", "south", "10.0.0.12:9464", None),
        ("east-gpu0", "east", "10.0.0.13:9464", 0),
        ("east-gpu2", "east", "10.0.0.13:9465", 2),
    ]
    assert setup.shards[2].decode_cores == 4.0


def test_a_pinned_camera_names_the_shards_that_reach_it(setup: FleetSetup) -> None:
    cameras = {camera.name: camera for camera in setup.cameras}
    assert cameras["door"].shards == {"south"}
    assert cameras["gate"].shards is None
    assert (cameras["gate"].priority, cameras["gate"].fps) == (5, 4.0)


def test_what_a_daemon_reads_is_what_the_file_says_of_its_cameras(
    setup: FleetSetup, tmp_path: Path
) -> None:
    given = assignment(setup, setup.shards[1], {"gate": 1.0, "door": 0.5})
    path = tmp_path / "south.yaml"
    path.write_text(member_file("south", given))
    config = load_member(path).config
    whole = load_fleet(tmp_path / "fleet.yaml").config
    assert config.cameras["gate"] == whole.cameras["gate"]
    assert config.cameras["door"].url == whole.cameras["door"].url, "with its dollar"
    assert config.cameras["door"].detect.fps == 2.0
    assert config.node == "south"
    assert config.http.listen == "10.0.0.12:9464"
    assert config.sinks.zeromq is not None
    assert config.sinks.zeromq.bind == "tcp://127.0.0.1:7001"


def test_a_daemon_may_be_without_cameras_for_a_while(setup: FleetSetup, tmp_path: Path) -> None:
    path = tmp_path / "north.yaml"
    path.write_text(member_file("north", assignment(setup, setup.shards[0], {})))
    assert load_member(path).config.cameras == {}
    with pytest.raises(ConfigError, match="at least 1 entry"):
        load(path, {})


def test_the_revision_tells_whether_anything_is_different(setup: FleetSetup) -> None:
    shard = setup.shards[0]
    one = assignment(setup, shard, {"gate": 1.0})
    assert one.revision == assignment(setup, shard, {"gate": 1.0}).revision
    assert one.revision != assignment(setup, shard, {"gate": 0.5}).revision
    assert one.revision != assignment(setup, shard, {}).revision


def test_no_secret_and_no_resolved_credential_is_in_it(setup: FleetSetup) -> None:
    text = json.dumps(msgspec.to_builtins(setup))
    assert "camera_gate" in text
    assert "password" not in text


def test_it_can_be_kept_and_read_again(setup: FleetSetup) -> None:
    assert msgspec.convert(json.loads(msgspec.json.encode(setup)), FleetSetup) == setup


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("door: [usb]", "door: [west]"), "fleet.pins.door[0]: is neither a server nor a label"),
        (("door: [usb]", "porch: [usb]"), "fleet.pins.porch: is no camera of this file"),
        (("labels: [usb]", "colour: red"), "fleet.nodes.south.colour: is not known here"),
        (
            ("allow_anonymous: true", "allow_anonymous: false"),
            "fleet.nodes.north.http: others can reach this address: give http.token",
        ),
        (
            ("allow_anonymous: true", "token: some_token, allow_edit: true"),
            "http.allow_edit: changes a file that the fleet writes anew",
        ),
        (
            ("tcp://127.0.0.1:7001", "tcp://0.0.0.0:7001"),
            "fleet.nodes.south.bind: others can reach this address: give sinks.zeromq.curve",
        ),
    ],
)
def test_faults_of_the_fleet_are_told_with_their_place(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE.format(clip="/clip.mp4").replace(*change))
    with pytest.raises(ConfigError) as caught:
        load_fleet(path)
    assert fault in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
