"""Which events are told: those of the labels asked for, not too often. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET

from config.mqtt import MqttEventsConfig
from sinks.messages import EventMessage

MOST_STORIES = 4096
_BEGINNINGS = ("new", "entered", "crossed")
_ENDS = ("end", "left", "crossed")

_Story = tuple[str, str, str]  # id of the object, what it is about, where


class Held(StrEnum):
    """Why an event was not told."""

    LABEL = "label"
    COOLDOWN = "cooldown"
    UPDATE = "update"  # too soon after the one before


@dataclass(slots=True)
class _Told:
    hushed: bool
    last_s: float


class EventGate:
    """One thread.

    What an object does is a story with a beginning: an object that came, entered a zone, crossed a
    line. Stories are told or hushed as a whole. The cooldown starts with a story that is told, so
    one that another rule holds back keeps nobody quiet.
    """

    def __init__(self, config: MqttEventsConfig) -> None:
        self._config = config
        self._labels = None if config.labels is None else frozenset(config.labels)
        self._stories: OrderedDict[_Story, _Told] = OrderedDict()
        self._quiet_until_s: dict[tuple[str, ...], float] = {}
        self._held: Counter[Held] = Counter()

    @property
    def held(self) -> Mapping[Held, int]:
        """How many were not told, by reason."""
        return {reason: self._held[reason] for reason in Held}

    def passes(self, event: EventMessage, now_s: float) -> bool:
        """Call for every event, in order."""
        held = self._verdict(event, now_s)
        if held is not None:
            self._held[held] += 1
        return held is None

    def _verdict(self, event: EventMessage, now_s: float) -> Held | None:
        key = (event.id, event.event, _place(event))
        story = self._stories.get(key)
        if story is None:
            if self._labels is not None and event.label not in self._labels:
                return Held.LABEL
            story = self._begun(key, event, now_s)
        elif event.phase == "update" and not story.hushed:
            if now_s < story.last_s + self._config.update_every_s:
                return Held.UPDATE
            story.last_s = now_s
        if event.phase in _ENDS:
            del self._stories[key]
        return Held.COOLDOWN if story.hushed else None

    def _begun(self, key: _Story, event: EventMessage, now_s: float) -> _Told:
        hushed = False
        if self._config.cooldown_s and event.phase in _BEGINNINGS:
            direction = event.direction if event.direction is not UNSET else ""
            quiet = (event.camera, event.event, event.label, _place(event), direction)
            hushed = now_s < self._quiet_until_s.get(quiet, 0.0)
            if not hushed:
                self._quiet_until_s[quiet] = now_s + self._config.cooldown_s
                self._prune(now_s)
        story = self._stories[key] = _Told(hushed, now_s)
        if len(self._stories) > MOST_STORIES:
            self._stories.popitem(last=False)
        return story

    def _prune(self, now_s: float) -> None:
        if len(self._quiet_until_s) > MOST_STORIES:
            self._quiet_until_s = {
                key: until_s for key, until_s in self._quiet_until_s.items() if until_s > now_s
            }


def _place(event: EventMessage) -> str:
    """The zone or the line that it is about."""
    if event.event == "zone":
        return str(event.zone)
    return str(event.line) if event.event == "line" else ""
