"""Values that no field takes: one line each, at the value, in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import faults_of

HEAD = "version: 1\n"
FINE = HEAD + "cameras: {a: {url: 'rtsp://h/'}}\n"
CAMERA = HEAD + "cameras:\n  a:\n    url: rtsp://h/\n"
NOT_A_NAME = "may hold only a-z, 0-9, _ and -, at most 32 characters"

FPS = {
    "0": "must be more than 0 and at most 120",
    "-1": "must be more than 0 and at most 120",
    "121": "must be more than 0 and at most 120",
    "9" * 60: "must be more than 0 and at most 120",
    ".nan": "must be a finite number",
    ".inf": "must be a finite number",
    "-.INF": "must be a finite number",
    "1e309": "must be a finite number",
    '"5"': "must be a number (without quotes)",
    "true": "must be a number",
    "five": "must be a number",
    "1:30": "must be a number",
    "1_0": "must be a number",
    "9" * 400: "must be a finite number",
    "[5]": "must be a number",
    "{}": "must be a number",
    "": "has no value: it must be a number",
    "~": "has no value: it must be a number",
}


@pytest.mark.parametrize(("value", "message"), FPS.items())
def test_fps_that_is_no_frame_rate(tmp_path: Path, value: str, message: str) -> None:
    text = CAMERA + f"    detect:\n      fps: {value}\n"
    column = 12 if value else 11
    assert faults_of(tmp_path, text) == [f"6:{column}: cameras.a.detect.fps: {message}"]


CAMERA_FIELDS = {
    "priority: 1.5": "15: cameras.a.priority: must be a whole number",
    "priority: 101": "15: cameras.a.priority: must be between 1 and 100",
    "enabled: no": "14: cameras.a.enabled: must be true or false (write false)",
    "enabled: On": "14: cameras.a.enabled: must be true or false (write true)",
    "enabled: 1": "14: cameras.a.enabled: must be true or false",
    "open_timeout_s: 0.1": "21: cameras.a.open_timeout_s: must be between 0.5 and 120",
    "transport: upd": "16: cameras.a.transport: must be one of tcp, udp (did you mean `udp`?)",
    "transport: [tcp]": "16: cameras.a.transport: must be one of tcp, udp",
    "aspect: 1.78": "13: cameras.a.aspect: must be a text",
    "aspect: 0:9": "13: cameras.a.aspect: must be WIDTH:HEIGHT as in 16:9, each less than 100",
    "hwaccel: nvdec": "14: cameras.a.hwaccel: must be one of none, auto, cuda, vaapi",
    "detekt: {}": "5: cameras.a.detekt: is not known here (did you mean `detect`?)",
    "gate: {enabled: true}": "5: cameras.a.gate: is not known here (did you mean `detect.gate`?)",
    "fps: 5": "5: cameras.a.fps: is not known here (did you mean `detect.fps` or `v4l2.fps`?)",
    "detect: 5": "13: cameras.a.detect: must be a mapping of names to values",
    "detect: {FPS: 3}": "14: cameras.a.detect.FPS: is not known here (did you mean `fps`?)",
    "credential: 5": "17: cameras.a.credential: must be a text (put it in quotes)",
    "credential: user:hunter2": "17: cameras.a.credential: must be the name of a systemd"
    " credential, or file:PATH (a password does not belong in this file)",
    "credential: 'file:'": "17: cameras.a.credential: needs a path after file:",
    "credential: ../x": "17: cameras.a.credential: must be the name of a systemd"
    " credential, or file:PATH (a password does not belong in this file)",
    "objects: {track: [car]}": "15: cameras.a.objects.track: is called `labels` now: rename it",
    "objects: {labels: []}": "23: cameras.a.objects.labels: must have at least 1 entry",
    "objects: {labels: ['']}": "24: cameras.a.objects.labels[0]: must have 1 to 64 characters",
    "objects: {labels: [1]}": "24: cameras.a.objects.labels[0]: must be a text (put it in quotes)",
    "objects: {labels: person}": "23: cameras.a.objects.labels: must be a list",
    "objects: {filters: {person: {min_scor: 1}}}": "34: cameras.a.objects.filters.person.min_scor:"
    " is not known here (did you mean `min_score`?)",
    "objects: {filters: {person: {min_area: 2}}}": "44: cameras.a.objects.filters.person.min_area:"
    " must be between 0 and 1",
    "objects: {filters: {person: {min_area: 0.5, max_area: 0.1}}}": "44:"
    " cameras.a.objects.filters.person.min_area: min_area must not exceed max_area",
    "objects: {filters: {person: {max_ratio: 1, min_ratio: 2}}}": "59:"
    " cameras.a.objects.filters.person.min_ratio: min_ratio must not exceed max_ratio",
    "objects: {labels: [car], filters: {bus: {}}}": "45: cameras.a.objects.filters.bus: filters a"
    " label that objects.labels leaves out",
    "reconnect: {max_s: 2, min_s: 5}": "34: cameras.a.reconnect.min_s: min_s must not exceed max_s",
    "reconnect: {min_s: 50}": "24: cameras.a.reconnect.min_s: min_s must not exceed max_s",
    "reconnect: {max_s: 0.1}": "24: cameras.a.reconnect.max_s: min_s must not exceed max_s",
    "v4l2: {fps: 30}": "11: cameras.a.v4l2: is for v4l2: URLs; this camera has a rtsp: URL",
    "file: {loop: false}": "11: cameras.a.file: is for file: URLs; this camera has a rtsp: URL",
    "detect: {roi: [[0,0],[1,1]]}": "19: cameras.a.detect.roi: must have at least 3 entries",
    "detect: {roi: [[0,0],[1,1],[0,1.5]]}": "35: cameras.a.detect.roi[2][1]: must be between 0"
    " and 1",
    "detect: {roi: [[0,0],[1,1],[-0.1,1]]}": "33: cameras.a.detect.roi[2][0]: must be between 0"
    " and 1",
    "detect: {roi: [[0,0],[1,1],[0]]}": "32: cameras.a.detect.roi[2]: must have at least 2 entries",
    "detect: {roi: [[0,0,0],[1,1],[0,1]]}": "20: cameras.a.detect.roi[0]: must have at most 2"
    " entries",
    "detect: {roi: [[0,0],[1,x],[0,1]]}": "29: cameras.a.detect.roi[1][1]: must be a number",
    "detect: {roi: '0,0 1,1'}": "19: cameras.a.detect.roi: must be a list",
    "detect: {roi: [[0,0],[1,1],[1,0],[0,1]]}": "19: cameras.a.detect.roi: crosses itself (list"
    " the points in order around the area)",
    "detect: {roi: [[0,0],[0.5,0.5],[1,1]]}": "19: cameras.a.detect.roi: has no area: all points"
    " lie on one line",
    "tracking: {forget_after_s: 0}": "32: cameras.a.tracking.forget_after_s: must be between 0.1"
    " and 60",
    "zones: {'big door': {area: [[0,0],[1,0],[1,1]]}}": "13: cameras.a.zones.big door: may hold"
    " only letters, digits, _ and -, at most 32 characters",
    "zones: {door: {}}": "19: cameras.a.zones.door.area: is missing",
    "zones: {door: {area: [[0,0],[1,1],[1,0],[0,1]]}}": "26: cameras.a.zones.door.area: crosses"
    " itself (list the points in order around the area)",
    "zones: {door: {area: [[0,0],[1,0],[1,1]], anchor: feet}}": "55: cameras.a.zones.door.anchor:"
    " must be one of bottom_center, center",
    "lines: {door: {from: [0, 0]}}": "19: cameras.a.lines.door.to: is missing",
    "lines: {door: {from: [0, 0], to: [0, 0]}}": "38: cameras.a.lines.door.to: is where the line"
    " begins too",
    "lines: {door: {from: [0, 0], to: [1, 0], left: out, right: out}}": "64:"
    " cameras.a.lines.door.right: must differ, or nobody knows which way it went",
    "lines: {door: {from: [0, 2], to: [1, 0]}}": "30: cameras.a.lines.door.from[1]: must be"
    " between 0 and 1",
    "detect: {crop: roi}": "20: cameras.a.detect.crop: needs detect.roi: draw"
    " one, or give the rectangle as [x1, y1, x2, y2]",
    "detect: {crop: roi, roi: [[0, 0], [0.01, 0], [0.01, 1]]}": "20: cameras.a.detect.crop: needs"
    " a detect.roi of at least 0.02 of each side of the picture",
    "detect: {crop: rio}": "20: cameras.a.detect.crop: must be roi, or [x1, y1,"
    " x2, y2] in fractions of the picture (0 to 1)",
    "detect: {crop: [0, 0, 1]}": "20: cameras.a.detect.crop: must be roi, or [x1, y1,"
    " x2, y2] in fractions of the picture (0 to 1)",
    "detect: {crop: [0, 0, 1, 1.5]}": "20: cameras.a.detect.crop: must be roi, or [x1, y1,"
    " x2, y2] in fractions of the picture (0 to 1)",
    "detect: {crop: [0, 0, true, 1]}": "20: cameras.a.detect.crop: must be roi, or [x1, y1,"
    " x2, y2] in fractions of the picture (0 to 1)",
    "detect: {crop: [0.5, 0, 0.1, 1]}": "20: cameras.a.detect.crop: is no"
    " rectangle: write [left, top, right, bottom], each side at least 0.02 of the picture",
    "detect: {crop: [0, 0, 0.01, 1]}": "20: cameras.a.detect.crop: is no"
    " rectangle: write [left, top, right, bottom], each side at least 0.02 of the picture",
    "detect: {tiles: all}": "21: cameras.a.detect.tiles: must be auto, or {size: PIXELS, overlap:"
    " 0.2, full: true}",
    "detect: {tiles: 3}": "21: cameras.a.detect.tiles: must be a mapping of names to values",
    "detect: {tiles: {sise: 640}}": "22: cameras.a.detect.tiles.sise: is not known here (did you"
    " mean `size`?)",
    "detect: {tiles: {size: 20}}": "28: cameras.a.detect.tiles.size: must be between 64 and 7680",
    "detect: {tiles: {overlap: 0.9}}": "31: cameras.a.detect.tiles.overlap: must be between 0 and"
    " 0.5",
    "detect: {roi: [[0,0],[1,1],[0,1],[0,0]]}": "19: cameras.a.detect.roi: repeats a point (the"
    " polygon closes by itself)",
}


@pytest.mark.parametrize(("line", "fault"), CAMERA_FIELDS.items())
def test_fields_of_a_camera(tmp_path: Path, line: str, fault: str) -> None:
    assert faults_of(tmp_path, f"{CAMERA}    {line}\n") == [f"5:{fault}"]


SECTIONS = {
    "node: lodge.example.org": "7: node: may hold only letters, digits, _ and -, at most 63"
    " characters",
    "modle: {}": "1: modle: is not known here (did you mean `model`?)",
    "plugins: {}": "1: plugins: is not known here (known: version, node, model, batching,"
    " tiles, defaults, cameras, sinks, recordings, http, log)",
    "mqtt: {host: h}": "1: mqtt: is not known here (did you mean `sinks.mqtt`?)",
    "sinks: {mqtt: {host: h, protocol: 4}}": "35: sinks.mqtt.protocol: must be one of 3.1.1, 5",
    "sinks: {mqtt: {host: h, protocol: x}}": "35: sinks.mqtt.protocol: must be one of 3.1.1, 5",
    "model: []": "8: model: must be a mapping of names to values",
    "model: {name: efficientdet-lit0}": "15: model.name: is not a known model (did you mean"
    " `efficientdet-lite0`?)",
    "model: {name: yolov8}": "15: model.name: is not a known model (known: efficientdet-d0 to -d7x,"
    " efficientdet-lite0 to -lite4, efficientnet-yolov3-b0 to -b7)",
    "model: {name: 5}": "15: model.name: must be a text (put it in quotes)",
    "model: {sha256: abc}": "17: model.sha256: must be a SHA-256 of 64 digits 0-9 and a-f",
    "model: {input_size: 100}": "21: model.input_size: must be a multiple of 32",
    "model: {input_size: 32}": "21: model.input_size: must be between 64 and 2048",
    "model: {score_threshold: 40}": "26: model.score_threshold: must be between 0 and 1",
    "model: {iou_threshold: 0}": "24: model.iou_threshold: must be more than 0 and at most 1",
    "model: {precision: fp16}": "20: model.precision: must be one of auto, float32, bfloat16,"
    " float16, int8",
    "model: {weights: ''}": "18: model.weights: must not be empty",
    "batching: {max_batch: 0}": "23: batching.max_batch: must be between 1 and 64",
    "batching: {max_delay_ms: 500}": "26: batching.max_delay_ms: max_delay_ms must be below"
    " max_age_ms, or every frame that waits is dropped",
    "batching: {max_age_ms: 5}": "24: batching.max_age_ms: max_delay_ms must be below"
    " max_age_ms, or every frame that waits is dropped",
    "tiles: {max_share: 0}": "20: tiles.max_share: must be more than 0 and at most 1",
    "sinks: {mqtt: {}}": "15: sinks.mqtt.host: is missing",
    "sinks: {jsonl: {}}": "16: sinks.jsonl.path: is missing",
    "sinks: {jsonl: {path: 5}}": "23: sinks.jsonl.path: must be a path",
    "sinks: {jsonl: {path: ''}}": "23: sinks.jsonl.path: must not be empty",
    "sinks: {jsonl: {path: x, keep: -1}}": "32: sinks.jsonl.keep: must be between 0 and 1000",
    "sinks: {zeromq: {high_water_mark: 0}}": "35: sinks.zeromq.high_water_mark: must be between 1"
    " and 1000000",
    "sinks: {zeromq: {curve: {secret_key: k}}}": "25: sinks.zeromq.curve.clients: is missing",
    "sinks: {zeromq: {bind: 5556}}": "24: sinks.zeromq.bind: must be a text",
    "sinks: {zeromq: {bind: 'tcp://127.0.0.1:0'}}": "24: sinks.zeromq.bind: needs a port between 1"
    " and 65535",
    "sinks: {zeromq: {bind: 'tcp://0.0.0.0:5556'}}": "24: sinks.zeromq.bind: others can reach this"
    " address: give `curve`, or say allow_plaintext: true",
    "http: {listen: '127.0.0.1:65536'}": "16: http.listen: needs a port between 1 and 65535",
    "http: {listen: 9464}": "16: http.listen: must be a text",
    "http: {listen: '0.0.0.0:9464'}": "16: http.listen: others can reach this address: give"
    " `token`, or say allow_anonymous: true",
    "http: {token: x, allow_anonymous: true}": "35: http.allow_anonymous: says the opposite of"
    " `token`",
    "http: {token: 'two words'}": "15: http.token: must be the name of a systemd credential, or"
    " file:PATH (a password does not belong in this file)",
    "http: {allowed_hosts: ['https://x']}": "24: http.allowed_hosts[0]: must be a host"
    " name without scheme and port, as in cameras.example.org",
    "http: {listen: '127.0.0.1:5556'}": "16: http.listen: is the port that sinks.zeromq.bind takes",
    "log: {level: INFO}": "14: log.level: must be one of debug, info, warning, error (did you mean"
    " `info`?)",
    "log: info": "6: log: must be a mapping of names to values",
}


@pytest.mark.parametrize(("line", "fault"), SECTIONS.items())
def test_fields_of_the_other_sections(tmp_path: Path, line: str, fault: str) -> None:
    assert faults_of(tmp_path, f"{FINE}{line}\n") == [f"3:{fault}"]


WHOLE = {
    "version missing": ("cameras: {a: {url: 'rtsp://h/'}}", "1:1: version: is missing"),
    "version of tomorrow": (
        "version: 2\ncameras: {a: {url: 'rtsp://h/'}}",
        "1:10: version: is not a version of this format that is known here (known: 1)",
    ),
    "version in quotes": (
        "version: '1'\ncameras: {a: {url: 'rtsp://h/'}}",
        "1:10: version: must be a whole number (without quotes)",
    ),
    "version true": (
        "version: true\ncameras: {a: {url: 'rtsp://h/'}}",
        "1:10: version: must be a whole number",
    ),
    "a list": ("- version: 1", "1:1: must be a mapping of names to values"),
    "a word": ("hello", "1:1: must be a mapping of names to values"),
    "cameras missing": (HEAD, "1:1: cameras: is missing"),
    "no camera": (HEAD + "cameras: {}", "2:10: cameras: must have at least 1 entry"),
    "cameras without value": (
        HEAD + "cameras:",
        "2:9: cameras: has no value: it must be a mapping of names to values",
    ),
    "cameras as a list": (
        HEAD + "cameras: [a]",
        "2:10: cameras: must be a mapping of names to values",
    ),
    "too many cameras": (
        HEAD + "cameras:\n" + "".join(f"  c{n}: {{url: 'file:x'}}\n" for n in range(257)),
        "2:1: cameras: must have at most 256 entries",
    ),
    "camera without value": (
        HEAD + "cameras:\n  a:",
        "3:5: cameras.a: has no value: it must be a mapping of names to values",
    ),
    "camera as a text": (
        HEAD + "cameras:\n  a: rtsp://h/",
        "3:6: cameras.a: must be a mapping of names to values",
    ),
    "url missing": (HEAD + "cameras:\n  a:\n    priority: 1", "3:3: cameras.a.url: is missing"),
    "capital in a name": (
        HEAD + "cameras:\n  Gate: {url: 'rtsp://h/'}",
        f"3:3: cameras.Gate: {NOT_A_NAME}",
    ),
    "long name": (
        HEAD + f"cameras:\n  {'a' * 33}: {{url: 'rtsp://h/'}}",
        f"3:3: cameras.{'a' * 33}: {NOT_A_NAME}",
    ),
    "path as a name": (
        HEAD + "cameras:\n  ../a: {url: 'rtsp://h/'}",
        f"3:3: cameras.‹key›: {NOT_A_NAME}",
    ),
    "%00 in a name": (
        HEAD + "cameras:\n  a%00: {url: 'rtsp://h/'}",
        f"3:3: cameras.‹key›: {NOT_A_NAME}",
    ),
}


@pytest.mark.parametrize(("text", "fault"), WHOLE.values(), ids=WHOLE.keys())
def test_the_file_as_a_whole(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, text) == [fault]


def test_faults_of_all_sections_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = (
        "cameras:\n  a: {url: 'rtsp://h/', priority: 0}\n  b: {url: 'rtsp://h/'}\n"
        "  c: {url: 'rtsp://h:554/'}\nversion: 3\nhttp: {listen: '127.0.0.1:5556'}\n"
        "model: {nam: x}\n"
    )
    assert faults_of(tmp_path, text) == [
        "2:35: cameras.a.priority: must be between 1 and 100",
        "4:12: cameras.c.url: is the stream of cameras.b too (line 3)",
        "5:10: version: is not a version of this format that is known here (known: 1)",
        "6:16: http.listen: is the port that sinks.zeromq.bind takes",
        "7:9: model.nam: is not known here (did you mean `name`?)",
    ]
