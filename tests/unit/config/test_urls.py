"""Addresses that are taken and refused, and what is never repeated of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.urls import (
    is_loopback,
    local_path,
    redacted,
    scheme_of,
    split_host_port,
    tcp_address,
)
from tests.support.config_files import faults_of, load_text

SCHEME = "must begin with the scheme of a camera"
KNOWN = f"{SCHEME} (known: rtsp, rtsps, http, https, file, v4l2, synthetic)"
LOGIN = (
    "must not hold a user or password: keep them in a credential and write `credential: NAME`"
    " (an @ in a path is %40)"
)
PARAMETER = (
    "must not hold a user, password or token parameter: keep them in a credential and write"
    " `credential: NAME`, and {user} and {password} where they belong in the URL"
)
PLACES = "has places for user and password: say which credential"
PORT = "needs a port between 1 and 65535"
HOST = "needs a host name or address (IPv6 in [brackets])"
NO_HOST = "needs a host, as in rtsp://10.0.0.5:554/stream"
METADATA = "must not name a cloud metadata address"
LINK_LOCAL = "names a link-local address: say allow_link_local: true if the camera has no other"
ODD = "must not hold spaces, line breaks or control characters (write %20)"
ENCODED = "must not hold encoded control characters such as %00"
DEVICE = "must name a device below /dev, as in v4l2:///dev/video0"

REFUSED = {
    "http://169.254.169.254/": METADATA,
    "https://[::ffff:169.254.169.254]/x": METADATA,
    "http://169.254.7.7/x.mjpg": LINK_LOCAL,
    "http://admin:hunter2@10.0.0.5/x": LOGIN,
    "http://10.0.0.5/x?usr=a&pwd=hunter2": PARAMETER,
    "http:///x": "needs a host, as in http://10.0.0.5/stream",
    "http://h/x#y": "must not hold a # (write %23)",
    "http://h/%0d%0aX:y": ENCODED,
    "ftp://10.0.0.5/": KNOWN,
    "concat:a|b": KNOWN,
    "subfile,,start,0,end,0,,:x": KNOWN,
    "/dev/video0": KNOWN,
    "street.mp4": KNOWN,
    "rtp://h": f"{SCHEME} (did you mean `rtsp`?)",
    "RTSP://h/": f"{SCHEME} (did you mean `rtsp`?)",
    "rtsp://admin:hunter2@10.0.0.5/x": LOGIN,
    "rtsp://hunter2@10.0.0.5/x": LOGIN,
    "rtsps://admin:hunter2@10.0.0.5/x": LOGIN,
    "rtsp://admin:hunter2/3@h/x": LOGIN,
    "rtsp://admin:12345/hunter2@h/x": LOGIN,
    "rtsp://admin:hunter2#3@h/x": LOGIN,
    "rtsp://h/x?user=admin&password=hunter2": PARAMETER,
    "rtsp://h/user=admin_password=hunter2_channel=1.sdp": PARAMETER,
    "rtsp://h/x?TOKEN=hunter2": PARAMETER,
    "'rtsp://h/user={user}&password=hunter2'": PARAMETER,
    "'rtsp://h/user={user}&password={password}hunter2'": PARAMETER,
    "'rtsp://{user}:{password}@h/x'": LOGIN,
    "'rtsp://h/user={user}&password={password}'": PLACES,
    "rtsp://h/x?p%61sswd=hunter2": PARAMETER,
    "rtsp://h:0/": PORT,
    "rtsp://h:65536/": PORT,
    "rtsp://h:hunter2/": PORT,
    "rtsp://h:/": PORT,
    "rtsp:///x": NO_HOST,
    "rtsp:h": NO_HOST,
    "rtsp://-h/": HOST,
    "rtsp://h!/": HOST,
    "rtsp://[::1]x/": HOST,
    "rtsp://[::1/x": "is not a valid URL",
    "rtsp://[hunter2]/x": "is not a valid URL",
    "rtsp://169.254.169.254/": METADATA,
    "rtsp://169.254.169.254.:554/": METADATA,
    "rtsp://169.254.0.1/": LINK_LOCAL,
    "rtsp://2852039166/": METADATA,
    "rtsp://0xa9fea9fe/": METADATA,
    "rtsp://[fe80::1]/": LINK_LOCAL,
    "rtsp://[fe80::1%25eth0]/": LINK_LOCAL,
    "rtsp://[fe80::1%eth0]/": LINK_LOCAL,
    "rtsp://[fe80::1%25]x/": HOST,
    "rtsp://[fe80::1%25a/b]/": "is not a valid URL",
    "rtsp://[::ffff:169.254.7.7]/": LINK_LOCAL,
    "rtsp://[::ffff:169.254.169.254]:554/": METADATA,
    "rtsp://[fd00:ec2::254]/": METADATA,
    "rtsp://Metadata.Google.internal/": METADATA,
    "rtsp://h x/": ODD,
    "'rtsp://h/ '": ODD,
    '"rtsp://h/\\nx"': "holds a line break or an invisible character",
    "rtsp://h/%00": ENCODED,
    "rtsp://h/%0d%0aDESCRIBE": ENCODED,
    "file:a%7Fb": ENCODED,
    "rtsp://h/ü": "must be ASCII (percent-encode other characters)",
    "rtsp://h/x#y": "must not hold a # (write %23)",
    "file:///": "needs a path, as in file:///var/lib/street.mp4",
    "'file:'": "needs a path, as in file:///var/lib/street.mp4",
    "file:.": "must not be empty",
    "file://host/x": "must be file:///absolute/path or file:relative/path",
    "file:x?y": "must not hold ? or # (write %3F or %23)",
    "v4l2:///etc/passwd": DEVICE,
    "v4l2:///dev/../etc/passwd": DEVICE,
    "v4l2:///dev/%2e%2e/etc/passwd": DEVICE,
    "v4l2://dev/video0": DEVICE,
    "v4l2:///dev/": DEVICE,
    "v4l2:///dev/video0?x=1": DEVICE,
    "synthetic://a?siz=8x8": "has an unknown parameter (did you mean `size`?)",
}


@pytest.mark.parametrize(("url", "message"), REFUSED.items())
def test_refused_url_is_named_but_never_repeated(tmp_path: Path, url: str, message: str) -> None:
    text = f"version: 1\ncameras:\n  a:\n    url: {url}\n"
    found = faults_of(tmp_path, text)
    assert found == [f"4:10: cameras.a.url: {message}"]
    assert "hunter2" not in found[0]


def test_login_pasted_as_a_camera_name_is_not_repeated(tmp_path: Path) -> None:
    text = "version: 1\ncameras:\n  'rtsp://admin:hunter2@h': {}\n"
    assert "hunter2" not in "".join(faults_of(tmp_path, text))


@pytest.mark.parametrize(
    ("host", "is_let_in"),
    [
        ("169.254.0.1", True),
        ("[fe80::1]", True),
        ("[fe80::1%25eth0]:554", True),
        ("169.254.169.254", False),
    ],
)
def test_a_camera_without_another_address_may_be_let_in(
    tmp_path: Path, host: str, is_let_in: bool
) -> None:
    text = f"version: 1\ncameras:\n  a:\n    url: rtsp://{host}/\n    allow_link_local: true\n"
    if is_let_in:
        assert load_text(tmp_path, text).config.cameras["a"].allow_link_local
    else:
        assert faults_of(tmp_path, text) == [f"4:10: cameras.a.url: {METADATA}"]


def url_of(tmp_path: Path, url: str) -> str:
    loaded = load_text(tmp_path, f"version: 1\ncameras: {{a: {{url: '{url}'}}}}\n")
    return loaded.config.cameras["a"].url


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.5",
        "rtsp://10.0.0.5:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
        "rtsps://cam_1.example.org:322/live",
        "http://10.0.0.6/mjpg/video.mjpg?resolution=640x360&fps=5",
        "https://[2001:db8::5]:8443/hls/live.m3u8",
        "rtsp://[2001:db8::5]:554/x",
        "rtsp://[2001:db8::5]/x",
        "rtsp://h/a%40b",
        "v4l2:///dev/video0",
        "v4l2:///dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0",
        "synthetic://a?size=640x360&fps=10&objects=4&seed=1",
        "file:///var/lib/street.mp4",
    ],
)
def test_url_stays_as_it_was_written(tmp_path: Path, url: str) -> None:
    assert url_of(tmp_path, url) == url


def test_a_url_may_say_where_the_login_belongs(tmp_path: Path) -> None:
    url = "rtsp://10.0.0.9:554/user={user}&password={password}&channel=1&stream=0.sdp?"
    text = f"version: 1\ncameras: {{a: {{url: '{url}', credential: gate}}}}\n"
    assert load_text(tmp_path, text).config.cameras["a"].url == url
    assert redacted(url).count("***") == 2


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:demo/street.mp4", "demo/street.mp4"),
        ("file:my%20clip.mp4", "my clip.mp4"),
        ("file:straße.mp4", "straße.mp4"),
        ("file:100%25.mp4", "100%.mp4"),
    ],
)
def test_file_url_starts_at_the_folder_of_the_yaml_file(
    tmp_path: Path, url: str, path: str
) -> None:
    absolute = url_of(tmp_path, url)
    assert absolute.startswith("file:///")
    assert local_path(absolute) == tmp_path / path


def test_local_path_of_a_device() -> None:
    assert local_path("v4l2:///dev/video0") == Path("/dev/video0")


def test_scheme_of_a_url_without_slashes() -> None:
    assert scheme_of("file:demo.mp4") == "file"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:1", ("::1", 1)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_host_and_port(text: str, parts: tuple[str, int]) -> None:
    assert split_host_port(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "h", "9464", ":9464", "h:", "h:0", "h:65536", "h:-1", "h:1_0", "h:١", "::1:80", "[h]:1"],
)
def test_what_is_no_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match=r"^needs "):
        split_host_port(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "*", "eth0", "camera", "localhost.example.org"]
)
def test_reachable_from_outside(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("bind", "message"),
    [
        ("tcp://127.0.0.1", "needs host:port, as in 127.0.0.1:9464"),
        ("tcp://127.0.0.1:65536", PORT),
        ("tcp://*:0", PORT),
        ("tcp://**:5556", HOST),
        ("tcp:127.0.0.1:5556", "must be tcp://host:port or ipc://path"),
        ("inproc://x", "must be tcp://host:port or ipc://path"),
        ("ipc://", "must be tcp://host:port or ipc://path"),
        ("ipc:///" + "x" * 107, "must not be longer than 107 bytes, folder included"),
        ("tcp://h :1", ODD),
    ],
)
def test_refused_endpoint(tmp_path: Path, bind: str, message: str) -> None:
    text = f"version: 1\ncameras: {{a: {{url: 'file:x'}}}}\nsinks: {{zeromq: {{bind: '{bind}'}}}}\n"
    assert faults_of(tmp_path, text) == [f"3:24: sinks.zeromq.bind: {message}"]


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("tcp://127.0.0.1:5556", ("127.0.0.1", 5556)),
        ("tcp://[::1]:5556", ("::1", 5556)),
        ("tcp://*:5556", ("*", 5556)),
        ("ipc:///run/vedette.sock", None),
    ],
)
def test_endpoint_and_its_address(
    tmp_path: Path, bind: str, address: tuple[str, int] | None
) -> None:
    text = (
        "version: 1\ncameras: {a: {url: 'file:x'}}\n"
        f"sinks: {{zeromq: {{bind: '{bind}', allow_plaintext: true}}}}\n"
    )
    zeromq = load_text(tmp_path, text).config.sinks.zeromq
    assert zeromq is not None
    assert zeromq.bind == bind
    assert tcp_address(bind) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://h/x", "rtsp://h/x"),
        ("rtsp://admin:hunter2@h:554/x", "rtsp://***@h:554/x"),
        ("rtsp://admin:hun@ter2/@h/x", "rtsp://***@h/x"),
        ("cannot open rtsp://a:hunter2@h/x now", "cannot open rtsp://***@h/x now"),
        ("rtsp://h/?user=a&password=hunter2&n=1", "rtsp://h/?user=***&password=***&n=1"),
        ("rtsp://h/user=a_Password=hunter2", "rtsp://h/user=***"),
        ("no address", "no address"),
    ],
)
def test_redacted_text_keeps_all_but_the_login(text: str, shown: str) -> None:
    assert redacted(text) == shown
