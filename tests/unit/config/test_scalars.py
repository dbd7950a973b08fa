"""Unquoted words mean what YAML 1.2 says; `${NAME}` is text, or a number where it stands alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from config.scalars import ExpansionError, expand, resolve
from tests.support.config_files import faults_of, load_text


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("tRue", "tRue"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("-7", -7),
        ("+7", 7),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.e-3", 0.001),
        ("1e309", math.inf),
        ("-.inf", -math.inf),
        ("2026-11-22", "2026-11-22"),
        ("=", "="),
        ("1280x720", "1280x720"),
    ],
)
def test_plain_word(word: str, value: object) -> None:
    found = resolve(word)
    assert (type(found), found) == (type(value), value)


def test_not_a_number() -> None:
    assert math.isnan(float(resolve(".NaN") or 0))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ("${A}", "1"),
        ("${A}${A}", "11"),
        ("x${A}y", "x1y"),
        ("${NONE:-b c}", "b c"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "1"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("${NESTED}", "${A}"),
    ],
)
def test_expansion(text: str, value: str) -> None:
    assert expand(text, {"A": "1", "EMPTY": "", "NESTED": "${A}"}) == value


@pytest.mark.parametrize("text", ["$", "$HOME", "${}", "${A", "${A-b}", "${1}", "${A b}", "a $ b"])
def test_lone_dollar_is_refused(text: str) -> None:
    with pytest.raises(ExpansionError, match="lone"):
        expand(text, {"A": "1", "HOME": "x"})


def test_unset_variable_is_named() -> None:
    with pytest.raises(ExpansionError, match="variable GATE_HOST, which is not set"):
        expand("rtsp://${GATE_HOST}/", {})


HEAD = "version: 1\ncameras:\n  a:\n"


def test_variable_alone_may_be_a_number(tmp_path: Path) -> None:
    text = (
        HEAD
        + "    url: rtsp://${HOST}/\n    detect:\n      fps: ${FPS}\n    enabled: ${ON:-false}\n"
    )
    camera = load_text(tmp_path, text, {"HOST": "10.0.0.5", "FPS": "7.5"}).config.cameras["a"]
    assert (camera.url, camera.detect.fps, camera.enabled) == ("rtsp://10.0.0.5/", 7.5, False)


def test_variable_in_quotes_or_beside_text_stays_a_text(tmp_path: Path) -> None:
    text = HEAD + "    url: file:x\n    priority: '${N}'\n    detect:\n      fps: 1${N}\n"
    assert faults_of(tmp_path, text, {"N": "5"}) == [
        "5:15: cameras.a.priority: must be a whole number (without quotes)",
        "7:12: cameras.a.detect.fps: must be a number (without quotes)",
    ]


def test_value_of_a_variable_is_never_read_as_yaml(tmp_path: Path) -> None:
    text = HEAD + '    url: file:x\n    objects:\n      labels:\n        - "${X}"\n        - ${X}\n'
    value = "a, b]}: {c: *d #"
    reported = load_text(tmp_path, text, {"X": value}).config.cameras["a"].objects.labels
    assert reported == [value, value]


def test_value_of_a_variable_is_never_repeated(tmp_path: Path) -> None:
    text = HEAD + "    url: rtsp://${LOGIN}@h/\n    transport: ${LOGIN}\n    priority: ${BAD}\n"
    faults = faults_of(tmp_path, text, {"LOGIN": "admin:hunter2", "BAD": "hunter2\n\x1b"})
    assert [fault.split(":")[0] for fault in faults] == ["4", "5", "6"]
    assert "hunter2" not in "".join(faults)


def test_variable_inside_brackets_needs_quotes_and_is_told_so(tmp_path: Path) -> None:
    text = HEAD + "    url: file:x\n    objects: {labels: [${X}]}\n"
    assert faults_of(tmp_path, text, {"X": "car"})[0] == (
        "5:24: cameras.a.objects.labels[0]: has a lone $: a variable is ${NAME}, in quotes inside"
        " { } or [ ]; a dollar is $$"
    )
    gate = load_text(tmp_path, text.replace("${X}", "'${X}'"), {"X": "car"}).config.cameras["a"]
    assert gate.objects.labels == ["car"]


def test_keys_are_not_expanded(tmp_path: Path) -> None:
    text = "version: 1\ncameras:\n  ${A}: {url: 'file:x'}\n"
    assert faults_of(tmp_path, text, {"A": "a"})[0].startswith("3:3: cameras.‹key›: may hold only")
