"""Cameras on a real RTSP server: transports, logins, losses and returns."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState
from daemon.capture import CaptureError, Cause, open_source, stalled
from daemon.clock import SystemClock
from tests.support.capture_rig import INPUT, running
from tests.support.clips import repeat
from tests.support.fault_proxy import fault_proxy, silent_server, unharmed
from tests.support.rtsp_server import STREET, RtspServer, rtsp_server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nothing_leaks")]
QUICK = {
    "detect": {"fps": 10.0},
    "open_timeout_s": 2.0,
    "read_timeout_s": 1.0,
    "reconnect": {"min_s": 0.2, "max_s": 1.0},
}
SECRET = "canary-p@ss:word/1"


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with rtsp_server() as started:
        yield started


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_streams(server: RtspServer, transport: str) -> None:
    with running(server.url, **QUICK, transport=transport) as rig:
        rig.wait_for_frames(20)
    stream = rig.status.stream
    assert stream is not None
    assert (stream.codec, stream.width, stream.height) == ("h264", 768, 576)
    assert (stream.transport, stream.decoder) == (transport, "software")
    assert rig.frames[-1].rows[0].letterbox.source_wh == (768, 576)
    assert rig.frames[-1].picture.to_bgr().shape == (576, 768, 3)
    captured = [frame.captured_s for frame in rig.frames]
    assert captured == sorted(captured)
    assert rig.observer.connects[0] < 1.5
    assert rig.page.dropped[Drop.CORRUPT] == 0
    assert rig.reasons() == []


def test_frames_beyond_the_cap_are_counted_and_harm_no_other(server: RtspServer) -> None:
    with running(server.url, **QUICK | {"detect": {"fps": 5.0}}) as rig:
        rig.wait_for_frames(12)
    assert rig.page.dropped[Drop.CORRUPT] == 0
    assert 0.4 <= len(rig.frames) / rig.page.captured <= 0.6
    times = [frame.pts_s for frame in rig.frames[1:] if frame.pts_s is not None]
    assert np.diff(times) == pytest.approx(0.2, abs=1e-3)


def test_a_long_recording_is_served_without_encoding(tmp_path: Path) -> None:
    long = repeat(STREET, tmp_path / "long.mp4", 3)
    with (
        rtsp_server(long) as server,
        running(server.url, **QUICK) as rig,
    ):
        rig.wait_for_frames(3)
    with av.open(str(long)) as container:
        assert container.streams.video[0].frames == 900


def test_a_login_is_used_and_shown_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "gate"
    secret.write_text(f"viewer:{SECRET}")
    secret.chmod(0o600)
    with (
        rtsp_server(login=("viewer", SECRET)) as server,
        running(server.url, **QUICK, credential=f"file:{secret}") as rig,
    ):
        rig.wait_for_frames(3)
        server.stop()
        rig.wait_for_state(CameraState.BACKOFF)


def test_a_refused_login_goes_to_the_slow_lane(tmp_path: Path) -> None:
    secret = tmp_path / "gate"
    secret.write_text("viewer:canary-wrong")
    secret.chmod(0o600)
    with rtsp_server(login=("viewer", SECRET)) as server:
        for credential in (f"file:{secret}", None):
            with running(server.url, **QUICK, credential=credential) as rig:
                rig.wait_for_state(CameraState.BACKOFF)
                assert rig.status.reason == "auth"
                assert rig.status.retry_s == 60.0


def test_a_wrong_path_goes_to_the_slow_lane(server: RtspServer) -> None:
    with running(server.url_of("/nothing"), **QUICK) as rig:
        rig.wait_for_state(CameraState.BACKOFF)
    assert rig.status.reason == "not_found"
    assert rig.status.retry_s == 60.0


def test_a_closed_port_and_an_unknown_host_have_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for host, reason in ((f"127.0.0.1:{port}", "refused"), ("no-such-host.invalid", "dns")):
        with running(f"rtsp://{host}/stream", **QUICK) as rig:
            rig.wait_for_state(CameraState.BACKOFF)
        assert rig.reasons()[0] == reason


def test_an_open_that_gets_no_answer_is_bounded_in_parallel() -> None:
    camera = CameraConfig.model_validate({"url": "rtsp://h/p", **QUICK, "open_timeout_s": 1.0})
    took_s: list[float] = []
    kinds: list[Cause] = []

    def attempt(port: int) -> None:
        started_s = time.monotonic()
        silent = camera.model_copy(update={"url": f"rtsp://127.0.0.1:{port}/stream"})
        try:
            open_source(silent, input_spec=INPUT, clock=SystemClock(), pause=lambda _s: False)
        except CaptureError as error:
            took_s.append(time.monotonic() - started_s)
            kinds.append(error.kind)

    with silent_server() as port:
        threads = [threading.Thread(target=attempt, args=(port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds == [Cause.TIMEOUT] * 8
    assert max(took_s) <= 1.3
    print(f"8 parallel opens without an answer: {min(took_s):.2f} to {max(took_s):.2f} s of 1.0 s")


def test_one_deadline_holds_for_connecting_and_for_finding_the_stream(server: RtspServer) -> None:
    """A server that answers every request late, and then brings no media."""
    with fault_proxy(server.port) as proxy:
        proxy.delay_s = 0.25
        proxy.damage = lambda data: data.split(b"$\x00")[0]  # interleaved media begins so
        camera = CameraConfig.model_validate(
            {"url": f"rtsp://127.0.0.1:{proxy.port}/stream", **QUICK, "open_timeout_s": 2.5}
        )
        started_s = time.monotonic()
        with pytest.raises(CaptureError) as caught:
            open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _s: False)
        took_s = time.monotonic() - started_s
    assert 2.4 <= took_s <= 2.8
    assert str(caught.value) == "timeout: it agreed to send, and no media came"


def test_a_stop_during_an_open_is_bounded_by_the_open() -> None:
    with silent_server() as port, running(f"rtsp://127.0.0.1:{port}/s", **QUICK) as rig:
        time.sleep(0.2)
        started_s = time.monotonic()
        rig.worker.request_stop()
        assert not rig.worker.join(0.1)
        assert rig.worker.join(3.0)
    assert time.monotonic() - started_s <= 2.3


def test_a_frozen_stream_stalls_and_is_then_lost_by_timeout(server: RtspServer) -> None:
    with (
        fault_proxy(server.port) as proxy,
        running(f"rtsp://127.0.0.1:{proxy.port}/stream", **QUICK | {"read_timeout_s": 2.0}) as rig,
    ):
        rig.wait_for_frames(5)
        assert not stalled(rig.status, rig.clock.now_s())
        proxy.frozen.set()
        frozen_s = time.monotonic()
        rig.wait_for(lambda: stalled(rig.status, rig.clock.now_s()), 1.5)
        rig.wait_for_state(CameraState.BACKOFF, 3)
        took_s = time.monotonic() - frozen_s
        proxy.break_all(reset=False)
        proxy.frozen.clear()
        seen = len(rig.frames)
        rig.wait_for_frames(seen + 5)
    print(f"frozen stream noticed after {took_s:.2f} s of 2.0 s")
    assert rig.reasons()[0] == "timeout"
    assert took_s <= 2.5


@pytest.mark.parametrize("reset", [True, False])
def test_a_broken_connection_is_noticed_at_once_and_made_again(
    server: RtspServer, reset: bool
) -> None:
    with (
        fault_proxy(server.port) as proxy,
        running(f"rtsp://127.0.0.1:{proxy.port}/stream", **QUICK) as rig,
    ):
        for _ in range(3):
            seen, losses = len(rig.frames), len(rig.reasons())
            rig.wait_for_frames(seen + 2)
            broken_s = time.monotonic()
            proxy.break_all(reset=reset)
            rig.wait_for(lambda losses=losses: len(rig.reasons()) > losses)  # type: ignore[misc]
            assert time.monotonic() - broken_s < 0.5
    assert set(rig.reasons()) <= {"eof", "reset"}


def test_connections_that_break_at_any_byte_never_crash_the_camera(server: RtspServer) -> None:
    with (
        fault_proxy(server.port) as proxy,
        running(
            f"rtsp://127.0.0.1:{proxy.port}/stream",
            **QUICK | {"reconnect": {"min_s": 0.01, "max_s": 0.01}},
        ) as rig,
    ):
        proxy.break_at_random(Random(1), within=60_000)
        rig.wait_for(lambda: rig.status.reconnects >= 60, 20)
        proxy.damage = unharmed
        seen = len(rig.frames)
        rig.wait_for_frames(seen + 5)
    assert set(rig.reasons()) <= {"eof", "reset", "protocol", "no_video"}


def test_a_server_that_was_killed_is_found_again(server: RtspServer) -> None:
    with running(server.url, **QUICK) as rig:
        rig.wait_for_frames(5)
        server.stop()
        rig.wait_for_state(CameraState.BACKOFF, 1.5)
        rig.wait_for(lambda: "refused" in rig.reasons())
        server.start()
        back_s = time.monotonic()
        seen = len(rig.frames)
        rig.wait_for_frames(seen + 1)
        took_s = time.monotonic() - back_s
        rig.wait_for_frames(seen + 10)
    print(f"first frame {took_s:.2f} s after the server was back")
    assert took_s <= 3.0
    assert rig.status.reconnects >= 2


def test_damaged_media_is_counted_and_the_camera_goes_on(server: RtspServer) -> None:
    with (
        fault_proxy(server.port) as proxy,
        running(f"rtsp://127.0.0.1:{proxy.port}/stream", **QUICK) as rig,
    ):
        rig.wait_for_frames(5)
        count = 0

        def flip(data: bytes) -> bytes:
            nonlocal count
            count += 1
            if count % 3 or len(data) < 1000:
                return data
            return data[:700] + bytes([data[700] ^ 0xFF]) + data[701:]

        proxy.damage = flip
        rig.wait_for(lambda: rig.page.dropped[Drop.CORRUPT] > 0)
        proxy.damage = unharmed
        seen = len(rig.frames)
        rig.wait_for_frames(seen + 25)
    assert rig.observer.errors


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 4000, b"", b"RTSP/1.0 200 OK\r\n\r\n"],
)
def test_garbage_instead_of_rtsp_is_named_protocol(answer: bytes) -> None:
    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    client.recv(4096)
                    client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"rtsp://127.0.0.1:{listener.getsockname()[1]}/s"
        camera = CameraConfig.model_validate({"url": url, **QUICK, "open_timeout_s": 1.0})
        with pytest.raises(CaptureError) as caught:
            open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _s: False)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert caught.value.kind in (
        Cause.PROTOCOL,
        Cause.EOF,
        Cause.RESET,
        Cause.NO_VIDEO,
    )


def test_eight_cameras_share_one_process(server: RtspServer) -> None:
    with ExitStack() as stack:
        rigs = [
            stack.enter_context(running(server.url, **QUICK, rig={"name": f"cam{number}"}))
            for number in range(8)
        ]
        for rig in rigs:
            rig.wait_for_frames(10, 20)
    assert all(rig.reasons() == [] for rig in rigs)
