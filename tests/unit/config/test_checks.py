"""Rules between cameras and sections, and the cases that they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import faults_of


def cameras(*entries: str) -> str:
    lines = [f"  {name}: {{{entry}}}\n" for name, entry in zip("abc", entries, strict=False)]
    return "version: 1\ncameras:\n" + "".join(lines)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            cameras("url: 'rtsp://h/x'", "url: 'rtsp://H:554/x'"),
            "4:12: cameras.b.url: is the stream of cameras.a too (line 3)",
            id="one RTSP stream",
        ),
        pytest.param(
            cameras("url: 'rtsps://h:322/x'", "url: 'rtsps://h/x'"),
            "4:12: cameras.b.url: is the stream of cameras.a too (line 3)",
            id="one RTSPS stream",
        ),
        pytest.param(
            cameras("url: 'https://H:443/x'", "url: 'https://h/x'"),
            "4:12: cameras.b.url: is the stream of cameras.a too (line 3)",
            id="one HTTPS stream",
        ),
        pytest.param(
            cameras("url: 'http://h/x', transport: udp"),
            "3:37: cameras.a.transport: is for rtsp: and rtsps: URLs; this camera has a http: URL",
            id="transport of pictures over HTTP",
        ),
        pytest.param(
            cameras("url: 'v4l2:///dev/video0'", "url: 'file:x'", "url: 'v4l2:///dev/video0'"),
            "5:12: cameras.c.url: is the stream of cameras.a too (line 3)",
            id="one device",
        ),
        pytest.param(
            cameras("url: 'file:x', detect: {tiles: {size: 320}}") + "model: {input_size: 512}\n",
            "3:45: cameras.a.detect.tiles.size: is smaller than model.input_size (512): such a tile"
            " would only be blown up",
            id="tiles smaller than the input",
        ),
        pytest.param(
            cameras("url: 'file:x', detect: {tiles: auto}") + "batching: {max_batch: 2}\n",
            "3:38: cameras.a.detect.tiles: needs batching.max_batch of 3 or more: tiles run in one"
            " batch",
            id="tiles that no batch has room for",
        ),
        pytest.param(
            cameras("url: 'file:x', transport: udp"),
            "3:33: cameras.a.transport: is for rtsp: and rtsps: URLs; this camera has a file: URL",
            id="transport of a file",
        ),
        pytest.param(
            cameras("url: 'synthetic://x', credential: x"),
            "3:41: cameras.a.credential: is for rtsp:, rtsps:, http: and https: URLs; this camera"
            " has a synthetic: URL",
            id="credential of a synthetic camera",
        ),
        pytest.param(
            cameras("url: 'v4l2:///dev/video0', file: {loop: true}"),
            "3:40: cameras.a.file: is for file: URLs; this camera has a v4l2: URL",
            id="file options of a device",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', objects: {labels: [car], filters: {bus: {}}}"),
            "3:65: cameras.a.objects.filters.bus: filters a label that objects.labels leaves out",
            id="filter of a label that is not tracked",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', record: {on: [car]}"),
            "3:33: cameras.a.record: records nothing: say snapshots: true, or clips: true",
            id="options of recordings that nobody asked for",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', objects: {labels: [car]}, record: {clips: true, on: [bus]}"),
            "3:78: cameras.a.record.on[0]: is a label that objects.labels leaves out",
            id="recordings of a label that is not tracked",
        ),
        pytest.param(
            cameras(
                "url: 'file:x', objects: {labels: [car]}, zones: {d: {area: [[0,0],[1,0],[1,1]],"
                " labels: [bus]}}"
            ),
            "3:96: cameras.a.zones.d.labels[0]: is a label that objects.labels leaves out",
            id="zone for a label that is not reported",
        ),
        pytest.param(
            cameras(
                "url: 'file:x', lines: {d: {from: [0,0], to: [1,1], labels: [car],"
                " filters: {bus: {}}}}"
            ),
            "3:88: cameras.a.lines.d.filters.bus: filters a label that the line leaves out",
            id="filter of a label that a line leaves out",
        ),
        pytest.param(
            cameras(
                "url: 'file:x', tracking: {enabled: false}, lines: {d: {from: [0,0], to: [1,1]}}"
            ),
            "3:57: cameras.a.lines: need tracking: say tracking: {enabled: true}",
            id="lines without tracking",
        ),
        pytest.param(
            cameras("url: 'file:x'") + "http: {listen: 'localhost:5556'}\n",
            "4:16: http.listen: is the port that sinks.zeromq.bind takes",
            id="one port for both",
        ),
        pytest.param(
            cameras("url: 'file:x'") + "sinks: {zeromq: {bind: 'tcp://127.0.0.1:9464'}}\n",
            "4:24: sinks.zeromq.bind: is the port that http.listen takes",
            id="ZeroMQ on the default port of HTTP",
        ),
    ],
)
def test_clash_is_reported_where_it_was_written(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, text) == [fault]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(cameras("url: 'file:x'", "url: 'file:x'"), id="one file twice"),
        pytest.param(
            cameras("url: 'synthetic://x'", "url: 'synthetic://x'"), id="one synthetic camera twice"
        ),
        pytest.param(
            cameras("url: 'rtsp://h/'", "url: 'rtsp://h/', enabled: false"),
            id="second one disabled",
        ),
        pytest.param(cameras("url: 'rtsp://h/1'", "url: 'rtsp://h/2'"), id="two paths"),
        pytest.param(cameras("url: 'rtsp://h/x'", "url: 'rtsps://h/x'"), id="two schemes"),
        pytest.param(
            cameras("url: 'http://h/x', credential: a", "url: 'https://h/y', tls_ca: /ca.pem"),
            id="logins and certificates over HTTP",
        ),
        pytest.param(cameras("url: 'file:x', credential: null"), id="no credential, said aloud"),
        pytest.param(
            cameras("url: 'file:x'", "url: 'rtsp://h/'")
            + "defaults: {credential: all, transport: udp, file: {loop: false}, v4l2: {fps: 5}}\n",
            id="defaults for cameras of several kinds",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', objects: {labels: [car]}")
            + "defaults: {objects: {filters: {bus: {min_score: 0.5}}}}\n",
            id="default filters for more labels than one camera tracks",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', record: {keep_days: 3}")
            + "defaults: {record: {snapshots: true}}\n",
            id="options of recordings that defaults ask for",
        ),
        pytest.param(
            cameras("url: 'rtsp://h/', record: {snapshots: false}"), id="no recordings, said aloud"
        ),
        pytest.param(
            cameras("url: 'file:x'") + "sinks: {zeromq: null}\nhttp: {listen: '127.0.0.1:5556'}\n",
            id="port free without ZeroMQ",
        ),
        pytest.param(
            cameras("url: 'file:x'") + "sinks: {zeromq: {bind: 'ipc:///run/v'}}\n",
            id="ipc has no port",
        ),
        pytest.param(
            cameras("url: 'file:x'") + "http: {listen: '0.0.0.0:9464', allow_anonymous: true}\n",
            id="HTTP for everyone, said aloud",
        ),
        pytest.param(
            cameras("url: 'file:x'") + "http: {listen: '0.0.0.0:9464', token: http_token}\n",
            id="HTTP for who has the token",
        ),
        pytest.param(
            cameras("url: 'file:x'")
            + "sinks: {zeromq: {bind: 'tcp://*:5556', curve: {secret_key: k, clients: c}}}\n",
            id="ZeroMQ for known clients",
        ),
    ],
)
def test_allowed(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, text) == []
