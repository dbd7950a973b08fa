"""What a gateway has to know of a message; everything else in it is passed over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, Struct, UnsetType

from config.schema import CAMERA_NAME, NODE_NAME
from sinks.messages import HEARTBEAT_TOPICS

MAX_TOPIC_BYTES = 128
NO_GRANT = 0  # of a daemon that is in no fleet: any grant is newer

_CAMERA = re.compile(CAMERA_NAME)
_NODE = re.compile(NODE_NAME)
_KIND = re.compile(r"[a-z]{1,16}")


@dataclass(frozen=True, slots=True)
class Head:
    """Who says something about whom. `camera` is None for a heartbeat, whose `cameras` are those
    that the node speaks for.
    """

    kind: str
    node: str
    camera: str | None
    grant: int
    cameras: frozenset[str] = frozenset()


class _OfCamera(Struct):
    node: str
    camera: str
    grant: int | UnsetType = UNSET


class _Beat(Struct):
    """One camera in a heartbeat; nothing of it is needed."""


class _OfNode(Struct):
    node: str
    cameras: dict[str, _Beat]


_json_camera = msgspec.json.Decoder(_OfCamera)
_json_node = msgspec.json.Decoder(_OfNode)
_msgpack_camera = msgspec.msgpack.Decoder(_OfCamera)
_msgpack_node = msgspec.msgpack.Decoder(_OfNode)


def head_of(topic: bytes, payload: bytes) -> Head:
    """Raises ValueError for what is no message of ours, or is not about what its topic says."""
    if len(topic) > MAX_TOPIC_BYTES:
        raise ValueError("the topic is too long")
    kind, _, name = topic.decode("ascii").partition(".")
    if not _KIND.fullmatch(kind) or not name.endswith("."):
        raise ValueError("no topic of ours")
    is_json = payload[:1] == b"{"  # which never begins a MessagePack map
    if topic.startswith(HEARTBEAT_TOPICS):
        said = (_json_node if is_json else _msgpack_node).decode(payload)
        if f"{said.node}." != name or not _NODE.fullmatch(said.node):
            raise ValueError("a heartbeat of another node than its topic says")
        return Head(kind, said.node, None, NO_GRANT, frozenset(said.cameras))
    of = (_json_camera if is_json else _msgpack_camera).decode(payload)
    if f"{of.camera}." != name or not _CAMERA.fullmatch(of.camera):
        raise ValueError("about another camera than its topic says")
    grant = NO_GRANT if of.grant is UNSET else of.grant
    if grant < NO_GRANT or not _NODE.fullmatch(of.node):
        raise ValueError("a grant below 0, or a name that is none")
    return Head(kind, of.node, of.camera, grant)
