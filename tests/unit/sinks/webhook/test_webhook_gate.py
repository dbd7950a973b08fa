"""Which events pass: rules, what must last, cooldowns that begin with what passed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from config.webhook import HookRule
from sinks.messages import EventMessage
from sinks.webhook import gate as gates
from sinks.webhook.gate import Gate
from tests.support import messages


def event(about: str = "object", phase: str = "new", **fields: Any) -> EventMessage:
    fields = {"duration_s": 0.2} | fields
    message = messages.event(about=about, phase=phase, **fields).message
    assert isinstance(message, EventMessage)
    return message


def gate(*rules: dict[str, Any], usual_s: float = 0.0) -> Gate:
    given = [HookRule.model_validate(rule) for rule in rules or ({},)]
    return Gate(given, usual_cooldown_s=usual_s)


def passes(rule: dict[str, Any], one: EventMessage) -> bool:
    return gate(rule).look(one, 100.0) == [one]


def test_a_rule_without_wishes_lets_each_object_pass_once() -> None:
    lives = [event(phase=phase) for phase in ("new", "update", "end")]
    assert [passes({}, one) for one in lives] == [True, False, False]
    assert not passes({}, event("zone", "entered", zone="yard"))


@pytest.mark.parametrize(
    ("rule", "fits", "differs"),
    [
        ({"cameras": ["gate"]}, event(), event(camera="yard")),
        ({"labels": ["person"]}, event(), event(label="car")),
        (
            {"zones": ["drive"]},
            event("zone", "entered", zone="drive"),
            event("zone", "entered", zone="lawn"),
        ),
        ({"zones": ["drive"], "events": ["object.new"]}, event(zones=("drive",)), event()),
        ({"events": ["object.end"]}, event(phase="end"), event()),
        (
            {"events": ["line.crossed"]},
            event("line", "crossed", line="door", direction="in"),
            event(),
        ),
        (
            {"events": ["object.end"], "min_duration_s": 5},
            event(phase="end", duration_s=5.0),
            event(phase="end", duration_s=4.9),
        ),
    ],
)
def test_each_wish_keeps_out_what_differs(
    rule: dict[str, Any], fits: EventMessage, differs: EventMessage
) -> None:
    assert passes(rule, fits)
    assert not passes(rule, differs)


def test_zones_alone_mean_that_one_was_entered() -> None:
    assert not passes({"zones": ["drive"]}, event(zones=("drive",)))
    assert not passes({"zones": ["drive"]}, event("zone", "left", zone="drive"))


def test_an_event_is_posted_once_however_many_rules_it_passes() -> None:
    both = gate({"labels": ["person"]}, {"cameras": ["gate"]})
    assert len(both.look(event(), 100.0)) == 1


def test_a_cooldown_begins_with_what_passed_and_holds_for_its_camera() -> None:
    of = gate({"labels": ["person"], "cooldown_s": 60})
    assert of.look(event(label="car"), 90.0) == [], "what is filtered keeps nobody quiet"
    assert len(of.look(event(seq=2), 100.0)) == 1
    assert of.look(event(seq=3), 159.9) == []
    assert len(of.look(event(camera="yard"), 159.9)) == 1
    assert len(of.look(event(seq=4), 160.0)) == 1, "counted from the one that passed"


def test_where_a_rule_says_no_cooldown_the_usual_one_holds() -> None:
    of = gate({}, usual_s=60.0)
    assert [len(of.look(event(seq=n), 100.0 + n)) for n in range(3)] == [1, 0, 0]
    none = gate({"cooldown_s": 0}, usual_s=60.0)
    assert [len(none.look(event(seq=n), 100.0 + n)) for n in range(3)] == [1, 1, 1]


def test_a_schedule_keeps_out_what_comes_at_another_time_and_begins_no_cooldown() -> None:
    local = time.localtime(messages.event().message.at_ns / 1e9)
    hour = f"{local.tm_hour:02d}:00"
    later = f"{(local.tm_hour + 1) % 24:02d}:00"
    now = {"from": hour, "until": later}
    not_now = {"from": later, "until": hour}
    assert passes({"schedule": [now]}, event())
    assert not passes({"schedule": [not_now]}, event())
    of = gate({"schedule": [not_now], "cooldown_s": 60}, {"schedule": [now], "cooldown_s": 60})
    assert len(of.look(event(), 100.0)) == 1


def test_an_object_that_must_last_is_waited_for() -> None:
    of = gate({"min_duration_s": 5})
    assert of.look(event(duration_s=0.2), 100.0) == []
    assert of.pass_time(104.7) == []
    (told,) = of.pass_time(104.8)
    assert (told.phase, told.duration_s, told.event_seq) == ("new", 5.0, 1)
    assert told.at_ns == told.since_ns + 5_000_000_000
    assert of.pass_time(200.0) == [], "told once"


def test_an_object_that_goes_before_its_time_is_not_told() -> None:
    of = gate({"min_duration_s": 5})
    of.look(event(), 100.0)
    assert of.look(event(phase="end", seq=2), 103.0) == []
    assert of.pass_time(200.0) == []


def test_who_leaves_the_zone_before_its_time_is_not_told_and_another_zone_is() -> None:
    of = gate({"zones": ["drive", "lawn"], "min_duration_s": 5})
    of.look(event("zone", "entered", zone="drive"), 100.0)
    of.look(event("zone", "entered", zone="lawn", seq=2), 100.0)
    of.look(event("zone", "left", zone="drive", seq=3), 102.0)
    assert [one.zone for one in of.pass_time(200.0)] == ["lawn"]


def test_what_is_waited_for_says_what_is_known_of_it_by_then() -> None:
    of = gate({"min_duration_s": 5})
    of.look(event(label="car"), 100.0)
    of.look(event(label="truck", phase="update", stationary=True, seq=2), 102.0)
    (told,) = of.pass_time(200.0)
    assert (told.label, told.stationary, told.event_seq) == ("truck", True, 1)


def test_what_has_lasted_passes_before_the_event_that_comes() -> None:
    of = gate({"min_duration_s": 5})
    of.look(event(), 100.0)
    assert [one.track for one in of.look(event(phase="end"), 110.0)] == [42]


def test_what_is_waited_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MOST_AWAITED", 2)
    of = gate({"min_duration_s": 5, "cooldown_s": 0})
    for n in range(3):
        of.look(event(id=f"object-{n}", seq=n + 1), 100.0)
    assert [one.id for one in of.pass_time(100.0)] == ["object-0"]
