"""Cameras as devices of Home Assistant, by its MQTT device discovery. Pure.

Fields and their meaning: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
and the pages of the platforms binary_sensor.mqtt, sensor.mqtt, image.mqtt and switch.mqtt there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from sinks.mqtt.plan import Plan
from sinks.mqtt.topics import Topics

UP = ("streaming", "tampered")

Json = dict[str, object]

_THERE = "{{ 'ON' if value | int(0) > 0 else 'OFF' }}"
_STATE_IS_UP = f"value_json.state in {UP!r}"


@dataclass(frozen=True, slots=True)
class Device:
    """What is told of one camera, and the platforms of its components by their keys."""

    topic: str
    payload: bytes
    platforms: Mapping[str, str]


class Devices:
    """Makes the devices of one node."""

    def __init__(
        self, topics: Topics, discovery_prefix: str, *, commands: bool, pictures: bool
    ) -> None:
        self._topics = topics
        self._owner = f"{token(topics.prefix)}__{token(topics.node)}"
        self._root = f"{discovery_prefix}/device/{self._owner}/"
        self._commands = commands
        self._pictures = pictures
        self.status = f"{discovery_prefix}/status"  # where Home Assistant says that it is online

    @property
    def root(self) -> str:
        """What the topics of all our devices begin with."""
        return self._root

    def topic(self, camera: str) -> str:
        return f"{self._root}{token(camera)}/config"

    def device(self, camera: str, plan: Plan) -> Device:
        """The device of that camera."""
        components = {token(key): body for key, body in self._components(camera, plan)}
        for key, body in components.items():
            body["unique_id"] = f"{self._owner}__{token(camera)}__{key}"
        config: Json = {
            "device": {
                "identifiers": [f"{self._owner}__{token(camera)}"],
                "name": camera,
                "manufacturer": "vedette",
                "model": f"camera of {self._topics.node}",
            },
            "origin": {"name": "vedette"},
            "availability": [{"topic": self._topics.available}],
            "availability_mode": "all",
            "components": components,
        }
        platforms = {key: str(body["platform"]) for key, body in components.items()}
        return Device(self.topic(camera), msgspec.json.encode(config), platforms)

    def _components(self, camera: str, plan: Plan) -> Iterator[tuple[str, Json]]:
        yield from self._of_the_camera(camera)
        for label in plan.labels:
            topic = self._topics.count(camera, label)
            yield from self._counted(camera, f"count/{label}", label, topic)
            if self._pictures:
                yield (
                    f"snapshot/{label}",
                    {
                        "platform": "image",
                        "name": f"Last {label}",
                        "image_topic": self._topics.snapshot(camera, label),
                        "content_type": "image/jpeg",
                    },
                )
        for zone, labels in plan.zones.items():
            for label in labels:
                topic = self._topics.zone(camera, zone, label)
                yield from self._counted(camera, f"zone/{zone}/{label}", f"{zone} {label}", topic)
        for line, directions in plan.lines.items():
            for direction in directions:
                yield (
                    f"line/{line}/{direction}",
                    {
                        "platform": "sensor",
                        "name": _sentence(f"{line} {direction}"),
                        "state_topic": self._topics.line(camera, line, direction),
                        "state_class": "total_increasing",
                        "icon": "mdi:counter",
                    },
                )

    def _of_the_camera(self, camera: str) -> Iterator[tuple[str, Json]]:
        status = self._topics.status(camera)
        yield (
            "connectivity",
            {
                "platform": "binary_sensor",
                "name": "Connectivity",
                "device_class": "connectivity",
                "entity_category": "diagnostic",
                "state_topic": status,
                "value_template": f"{{{{ 'ON' if {_STATE_IS_UP} else 'OFF' }}}}",
                "json_attributes_topic": status,
            },
        )
        yield (
            "tampering",
            {
                "platform": "binary_sensor",
                "name": "Tampering",
                "device_class": "problem",
                "entity_category": "diagnostic",
                "state_topic": status,
                "value_template": "{{ 'ON' if value_json.state == 'tampered' else 'OFF' }}",
            },
        )
        if self._commands:
            yield (
                "detect",
                {
                    "platform": "switch",
                    "name": "Detection",
                    "icon": "mdi:motion-sensor",
                    "state_topic": self._topics.detect_state(camera),
                    "command_topic": self._topics.detect_set(camera),
                },
            )

    def _counted(self, camera: str, key: str, name: str, topic: str) -> Iterator[tuple[str, Json]]:
        """Whether one is there, and how many are; not to be had while no pictures come."""
        seen: Json = {
            "state_topic": topic,
            "availability_mode": "all",
            "availability": [
                {"topic": self._topics.available},
                {
                    "topic": self._topics.status(camera),
                    "value_template": f"{{{{ 'online' if {_STATE_IS_UP} else 'offline' }}}}",
                },
            ],
        }
        yield (
            f"{key}/there",
            {
                "platform": "binary_sensor",
                "name": _sentence(name),
                "device_class": "occupancy",
                "value_template": _THERE,
                **seen,
            },
        )
        yield (
            key,
            {
                "platform": "sensor",
                "name": f"{_sentence(name)} count",
                "state_class": "measurement",
                "icon": "mdi:counter",
                **seen,
            },
        )


def token(name: str) -> str:
    """A name as Home Assistant takes it in topics and ids: letters, digits and - stay, every other
    byte of its UTF-8 becomes `_xx`. No two names have one token, nor do two lists of names that
    are joined by `__`.
    """
    return re.sub(
        r"[^A-Za-z0-9-]",
        lambda found: "".join(f"_{byte:02x}" for byte in found[0].encode()),
        name,
    )


def _sentence(name: str) -> str:
    """As people read it."""
    words = re.sub(r"[_-]+", " ", name).strip() or name
    return words[:1].upper() + words[1:]
