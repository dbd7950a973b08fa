"""YAML that we do not accept: every place of it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import faults_of, load_text

HEAD = "version: 1\n"
CAMERAS = "cameras: {a: {url: 'rtsp://h/'}}\n"
CAMERA = HEAD + "cameras:\n  a:\n    url: rtsp://h/\n"

CASES = {
    "tab as indentation": (HEAD + "cameras:\n\ta: {}\n", ["3:1: a tab stands here: use spaces"]),
    "tab after a colon": ("version:\t1\n" + CAMERAS, ["1:9: a tab stands here: use spaces"]),
    "tab in a text": (
        CAMERA + "    credential: 'a\tb'\n",
        ["5:17: cameras.a.credential: holds a line break or an invisible character"],
    ),
    "2000 brackets": (
        HEAD + "cameras: " + "[" * 2000 + "\n",
        ["2:41: the file is nested deeper than 32 levels"],
    ),
    "40 closed brackets": (
        HEAD + "cameras: " + "[" * 40 + "]" * 40 + "\n",
        ["2:41: the file is nested deeper than 32 levels"],
    ),
    "alias": (
        HEAD + "cameras:\n  a: &x {url: 'rtsp://h/'}\n  b: *x\n",
        [
            "3:6: cameras.a: anchors (&name) are not allowed",
            "4:6: cameras.b: aliases (*name) are not allowed: write the value out",
        ],
    ),
    "alias bomb": (
        CAMERA + "    objects: &a\n      labels: &b [x, x]\n    file: {loop: [*a, *b]}\n",
        [
            "5:14: cameras.a.objects: anchors (&name) are not allowed",
            "6:15: cameras.a.objects.labels: anchors (&name) are not allowed",
            "7:18: cameras.a.file.loop: must be true or false",
            "7:19: cameras.a.file.loop[0]: aliases (*name) are not allowed: write the value out",
            "7:23: cameras.a.file.loop[1]: aliases (*name) are not allowed: write the value out",
        ],
    ),
    "merge key": (
        HEAD + "cameras:\n  a:\n    <<: {url: 'rtsp://h/'}\n",
        ["4:5: cameras.a: merge keys (<<) are not allowed: use `defaults`"],
    ),
    "camera twice": (
        HEAD + "cameras:\n  a: {url: 'rtsp://h/'}\n  a: {url: 'rtsp://i/'}\n",
        ["4:3: cameras.a: is given twice (first in line 3)"],
    ),
    "key twice": (
        CAMERA + "    detect:\n      fps: 1\n      fps: 2\n",
        ["7:7: cameras.a.detect.fps: is given twice (first in line 6)"],
    ),
    "key twice, second one a section": (
        CAMERA + "    detect: {fps: 1}\n    detect:\n      fps: [{}]\n    priority: 0\n",
        [
            "6:5: cameras.a.detect: is given twice (first in line 5)",
            "8:15: cameras.a.priority: must be between 1 and 100",
        ],
    ),
    "two documents": (
        HEAD + CAMERAS + "---\nversion: 1\n",
        ["3:1: a second document begins here: only one is allowed"],
    ),
    "tag": ("version: !!str 1\n" + CAMERAS, ["1:10: version: tags (!name) are not allowed"]),
    "bare tag": ("version: ! 1\n" + CAMERAS, ["1:10: version: tags (!name) are not allowed"]),
    "python tag": (
        HEAD + "cameras: !!python/object/apply:os.system ['id']\n",
        ["2:10: cameras: tags (!name) are not allowed"],
    ),
    "list as key": (HEAD + CAMERAS + "? [a, b]\n: 1\n", ["3:3: a key must be a plain word"]),
    "anchor on a key": (HEAD + CAMERAS + "&k log: {}\n", ["3:1: a key must be a plain word"]),
    "line break in a name": (
        HEAD + 'cameras:\n  b: {url: "rtsp://h/"}\n  "a\\nb": {url: "rtsp://h/"}\n',
        ["4:3: cameras: a key is empty or holds an invisible character"],
    ),
    "empty name": (
        HEAD + 'cameras:\n  b: {url: "rtsp://h/"}\n  "": {url: "rtsp://h/"}\n',
        ["4:3: cameras: a key is empty or holds an invisible character"],
    ),
    "NUL as an escape": (
        CAMERA + '    credential: "a\\0b"\n',
        ["5:17: cameras.a.credential: holds a line break or an invisible character"],
    ),
    "half a surrogate pair": (
        CAMERA + '    credential: "\\ud800"\n',
        ["5:17: cameras.a.credential: holds a line break or an invisible character"],
    ),
    "escape beyond Unicode": (
        CAMERA + '    credential: "\\U00110000"\n',
        ["5:5: is not YAML from here on"],
    ),
    "text of two lines": (
        CAMERA + "    credential: |\n      a\n      b\n",
        ["5:17: cameras.a.credential: holds a line break or an invisible character"],
    ),
    "open quote": (HEAD + "cameras: 'abc\n\n", ["2:10: a quote is opened here and never closed"]),
    "open bracket": (
        HEAD + "cameras: [a, b\n",
        ["2:10: a bracket is opened here and never closed"],
    ),
    "missing comma": (
        HEAD + "cameras: {a: {url: 'x' 'y'}}\n",
        ["2:24: a comma or a closing bracket is missing"],
    ),
    "missing colon": (
        HEAD + "cameras\nlog: {}\n",
        ["2:1: a colon is missing, or the space after it"],
    ),
    "no space after a colon": (
        "version:1\n" + CAMERAS,
        ["2:8: a colon is not allowed here: check indentation, quotes and the space after colons"],
    ),
    "wrong indentation": (
        CAMERA + "   transport: tcp\n",
        ["5:4: wrong indentation: this does not line up with what stands above"],
    ),
    "stray backtick": (
        "version: `1`\n",
        ["1:10: is not YAML: found character '`' that cannot start any token"],
    ),
    "future YAML": (
        "%YAML 2.0\n---\n" + HEAD + CAMERAS,
        ["1:1: is not YAML: found incompatible YAML document (version 1.* is required)"],
    ),
    "absurd version": ("%YAML 1." + "9" * 5000 + "\n---\n", ["1:1: is not YAML from here on"]),
    "too many values": (
        HEAD + "cameras: [" + "1," * 200_000 + "]\n",
        ["2:199999: the file holds too many values"],
    ),
    "several at once": (
        HEAD + "cameras:\n  a: &x\n    url: !t rtsp://h/\n    fps: ${NONE}\n    fps: 2\n  b: 5\n",
        [
            "3:6: cameras.a: anchors (&name) are not allowed",
            "4:10: cameras.a.url: tags (!name) are not allowed",
            "5:5: cameras.a.fps: is not known here (did you mean `detect.fps` or `v4l2.fps`?)",
            "5:10: cameras.a.fps: needs the environment variable NONE, which is not set",
            "6:5: cameras.a.fps: is given twice (first in line 5)",
            "7:6: cameras.b: must be a mapping of names to values",
        ],
    ),
}


@pytest.mark.parametrize(("text", "faults"), CASES.values(), ids=CASES.keys())
def test_every_fault_is_named_at_its_place(tmp_path: Path, text: str, faults: list[str]) -> None:
    assert faults_of(tmp_path, text) == faults


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + CAMERAS + "#\tx\n", id="tab in a comment"),
        pytest.param("---\n" + HEAD + CAMERAS + "...\n", id="document markers"),
        pytest.param("%YAML 1.2\n---\n" + HEAD + CAMERAS, id="YAML directive"),
        pytest.param((HEAD + CAMERAS).replace("\n", "\r\n"), id="windows line ends"),
    ],
)
def test_harmless_yaml_loads(tmp_path: Path, text: str) -> None:
    assert list(load_text(tmp_path, text).config.cameras) == ["a"]


def test_keys_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    names = ("no", "on", "1", "007", "null", "true")
    cameras = "".join(f"  {name}: {{url: 'rtsp://{name}/'}}\n" for name in names)
    assert tuple(load_text(tmp_path, HEAD + "cameras:\n" + cameras).config.cameras) == names
