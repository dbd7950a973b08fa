"""HLS cameras: played at their own speed, and led nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState
from daemon.capture import CaptureError, Cause, open_source
from daemon.capture.pacer import Pacer
from daemon.clock import SystemClock
from tests.support.capture_rig import INPUT, running
from tests.support.hls import TYPE, LiveHls, pieces
from tests.support.web_camera import Asked, DigestGate, Reply, WebCamera, answer, web_camera

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]
QUICK = {
    "detect": {"fps": 10.0},
    "open_timeout_s": 4.0,
    "read_timeout_s": 2.0,
    "reconnect": {"min_s": 0.2, "max_s": 1.0},
}
SECRET = "canary-p@ss:word/1"


@pytest.fixture
def live() -> Iterator[tuple[WebCamera, LiveHls]]:
    hls = LiveHls()
    with web_camera(hls) as camera:
        yield camera, hls


def url_of(camera: WebCamera, name: str = "live.m3u8") -> str:
    return camera.url.replace("stream", name)


def failure(url: str, **fields: object) -> CaptureError:
    camera = CameraConfig.model_validate({"url": url, **QUICK, **fields})
    with pytest.raises(CaptureError) as caught:
        watch(camera)
    return caught.value


def watch(camera: CameraConfig) -> None:
    with closing(
        open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _: False)
    ) as source:
        for _ in source.samples(Pacer(1000, live=True)):
            pass


@pytest.mark.parametrize("name", ["live.m3u8", "master.m3u8", "stream"])
@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
def test_a_playlist_is_played_at_its_own_speed(name: str, kind: str) -> None:
    with (
        web_camera(LiveHls(pieces(8, kind=kind))) as camera,
        running(url_of(camera, name), **QUICK) as rig,
    ):
        rig.wait_for_frames(15)
    stream = rig.status.stream
    assert stream is not None
    assert (stream.codec, stream.transport, stream.width) == ("h264", "hls", 320)
    shown_s = [frame.pts_s for frame in rig.frames if frame.pts_s is not None]
    assert min(np.diff(shown_s)) == pytest.approx(0.1, abs=1e-3)
    took_s = rig.frames[14].captured_s - rig.frames[0].captured_s
    assert took_s >= shown_s[14] - shown_s[0] - 0.4
    assert camera.connections == 1


def test_every_piece_is_asked_for_with_the_login(tmp_path: Path) -> None:
    file = tmp_path / "gate"
    file.write_text(f"viewer:{SECRET}")
    file.chmod(0o600)
    gate, hls = DigestGate("viewer", SECRET), LiveHls()
    with (
        web_camera(lambda asked: gate(asked) or hls(asked)) as camera,
        running(url_of(camera), **QUICK, credential=f"file:{file}") as rig,
    ):
        rig.wait_for_frames(12)
    assert gate.refused == 0
    assert rig.reasons() == []


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost.localdomain:{port}/x.ts",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "//evil.example/x.ts",
    ],
)
def test_a_playlist_that_names_another_host_is_not_followed(
    target: str, live: tuple[WebCamera, LiveHls]
) -> None:
    other, _ = live

    def respond(_: Asked) -> Reply:
        piece = target.format(port=other.port)
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", piece, ""]
        return answer("\n".join(lines).encode(), TYPE)

    with web_camera(respond) as camera:
        error = failure(url_of(camera))
    assert error.kind in (Cause.REDIRECTED, Cause.PROTOCOL, Cause.NO_VIDEO), error
    assert other.connections == 0


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_pieces_that_are_ranges_of_one_file(knows_ranges: bool) -> None:
    parts = [pieces(4)[f"all{number}.ts"] for number in range(4)]
    ends = np.cumsum([len(one) for one in parts])
    lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:1"]
    for data, end in zip(parts, ends, strict=True):
        lines += ["#EXTINF:1.0,", f"#EXT-X-BYTERANGE:{len(data)}@{end - len(data)}", "whole.ts"]
    playlist, whole = "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode(), b"".join(parts)

    def respond(asked: Asked) -> Reply:
        if "m3u8" in asked.target:
            return answer(playlist, TYPE)
        begin, _, end = asked.headers["range"].removeprefix("bytes=").partition("-")
        if not knows_ranges:
            return answer(whole, "video/mp2t")
        return answer(whole[int(begin) : int(end) + 1], "video/mp2t", status="206 Partial Content")

    with web_camera(respond) as camera, running(url_of(camera), **QUICK) as rig:
        rig.wait_for_frames(12)
    assert rig.page.dropped[Drop.CORRUPT] == 0
    # From the newest piece on, then anew from there: the recording has an end.
    assert rig.reasons() in ([], ["eof"], ["eof", "eof"])


def test_a_variant_on_another_host_is_refused() -> None:
    lines = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://10.9.9.9/x.m3u8\n"
    with web_camera(lambda _: answer(lines, TYPE)) as camera:
        assert str(failure(url_of(camera))) == "redirected: to another host"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "protocol: its playlist is none of HLS"),
        (b"", "protocol: its playlist is none of HLS"),
        (b"#EXTM3U\n" + b"#x\n" * 50_000, "flood: its playlist has no end"),
        (b"#EXTM3U\n" + b"#x" * 600_000, "flood: an answer of 1 MB"),
        (
            b'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:1,\nx.ts\n',
            "codec: its pieces are encrypted",
        ),
    ],
)
def test_playlists_that_cannot_be_played(body: bytes, words: str) -> None:
    with web_camera(lambda _: answer(body, TYPE)) as camera:
        assert str(failure(url_of(camera))) == words


def test_a_piece_that_is_gone_costs_itself_alone(live: tuple[WebCamera, LiveHls]) -> None:
    camera, hls = live
    hls.missing.add("all5.ts")
    with running(url_of(camera), **QUICK) as rig:
        rig.wait_for_frames(25, 20)
    assert rig.reasons() == []


def test_a_list_that_stands_still_is_a_silence(live: tuple[WebCamera, LiveHls]) -> None:
    camera, hls = live
    with running(url_of(camera), **QUICK) as rig:
        rig.wait_for_frames(5)
        hls.frozen_s = time.monotonic()
        rig.wait_for_state(CameraState.BACKOFF, 15)
    assert rig.reasons()[0] == "timeout"
    assert "read_timeout_s" in rig.history[-1].lost_detail


def test_pieces_that_are_none_and_a_server_that_goes_have_names(
    live: tuple[WebCamera, LiveHls],
) -> None:
    camera, hls = live
    with web_camera(LiveHls({f"all{n}.ts": b"no video" * 99 for n in range(9)})) as nonsense:
        error = failure(url_of(nonsense))
    assert error.kind in (Cause.CODEC, Cause.PROTOCOL, Cause.NO_VIDEO, Cause.TIMEOUT), error
    with running(url_of(camera), **QUICK) as rig:
        rig.wait_for_frames(3)
        camera.stop()
        rig.wait_for_state(CameraState.BACKOFF, 15)
        camera.start()
        rig.wait_for_frames(len(rig.frames) + 3)
    assert rig.reasons()[0] in ("refused", "reset", "eof")
    assert hls is not None
