"""Whatever the file holds, loading it ends soon, with a configuration or with faults."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError, Fault
from config.loader import load

MOST_CPU_S = 30.0  # a second or two when nobody measures coverage; what is quadratic takes minutes

WORDS = st.sampled_from(
    [
        *("version", "cameras", "defaults", "a", "b", "url", "detect", "fps", "roi", "objects"),
        *("sinks", "zeromq", "bind", "http", "listen", "reconnect", "min_s", "rtsp://h/", "file:x"),
        *("1", "0.5", "-3", ".inf", "null", "true", "no", "${X}", "${Y:-1}", "$", "tcp://*:1", ""),
    ]
)
VALUES = st.recursive(
    WORDS | st.floats().map(str) | st.integers().map(str) | st.text(max_size=5).map(repr),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(WORDS, inner, max_size=4).map(
            lambda entries: "{" + ", ".join(f"{key}: {entries[key]}" for key in entries) + "}"
        )
    ),
    max_leaves=20,
)
SECTIONS = st.sampled_from(
    ["model", "batching", "defaults", "cameras", "sinks", "http", "log", "cameras:\n  a", "x"]
)
FILES = st.lists(st.tuples(SECTIONS, VALUES), max_size=6).map(
    lambda parts: "version: 1\n" + "".join(f"{name}: {value}\n" for name, value in parts)
)
YAML_PIECES = st.lists(
    st.sampled_from(
        [
            *"{}[]&*!|>%@`\"'#:-?,\n\t$~<",
            "  ",
            "a",
            "1",
            ": ",
            "- ",
            "---\n",
            "<<: ",
            "\\x",
            "...\n",
        ]
    ),
    max_size=60,
).map("".join)


def load_or_faults(content: bytes) -> None:
    """Anything but these two outcomes, or a fault without a place, fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.yaml")
        path.write_bytes(content)
        started_s = time.process_time()
        faults: tuple[Fault, ...] | None = None
        try:
            load(path, {"X": "rtsp://u:p@h/", "Z": "5"})
        except ConfigError as exc:
            faults = exc.faults
        assert time.process_time() - started_s < MOST_CPU_S
    if faults is not None:
        lines = content.count(b"\n") + content.count(b"\r") + 1
        places = [(fault.line, fault.column) for fault in faults]
        assert places
        assert places == sorted(places)
        assert 0 <= places[0][0] <= places[-1][0] <= lines + 1
        assert all(fault.message and str(fault).isprintable() for fault in faults)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=150)
def test_random_bytes(content: bytes) -> None:
    load_or_faults(content)


@given(YAML_PIECES)
@settings(deadline=None, max_examples=300)
def test_random_pieces_of_yaml(text: str) -> None:
    load_or_faults(text.encode())


@given(FILES)
@settings(deadline=None, max_examples=300)
def test_random_files_of_the_right_shape(text: str) -> None:
    load_or_faults(text.encode(errors="replace"))


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "&a ",
        "!a ",
        "a:\n",
        "'",
        "${",
        "#",
        "\\",
        "x ",
        "- a\n",
        "|\n",
        "1,",
    ],
)
def test_a_megabyte_of_anything_ends_in_time(unit: str) -> None:
    load_or_faults(("a: [" + unit * (990_000 // len(unit))).encode())
