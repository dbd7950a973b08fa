"""Which events are posted: rules, what is waited for, cooldowns. Pure, and told the time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from config.webhook import HookRule
from sinks.messages import EventMessage
from sinks.webhook.schedule import is_time, window_of

MOST_AWAITED = 4096  # of a rule; beyond it the oldest is told before its time
_AWAITED = ("object.new", "zone.entered")

_Story = tuple[str, str]  # id of the object, zone or ''


@dataclass(frozen=True, slots=True)
class _Awaited:
    event: EventMessage
    due_s: float  # monotonic


class _Rule:
    """One rule, and what it remembers."""

    def __init__(self, config: HookRule, usual_cooldown_s: float) -> None:
        self._config = config
        self._cameras = None if config.cameras is None else frozenset(config.cameras)
        self._labels = None if config.labels is None else frozenset(config.labels)
        self._zones = None if config.zones is None else frozenset(config.zones)
        self._wanted = config.wanted
        self._windows = None
        if config.schedule is not None:
            self._windows = [window_of(schedule) for schedule in config.schedule]
        given = config.cooldown_s
        self._cooldown_s = usual_cooldown_s if given is None else given
        self._quiet_until_s: dict[str, float] = {}  # by camera
        self._awaited: OrderedDict[_Story, _Awaited] = OrderedDict()

    @property
    def waits(self) -> bool:
        return bool(self._awaited)

    def look(self, event: EventMessage, now_s: float) -> EventMessage | None:
        """The event if it passes now; it may be waited for instead."""
        self._follow(event)
        if not self._matches(event):
            return None
        missing_s = self._config.min_duration_s - event.duration_s
        if missing_s <= 0:
            return event if self._opens(event, now_s) else None
        if f"{event.event}.{event.phase}" in _AWAITED:
            self._awaited[_story(event)] = _Awaited(event, now_s + missing_s)
        return None

    def ripe(self, now_s: float) -> Iterator[EventMessage]:
        """Those that were waited for and pass now."""
        too_many = len(self._awaited) - MOST_AWAITED
        due = [
            story
            for n, (story, awaited) in enumerate(self._awaited.items())
            if awaited.due_s <= now_s or n < too_many
        ]
        for story in due:
            event = _grown(self._awaited.pop(story).event, self._config.min_duration_s)
            if self._opens(event, now_s):
                yield event

    def _follow(self, event: EventMessage) -> None:
        """What is waited for goes on, or is over before its time."""
        if not self._awaited:
            return
        over = event.phase in ("end", "left")
        for story in [story for story in self._awaited if story[0] == event.id]:
            is_its_zone = event.event == "zone" and story[1] == event.zone
            if over and (event.event == "object" or is_its_zone):
                del self._awaited[story]
            elif event.phase == "update":
                before = self._awaited[story]
                self._awaited[story] = _Awaited(_renewed(before.event, event), before.due_s)

    def _matches(self, event: EventMessage) -> bool:
        if f"{event.event}.{event.phase}" not in self._wanted:
            return False
        if self._cameras is not None and event.camera not in self._cameras:
            return False
        if self._labels is not None and event.label not in self._labels:
            return False
        if self._zones is None:
            return True
        if event.zone is not UNSET:
            return event.zone in self._zones
        return not self._zones.isdisjoint(event.zones)

    def _opens(self, event: EventMessage, now_s: float) -> bool:
        """Whether it is the time for it; then the cooldown begins."""
        if not is_time(self._windows, event.at_ns):
            return False
        if now_s < self._quiet_until_s.get(event.camera, -math.inf):
            return False
        self._quiet_until_s[event.camera] = now_s + self._cooldown_s
        return True


class Gate:
    """What passes one of the rules. An event that several let pass is posted once, and the cooldown
    of each of them begins. One thread at a time.
    """

    def __init__(self, rules: Sequence[HookRule], *, usual_cooldown_s: float) -> None:
        self._rules = [_Rule(rule, usual_cooldown_s) for rule in rules]

    def look(self, event: EventMessage, now_s: float) -> list[EventMessage]:
        """Call for every event, in order: those that are to be posted now."""
        passed = list(self.pass_time(now_s))
        verdicts = [rule.look(event, now_s) is not None for rule in self._rules]
        return [*passed, event] if any(verdicts) else passed

    def pass_time(self, now_s: float) -> list[EventMessage]:
        """What has lasted long enough by now; call it once a second or more often."""
        ripe: dict[tuple[str, int], EventMessage] = {}
        for rule in self._rules:
            if rule.waits:
                for event in rule.ripe(now_s):
                    ripe.setdefault((event.camera, event.event_seq), event)
        return list(ripe.values())


def _story(event: EventMessage) -> _Story:
    return event.id, event.zone if event.zone is not UNSET else ""


def _renewed(event: EventMessage, update: EventMessage) -> EventMessage:
    """The event with what is known of its object by now."""
    return replace(
        event,
        label=update.label,
        score=update.score,
        box=update.box,
        best=update.best,
        zones=update.zones,
        stationary=update.stationary,
    )


def _grown(event: EventMessage, duration_s: float) -> EventMessage:
    """The event as of the moment when it had lasted so long."""
    return replace(event, duration_s=duration_s, at_ns=event.since_ns + int(duration_s * 1e9))
