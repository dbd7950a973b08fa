"""Messages become topics: states that are kept, events that pass the gate. One thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec

from config.camera import CameraConfig
from config.mqtt import MqttConfig
from sinks.highlights import Highlight
from sinks.messages import (
    CountMessage,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    Kind,
    Message,
    StatusMessage,
)
from sinks.mqtt.gate import EventGate
from sinks.mqtt.home_assistant import Devices
from sinks.mqtt.outgoing import Outgoing, Post
from sinks.mqtt.plan import Plan
from sinks.mqtt.topics import Topics

_encode = msgspec.json.Encoder().encode


class Scribe:
    """`use` says which cameras there are; messages of others are not written."""

    def __init__(
        self,
        config: MqttConfig,
        topics: Topics,
        outgoing: Outgoing,
        now_s: Callable[[], float],
    ) -> None:
        self._config = config
        self._topics = topics
        self._outgoing = outgoing
        self._now_s = now_s
        self._plans: dict[str, Plan] = {}
        self._counted: dict[str, set[str]] = {}  # topics that show numbers of objects, by camera
        self.commands: Mapping[str, str] = {}  # cameras by the topics of their commands; any thread
        self.gate = EventGate(config.events)
        self.devices: Devices | None = None
        if config.home_assistant is not None:
            prefix = config.home_assistant.discovery_prefix
            self.devices = Devices(
                topics, prefix, commands=config.commands, pictures=config.snapshots is not None
            )

    def use(self, cameras: Mapping[str, CameraConfig]) -> None:
        """From now on these. What belongs to others, or to labels, zones and lines that are gone,
        is forgotten.
        """
        plans = {name: Plan.of(camera, self._config.labels) for name, camera in cameras.items()}
        for name in self._plans.keys() - plans.keys():
            del self._counted[name]
            self._outgoing.forget(self._outgoing.kept(self._topics.camera(name)))
            if self.devices is not None:
                self._outgoing.forget([self.devices.topic(name)])
        for name, plan in plans.items():
            if self._plans.get(name) != plan:
                self._begin(name, plan)
        self._plans = plans
        self.commands = {self._topics.detect_set(name): name for name in plans}

    def write(self, message: Message) -> bool:
        """True where it went into the states that are kept; otherwise it is sent later, or held."""
        if isinstance(message, HeartbeatMessage) or message.camera not in self._plans:
            return True
        if isinstance(message, EventMessage):
            if self.gate.passes(message, self._now_s()):
                topic = self._topics.event(message.camera)
                self._outgoing.mail(Post(topic, _encode(message), qos=1, kind=Kind.EVENT))
            return False
        if isinstance(message, DetectionMessage):
            topic = self._topics.detections(message.camera)
            self._outgoing.mail(Post(topic, _encode(message), kind=Kind.DETECTION))
            return False
        if isinstance(message, StatusMessage):
            self._write_status(message)
        elif isinstance(message, CountMessage):
            for topic, number in self._numbers(message):
                self._outgoing.keep(topic, b"%d" % number)
        return True

    def picture(self, picture: Highlight) -> None:
        """The best one so far of an object."""
        if picture.camera in self._plans:
            topic = self._topics.snapshot(picture.camera, picture.label)
            self._outgoing.keep(topic, picture.jpeg)

    def _begin(self, camera: str, plan: Plan) -> None:
        planned = set(self._planned(camera, plan))
        pictures = {self._topics.snapshot(camera, label) for label in plan.labels}
        base, wanted = self._topics.camera(camera), planned | pictures
        known = self._outgoing.kept(
            tuple(f"{base}{kind}/" for kind in ("count", "zone", "line", "snapshot"))
        )
        self._outgoing.forget(topic for topic in known if topic not in wanted)
        if self._config.snapshots is not None:
            self._outgoing.adopt(pictures)
        for topic in sorted(planned):
            self._outgoing.keep_first(topic, b"0")
        self._counted[camera] = set(self._planned(camera, replace(plan, lines={})))
        if self.devices is not None:
            device = self.devices.device(camera, plan)
            self._outgoing.keep_device(device.topic, device.payload, device.platforms)

    def _planned(self, camera: str, plan: Plan) -> Iterator[str]:
        topics = self._topics
        yield from (topics.count(camera, label) for label in plan.labels)
        for zone, labels in plan.zones.items():
            yield from (topics.zone(camera, zone, label) for label in labels)
        for line, directions in plan.lines.items():
            yield from (topics.line(camera, line, direction) for direction in directions)

    def _write_status(self, status: StatusMessage) -> None:
        self._outgoing.keep(self._topics.status(status.camera), _encode(status))
        if self._config.commands:
            topic = self._topics.detect_state(status.camera)
            self._outgoing.keep(topic, b"OFF" if status.state == "disabled" else b"ON")

    def _numbers(self, counts: CountMessage) -> Iterator[tuple[str, int]]:
        """Every topic of the camera's numbers: a label that is in the message no more has 0."""
        topics, camera = self._topics, counts.camera
        found = {topics.count(camera, label): n for label, n in counts.present.items()}
        for zone, labels in counts.zones.items():
            found |= {topics.zone(camera, zone, label): n for label, n in labels.items()}
        known = self._counted[camera]
        known.update(found)
        yield from ((topic, found.get(topic, 0)) for topic in known)
        for line, labels_of in counts.lines.items():
            crossed: Counter[str] = Counter()
            for directions in labels_of.values():
                crossed.update(directions)
            yield from ((topics.line(camera, line, way), n) for way, n in crossed.items())
