"""Servers that others wrote, killed and started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from daemon.books.states import CameraState
from tests.fault.case import LOAD
from tests.support.capture_rig import nothing_left_behind, running
from tests.support.rtsp_server import RtspServer, rtsp_server
from tests.support.vlc_server import VlcServer, vlc_server

pytestmark = pytest.mark.fault
READ_S = 2.0
QUICK = {
    "detect": {"fps": 20.0},
    "open_timeout_s": 2.0,
    "read_timeout_s": READ_S,
    "reconnect": {"min_s": 0.2, "max_s": 1.0, "slow_s": 1.0},
}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_servers_own_clock_is_published_where_it_is_asked_for(transport: str) -> None:
    """GStreamer's sender reports tell this machine's clock."""
    with rtsp_server() as server:
        options = QUICK | {"transport": transport, "time_source": "rtcp"}
        with running(server.url, **options) as rig:
            rig.wait_for(lambda: any(frame.time_source == "rtcp" for frame in rig.frames), 15)
            rig.wait_for_frames(len(rig.frames) + 10)
            arrived_ns = rig.clock.wall_ns() - int(
                (rig.clock.now_s() - rig.frames[-1].captured_s) * 1e9
            )
    assert rig.frames[0].time_source == "wallclock", "nothing is known before the first report"
    assert abs(arrived_ns - rig.frames[-1].captured_ns) < LOAD * 0.5e9
    assert abs(rig.observer.behind_s[-1]) < LOAD * 0.5


@pytest.mark.parametrize(
    ("serve", "transport"), [(rtsp_server, "tcp"), (rtsp_server, "udp"), (vlc_server, "udp")]
)
def test_a_real_server_is_lost_and_found(
    serve: Callable[[], AbstractContextManager[RtspServer | VlcServer]], transport: str
) -> None:
    with nothing_left_behind(), serve() as server:
        with running(server.url, transport=transport, **QUICK) as rig:
            rig.wait_for_frames(10)
            killed_s = time.monotonic()
            server.stop()
            rig.wait_for_state(CameraState.BACKOFF)
            assert time.monotonic() - killed_s <= LOAD * (READ_S + 0.5)
            server.start()
            seen = len(rig.frames)
            rig.wait_for_frames(seen + 10, 20)
        assert rig.frames[-1].rows[0].letterbox.source_wh == (768, 576)
        server.stop()
