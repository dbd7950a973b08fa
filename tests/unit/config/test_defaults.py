"""`defaults` under every camera: what wins, and where a fault of either is reported."""

from __future__ import annotations

from pathlib import Path

from tests.support.config_files import faults_of, load_text


def test_camera_overrides_field_by_field(tmp_path: Path) -> None:
    text = """\
version: 1
defaults:
  credential: all
  detect: {fps: 3, roi: [[0, 0], [1, 0], [0, 1]]}
  objects: {labels: [person, car], filters: {person: {min_score: 0.5, min_area: 0.1}}}
cameras:
  a: {url: "rtsp://a/"}
  b:
    url: rtsp://b/
    credential: null
    detect: {fps: 7}
    objects: {labels: [person], filters: {person: {min_score: 0.9}}}
"""
    cameras = load_text(tmp_path, text).config.cameras
    assert (cameras["a"].credential, cameras["b"].credential) == ("all", None)
    assert (cameras["a"].detect.fps, cameras["b"].detect.fps) == (3, 7)
    assert cameras["b"].detect.roi == [[0, 0], [1, 0], [0, 1]]
    assert cameras["b"].objects.labels == ["person"]
    person = cameras["b"].objects.filters["person"]
    assert (person.min_score, person.min_area) == (0.9, 0.1)


def test_fault_in_defaults_is_reported_once_at_its_place(tmp_path: Path) -> None:
    text = """\
version: 1
defaults:
  detect: {fps: 0, fsp: 5}
  reconnect: {min_s: 9, max_s: 3}
  objects: {labels: [a, 5]}
cameras:
  a: {url: "rtsp://a/"}
  b: {url: "rtsp://b/"}
"""
    assert faults_of(tmp_path, text) == [
        "3:17: defaults.detect.fps: must be more than 0 and at most 120",
        "3:20: defaults.detect.fsp: is not known here (did you mean `fps`?)",
        "4:22: defaults.reconnect.min_s: min_s must not exceed max_s",
        "5:25: defaults.objects.labels[1]: must be a text (put it in quotes)",
    ]


def test_unset_variable_in_defaults_is_reported_once(tmp_path: Path) -> None:
    text = """\
version: 1
defaults: {open_timeout_s: "${T}"}
cameras:
  a: {url: "rtsp://a/"}
  b: {url: "rtsp://b/", open_timeout_s: 3}
"""
    assert faults_of(tmp_path, text) == [
        "2:28: defaults.open_timeout_s: needs the environment variable T, which is not set"
    ]


def test_camera_that_contradicts_defaults_is_reported_at_the_camera(tmp_path: Path) -> None:
    text = """\
version: 1
defaults: {reconnect: {min_s: 9}}
cameras:
  a: {url: "rtsp://a/"}
  b: {url: "rtsp://b/", reconnect: {max_s: 3}}
"""
    assert faults_of(tmp_path, text) == [
        "5:44: cameras.b.reconnect.max_s: min_s must not exceed max_s"
    ]


def test_camera_may_replace_a_faulty_default_but_the_fault_stays(tmp_path: Path) -> None:
    text = """\
version: 1
defaults: {detect: 5}
cameras:
  a: {url: "rtsp://a/", detect: {fps: 3}}
"""
    assert faults_of(tmp_path, text) == [
        "2:20: defaults.detect: must be a mapping of names to values"
    ]


def test_defaults_have_no_url(tmp_path: Path) -> None:
    text = "version: 1\ndefaults: {url: 'rtsp://a/'}\ncameras: {a: {}}\n"
    assert faults_of(tmp_path, text)[0].startswith("2:12: defaults.url: is not known here")


def test_defaults_that_are_no_mapping(tmp_path: Path) -> None:
    text = "version: 1\ndefaults: [1]\ncameras: {a: {url: 'rtsp://a/'}}\n"
    assert faults_of(tmp_path, text) == ["2:11: defaults: must be a mapping of names to values"]


def test_fault_found_later_stands_where_the_value_was_written(tmp_path: Path) -> None:
    text = """\
version: 1
defaults: {objects: {labels: [person]}}
cameras:
  a: {url: "rtsp://a/"}
  b: {url: "rtsp://b/", objects: {labels: [cat]}}
"""
    loaded = load_text(tmp_path, text)
    places = [
        str(loaded.fault(("cameras", name, "objects", "labels", 0), "no such label"))
        for name in ("a", "b")
    ]
    assert places == [
        f"{tmp_path}/cameras.yaml:2:31: defaults.objects.labels[0]: no such label",
        f"{tmp_path}/cameras.yaml:5:44: cameras.b.objects.labels[0]: no such label",
    ]


def test_fault_of_a_value_that_nobody_wrote_stands_around_it(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "version: 1\ncameras:\n  a: {url: 'rtsp://a/'}\n")
    fault = loaded.fault(("cameras", "a", "detect", "fps"), "is too much")
    assert (fault.line, fault.path) == (3, "cameras.a.detect.fps")
    assert loaded.fault(("model", "weights"), "x").line == 1
