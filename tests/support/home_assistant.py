"""What Home Assistant takes of a device, and a client that does with it what Home Assistant does.

FIELDS names, for each place of a device's configuration, the fields that Home Assistant knows
there, by the page or file in which it publishes them.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from tests.support.mosquitto import Seen, Watching
from tests.support.waiting import until

CORE = "home-assistant/core: homeassistant/components/mqtt"
DOCS = "https://www.home-assistant.io/integrations"

_AVAILABILITY = {"availability", "availability_mode", "availability_topic", "availability_template"}
_AVAILABILITY |= {"payload_available", "payload_not_available"}
_ENTITY = _AVAILABILITY | {  # schemas.py: MQTT_ENTITY_COMMON_SCHEMA
    "platform",
    "unique_id",
    "default_entity_id",
    "enabled_by_default",
    "entity_category",
    "entity_picture",
    "icon",
    "json_attributes_topic",
    "json_attributes_template",
}
_READ = {"state_topic", "value_template", "qos", "encoding"}  # config.py: MQTT_RO_SCHEMA

FIELDS: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {
    # place: (source, required, known)
    "root": (
        f"{CORE}/schemas.py: DEVICE_DISCOVERY_SCHEMA; {DOCS}/mqtt/#device-discovery-payload",
        frozenset({"device", "origin", "components"}),
        frozenset(
            _AVAILABILITY
            | {"device", "origin", "components", "state_topic", "command_topic", "qos", "encoding"}
        ),
    ),
    "device": (
        f"{CORE}/schemas.py: MQTT_ENTITY_DEVICE_INFO_SCHEMA",
        frozenset({"identifiers"}),
        frozenset(
            {
                "identifiers",
                "connections",
                "manufacturer",
                "model",
                "model_id",
                "name",
                "hw_version",
            }
            | {"serial_number", "sw_version", "via_device", "suggested_area", "configuration_url"}
        ),
    ),
    "origin": (
        f"{CORE}/schemas.py: MQTT_ORIGIN_INFO_SCHEMA",
        frozenset({"name"}),
        frozenset({"name", "sw_version", "support_url"}),
    ),
    "availability": (
        f"{CORE}/schemas.py: _MQTT_AVAILABILITY_LIST_SCHEMA",
        frozenset({"topic"}),
        frozenset({"topic", "payload_available", "payload_not_available", "value_template"}),
    ),
    "binary_sensor": (
        f"{CORE}/binary_sensor.py: PLATFORM_SCHEMA; {DOCS}/binary_sensor.mqtt/",
        frozenset({"state_topic"}),
        frozenset(
            _ENTITY
            | _READ
            | {"device_class", "expire_after", "force_update", "name", "off_delay"}
            | {"payload_off", "payload_on"}
        ),
    ),
    "sensor": (
        f"{CORE}/sensor.py: _PLATFORM_SCHEMA_BASE; {DOCS}/sensor.mqtt/",
        frozenset({"state_topic"}),
        frozenset(
            _ENTITY
            | _READ
            | {"device_class", "expire_after", "force_update", "last_reset_value_template", "name"}
            | {"options", "suggested_display_precision", "state_class", "unit_of_measurement"}
        ),
    ),
    "switch": (
        f"{CORE}/switch.py: PLATFORM_SCHEMA; {DOCS}/switch.mqtt/",
        frozenset({"command_topic"}),
        frozenset(
            _ENTITY
            | _READ
            | {"command_topic", "command_template", "retain", "name", "optimistic", "payload_off"}
            | {"payload_on", "state_off", "state_on", "device_class"}
        ),
    ),
    "image": (
        f"{CORE}/image.py: PLATFORM_SCHEMA_BASE; {DOCS}/image.mqtt/",
        frozenset({"image_topic"}),
        frozenset(
            _ENTITY
            | {"qos", "encoding", "content_type", "name", "image_topic", "image_encoding"}
            | {"url_template", "url_topic"}
        ),
    ),
}

# Of each platform, as its page lists them.
DEVICE_CLASSES = {
    "binary_sensor": {"occupancy", "connectivity", "problem", "motion", "tamper"},
    "sensor": {"enum", "timestamp", "duration"},
}
STATE_CLASSES = {"measurement", "total", "total_increasing"}  # developers' page Sensor entity
ENTITY_CATEGORIES = {"config", "diagnostic"}

# discovery.py: TOPIC_MATCHER
DISCOVERY_TOPIC = re.compile(r"homeassistant/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")


def faults(config: dict[str, Any]) -> list[str]:
    """What Home Assistant would not take of a device."""
    found = [*_known("root", config), *_known("device", config.get("device", {}))]
    found += _known("origin", config.get("origin", {}))
    found += [
        fault for one in config.get("availability", ()) for fault in _known("availability", one)
    ]
    for key, component in config.get("components", {}).items():
        platform = component.get("platform")
        if platform not in FIELDS:
            found.append(f"{key}: platform {platform}")
            continue
        if component.keys() == {"platform"}:  # takes leave of it
            continue
        found += [f"{key}: {fault}" for fault in _known(platform, component)]
        found += [
            f"{key}: {fault}"
            for one in component.get("availability", ())
            for fault in _known("availability", one)
        ]
        if "unique_id" not in component:  # schemas.py: check_unique_id
            found.append(f"{key}: no unique_id")
        classes = DEVICE_CLASSES.get(platform, set()) | {None}
        if component.get("device_class") not in classes:
            found.append(f"{key}: device_class {component['device_class']}")
        if component.get("state_class") not in STATE_CLASSES | {None}:
            found.append(f"{key}: state_class {component['state_class']}")
        if component.get("entity_category") not in ENTITY_CATEGORIES | {None}:
            found.append(f"{key}: entity_category {component['entity_category']}")
    return found


def _known(place: str, fields: dict[str, Any]) -> list[str]:
    _, required, known = FIELDS[place]
    missing = [f"{place}: {name} is missing" for name in sorted(required - fields.keys())]
    return missing + [f"{place}: {name} is not known" for name in sorted(fields.keys() - known)]


def rendered(template: str | None, payload: str) -> str:
    """What Home Assistant makes of a value, for the few forms of templates that we send."""
    if template is None:
        return payload
    if template == "{{ 'ON' if value | int(0) > 0 else 'OFF' }}":
        return "ON" if payload.isdigit() and int(payload) > 0 else "OFF"
    form = re.fullmatch(
        r"\{\{ '(\w+)' if value_json\.state (in|==) (\(.*?\)|'\w+') else '(\w+)' \}\}", template
    )
    assert form, template
    yes, _, wanted, no = form.groups()
    return yes if json.loads(payload)["state"] in re.findall(r"'(\w+)'", wanted) else no


@dataclass
class Entity:
    """One component, as it stands."""

    config: dict[str, Any]
    defaults: dict[str, Any]
    began_s: float
    state: str | bytes | None = None
    state_after_s: float | None = None
    available: dict[str, bool] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return str(self.config.get("state_topic") or self.config["image_topic"])

    @property
    def availability(self) -> list[dict[str, Any]]:
        return list(self.config.get("availability", self.defaults.get("availability", [])))

    @property
    def is_available(self) -> bool:
        """By availability_mode `all`."""
        return all(self.available.get(_key(one), False) for one in self.availability)


class HomeAssistant:
    """Subscribes to discovery, makes entities of devices, follows their states."""

    def __init__(self, port: int) -> None:
        self.entities: dict[str, Entity] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []
        self._subscribed: set[str] = set()
        self._retained: dict[str, bytes] = {}
        self.watching = Watching(port, ["homeassistant/#"], hear=self._hear)

    def __enter__(self) -> HomeAssistant:
        self.watching.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.watching.__exit__(*error)

    def named(self, *words: str) -> Entity:
        """The one entity whose id holds all these, once it is there."""

        def found() -> list[Entity]:
            known = list(self.entities.items())
            return [entity for name, entity in known if all(word in name for word in words)]

        until(found)
        (one,) = found()
        return one

    def _hear(self, watching: Watching, seen: Seen) -> None:
        if seen.topic.startswith("homeassistant/device/"):
            if not DISCOVERY_TOPIC.fullmatch(seen.topic):
                self.faults.append(f"illegal discovery topic {seen.topic}")
            self._discovered(watching, seen.topic, seen.payload)
            return
        for entity in list(self.entities.values()):
            self._told(entity, seen.topic, seen.payload)

    def _discovered(self, watching: Watching, topic: str, payload: bytes) -> None:
        before = self.devices.pop(topic, {"components": {}})
        if not payload:
            for component in before["components"].values():
                self.entities.pop(component["unique_id"], None)
            return
        config = json.loads(payload)
        self.faults += faults(config)
        kept = dict(before["components"])
        for key, component in config["components"].items():
            if component.keys() == {"platform"}:
                gone = kept.pop(key, None)
                if gone:
                    self.entities.pop(gone["unique_id"], None)
                continue
            kept[key] = component  # what is not named stays, as in Home Assistant
            self._entity(watching, component, config)
        self.devices[topic] = config | {"components": kept}

    def _entity(
        self, watching: Watching, component: dict[str, Any], config: dict[str, Any]
    ) -> None:
        known = self.entities.get(component["unique_id"])
        if known is not None and known.config == component:
            return
        entity = Entity(component, config, time.monotonic())
        self.entities[component["unique_id"]] = entity
        topics = {entity.topic, *(one["topic"] for one in entity.availability)}
        for topic in topics:
            if topic in self._retained:
                self._told(entity, topic, self._retained[topic])
        for topic in topics - self._subscribed:
            self._subscribed.add(topic)
            watching.subscribe(topic)

    def _told(self, entity: Entity, topic: str, payload: bytes) -> None:
        self._retained[topic] = payload
        if topic == entity.topic and payload:
            platform = entity.config["platform"]
            template = entity.config.get("value_template")
            entity.state = payload if platform == "image" else rendered(template, payload.decode())
            entity.state_after_s = entity.state_after_s or time.monotonic() - entity.began_s
        for one in entity.availability:
            if one["topic"] == topic and payload:
                value = rendered(one.get("value_template"), payload.decode())
                entity.available[_key(one)] = value == one.get("payload_available", "online")


def _key(availability: dict[str, Any]) -> str:
    return f"{availability['topic']} {availability.get('value_template', '')}"
