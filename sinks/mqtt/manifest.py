"""Which topics the broker keeps for a node, kept at the broker itself.

MQTT has no way to list them, and a daemon that starts does not know what the one before it left.
So this list is written before the topics in it are, and read when a connection begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

VERSION = 1
MOST_BYTES = 8_000_000


class Manifest(msgspec.Struct, frozen=True):
    """`devices`: topics of Home Assistant's devices, with the platforms of their components."""

    topics: Sequence[str] = ()
    devices: Mapping[str, Mapping[str, str]] = {}
    v: int = VERSION

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


class _Read(msgspec.Struct):
    v: int
    topics: list[str]
    devices: dict[str, dict[str, str]]


def read(payload: bytes, roots: Sequence[str]) -> Manifest:
    """What an earlier start wrote, as far as the topics begin with one of `roots`: nobody can make
    us clear what belongs to others. Empty for what is no manifest.
    """
    if len(payload) > MOST_BYTES:
        return Manifest()
    try:
        found = msgspec.json.decode(payload, type=_Read)
    except msgspec.DecodeError:
        return Manifest()
    if found.v != VERSION:
        return Manifest()
    ours = [topic for topic in found.topics if _is_plain(topic) and topic.startswith(tuple(roots))]
    known = frozenset(ours)
    devices = {topic: parts for topic, parts in found.devices.items() if topic in known}
    return Manifest(ours, devices)


def parting(payload: bytes, gone: Mapping[str, str]) -> bytes:
    """A device's configuration that takes leave of components: Home Assistant removes those of
    which nothing but the platform is said, and no others.
    """
    device = msgspec.json.decode(payload)
    device["components"] |= {name: {"platform": platform} for name, platform in gone.items()}
    return msgspec.json.encode(device)


def _is_plain(topic: str) -> bool:
    """One that may be published to."""
    return not set(topic) & set("+#\0")
