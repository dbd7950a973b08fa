"""What a webhook may be, and what is wrong with one that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.webhook import HookRule
from tests.support.config_files import faults_of, load_text

HEAD = """\
version: 1
cameras:
  gate:
    url: rtsp://10.0.0.5/live
    zones: {drive: {area: [[0, 0], [1, 0], [1, 1]]}}
  yard: {url: rtsp://10.0.0.6/live, tracking: {enabled: false}}
sinks:
  webhook:
    phone:
"""


def hook(lines: str) -> str:
    return HEAD + "".join(f"      {line}\n" for line in lines.splitlines())


def test_the_least_that_must_be_said(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, hook("url: https://example.org/hook"))
    phone = loaded.config.sinks.webhook["phone"]
    assert (phone.format, phone.picture, phone.queue) == ("json", False, 100)
    assert [rule.wanted for rule in phone.rules] == [{"object.new"}]


def test_what_a_rule_wants_follows_from_its_zones_unless_it_says_so() -> None:
    assert HookRule(zones=["drive"]).wanted == {"zone.entered"}
    assert HookRule(zones=["drive"], events=["object.end"]).wanted == {"object.end"}


def test_all_of_it(tmp_path: Path) -> None:
    text = hook(
        """\
url: http://10.0.0.9:8080/message
format: gotify
credential: gotify_token
allow_plaintext: true
priority: 8
link: https://cameras.example.org/
rules:
  - cameras: [gate]
    labels: [person]
    zones: [drive]
    events: [zone.entered, zone.loitering]
    min_duration_s: 5
    cooldown_s: 120
    schedule:
      - {days: [sat, sun]}
      - {from: "22:00", until: "06:00"}"""
    )
    phone = load_text(tmp_path, text).config.sinks.webhook["phone"]
    assert phone.rules[0].schedule is not None
    assert [(one.start, one.until) for one in phone.rules[0].schedule] == [
        ("00:00", "24:00"),
        ("22:00", "06:00"),
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("url: ftp://example.org/", "must be an address as in https://"),
        ("url: https://user:pass@example.org/", "must not hold a user, password or token"),
        ("url: https://example.org/?token=abc", "must not hold a user, password or token"),
        ("url: https://example.org/{token}", "has a place for a token: say which credential"),
        ("url: https://{token}.example.org/\ncredential: x", "behind the host only"),
        ("url: https://example.org/{user}", "must not hold #, { or }"),
        ("url: https://example.org/a b", "without spaces"),
        ("url: http://169.254.169.254/latest", "must not name a cloud metadata address"),
        ("url: http://169.254.1.1/", "say allow_link_local: true"),
        ("url: https://[::1/", "is not a valid URL"),
        ("url: https://example.org:0/", "must be an address"),
        ("url: http://10.0.0.9/\ncredential: x", "sent unencrypted"),
        ("url: https://e.org/\nformat: ntfy\nsecret: x", "signs json"),
        ("url: https://e.org/\nformat: slack\npicture: true", "is for json and ntfy"),
        ("url: https://e.org/message\nformat: gotify", "needs the token of its application"),
        ("url: https://e.org/\nformat: ntfy\npriority: 6", "must be 1 to 5"),
        ("url: https://e.org/\npriority: 3", "is for ntfy and gotify"),
        ("url: https://e.org/\nformat: nfty", "did you mean `ntfy`?"),
        ("url: https://e.org/\nrules: [{cameras: [gat]}]", "did you mean `gate`?"),
        ("url: https://e.org/\nrules: [{zones: [driv]}]", "did you mean `drive`?"),
        ("url: https://e.org/\nrules: [{cameras: [yard]}]", "needs tracking"),
        ("url: https://e.org/\nrules: []", "at least 1 entry"),
        (
            'url: https://e.org/\nrules: [{schedule: [{from: "25:00"}]}]',
            "must be a time of day in quotes",
        ),
        (
            'url: https://e.org/\nrules: [{schedule: [{from: "08:00", until: "08:00"}]}]',
            "must differ from `until`",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, lines: str, words: str) -> None:
    (fault, *more) = faults_of(tmp_path, hook(lines))
    assert words in fault
    assert not more


def test_a_plain_credential_may_stay_on_this_machine(tmp_path: Path) -> None:
    load_text(tmp_path, hook("url: http://127.0.0.1:8080/\ncredential: x"))


def test_a_label_that_the_model_does_not_have_is_named(tmp_path: Path) -> None:
    from daemon.reload.labels import label_faults

    loaded = load_text(tmp_path, hook("url: https://e.org/\nrules: [{labels: [persn]}]"))
    (fault,) = label_faults(loaded, ("person", "car"))
    assert "did you mean person?" in str(fault)
    assert "sinks.webhook.phone.rules[0].labels[0]" in str(fault)
