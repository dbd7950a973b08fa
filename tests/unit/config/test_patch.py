"""Changes of a YAML text that leave all else as it was."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.patch import block, flow, remove_in, set_in

FILE = """\
# our cameras
version: 1
cameras:
  gate:            # the one at the road
    url: "rtsp://10.0.0.5/h264"
    zones:
      drive:       # where cars stand
        area: [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]]   # by hand
        labels:
          - person
          - car
      # the lawn is mown on Fridays
      lawn: {area: [[0, 0], [1, 0], [1, 1]]}

  # beside the house
  yard: {url: 'rtsp://10.0.0.6/h264'}
  roof:
    url: rtsp://10.0.0.7/h264
    zones:
"""


def value_of(text: str) -> Any:
    return yaml.safe_load(text)


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def test_a_value_in_one_line_is_replaced_and_its_comment_stays() -> None:
    area = [[0.2, 0.5], [0.8, 0.5], [0.8, 0.9]]
    after = set_in(FILE, ("cameras", "gate", "zones", "drive", "area"), area)
    assert after == FILE.replace("[[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]]", str(area))


def test_a_value_of_several_lines_becomes_one() -> None:
    after = set_in(FILE, ("cameras", "gate", "zones", "drive", "labels"), ["bus"])
    old = "        labels:\n          - person\n          - car\n"
    assert after == FILE.replace(old, "        labels: [bus]\n")


def test_what_is_new_stands_after_its_siblings_indented_as_they_are() -> None:
    after = set_in(
        FILE, ("cameras", "gate", "zones", "path"), {"area": [[0, 0]], "labels": ["car"]}
    )
    line = "      lawn: {area: [[0, 0], [1, 0], [1, 1]]}\n"
    new = "      path:\n        area: [[0, 0]]\n        labels: [car]\n"
    assert after == FILE.replace(line, line + new)
    deep = set_in(FILE, ("cameras", "gate", "lines", "door"), {"to": [1, 1]})
    assert value_of(deep)["cameras"]["gate"]["lines"] == {"door": {"to": [1, 1]}}


def test_a_camera_in_one_line_and_a_key_without_a_value_take_it_too() -> None:
    for camera in ("yard", "roof"):
        after = set_in(FILE, ("cameras", camera, "zones", "all"), {"area": [[0, 0]]})
        assert value_of(after)["cameras"][camera]["zones"] == {"all": {"area": [[0, 0]]}}
        assert comments(after) == comments(FILE)


def test_what_is_removed_takes_its_lines_and_no_other() -> None:
    after = remove_in(FILE, ("cameras", "gate", "zones", "lawn"))
    assert after == FILE.replace("      lawn: {area: [[0, 0], [1, 0], [1, 1]]}\n", "")
    both = remove_in(after, ("cameras", "gate", "zones", "drive"))
    assert "zones" not in value_of(both)["cameras"]["gate"], "an empty mapping goes with its last"
    assert value_of(remove_in("a: {b: 1, c: 2, d: 3}", ("a", "b"))) == {"a": {"c": 2, "d": 3}}
    assert value_of(remove_in("a: {b: 1, c: 2, d: 3}", ("a", "d"))) == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize("text", ["", "just text", "cameras: 7"])
def test_a_path_that_leads_nowhere_is_an_error(text: str) -> None:
    with pytest.raises(KeyError):
        set_in(text, ("cameras", "gate", "zones"), {})
    with pytest.raises(KeyError):
        remove_in(text, ("cameras", "gate"))


def test_line_ends_are_those_of_the_file() -> None:
    windows = FILE.replace("\n", "\r\n")
    after = set_in(windows, ("cameras", "gate", "zones", "path"), {"area": [[0, 0]]})
    assert after.count("\n") == after.count("\r\n")
    gone = remove_in(after, ("cameras", "gate", "zones", "path"))
    assert gone == windows


names = st.text("abcdefgh_-0123456789", min_size=1, max_size=6)
fractions = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | fractions | st.text(max_size=6)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
camera = st.dictionaries(names, values, min_size=1, max_size=3)
documents = st.dictionaries(names, camera, min_size=1, max_size=3)


@settings(deadline=None)
@given(documents, st.data(), values, st.booleans(), st.sampled_from([2, 4]))
def test_whatever_is_changed_only_that_is_changed(
    document: dict[str, dict[str, Any]], data: st.DataObject, value: Any, in_flow: bool, indent: int
) -> None:
    text = flow(document) if in_flow else yaml.safe_dump(document, indent=indent, sort_keys=False)
    text = f"# before\n{text}\n# after\n"
    outer = data.draw(st.sampled_from(sorted(document)))
    inner = data.draw(st.sampled_from(sorted(document[outer])) | names)
    after = set_in(text, (outer, inner), value)
    expected = {**document, outer: {**document[outer], inner: value}}
    assert value_of(after) == expected
    assert after.startswith("# before\n")
    assert after.rstrip().endswith("# after")
    removed = remove_in(after, (outer, inner))
    del expected[outer][inner]
    if not expected[outer] and len(expected) > 1:
        del expected[outer]
    if any(expected.values()):
        assert value_of(removed) == expected


@settings(deadline=None)
@given(st.dictionaries(names, values, min_size=1, max_size=3))
def test_what_is_written_is_read_as_it_was(value: dict[str, Any]) -> None:
    assert value_of(flow(value)) == value
    assert value_of(block(value, 4)) == value
