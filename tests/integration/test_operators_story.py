"""The person on call: a camera breaks, is seen to be broken everywhere, and is repaired."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Chromium, chromium
from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.prometheus_server import PrometheusServer, prometheus_server
from tests.support.rtsp_server import RtspServer, rtsp_server
from tests.support.service_manager import ServiceManager
from tests.support.waiting import until

pytestmark = pytest.mark.integration

log = logging.getLogger(__name__)

SMALL = {"model": {"input_size": 128}, "batching": {"max_batch": 2}}
SEEN_S = 20.0  # from the break to each of its signs, on a machine that is busy with tests


class Story:
    """The actors, all of them real: systemd's socket, two cameras, Prometheus, a browser."""

    def __init__(self, folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        enter = stack.enter_context
        self.systemd: ServiceManager = enter(ServiceManager(str(folder / "notify")))
        for name, value in self.systemd.environment.items():
            monkeypatch.setenv(name, value)
        self.gate: RtspServer = enter(rtsp_server())
        self.yard: RtspServer = enter(rtsp_server())
        self.browser: Chromium = enter(chromium(folder / "profile"))
        self.daemon: DaemonProcess = enter(
            running_daemon(folder, SMALL | {"cameras": self.cameras(self.gate)})
        )
        prometheus_folder = folder / "prometheus"
        prometheus_folder.mkdir()
        self.prometheus: PrometheusServer = enter(
            prometheus_server(prometheus_folder, self.daemon.http)
        )
        self._began_s = 0.0

    def cameras(self, gate: RtspServer) -> dict[str, Any]:
        """The section of the file; a lost camera is tried again within the second."""
        hasty = {"reconnect": {"max_s": 1}, "read_timeout_s": 2}
        return {"gate": {"url": gate.url} | hasty, "yard": {"url": self.yard.url} | hasty}

    def begin(self) -> None:
        """From here on `when` counts."""
        self._began_s = time.monotonic()

    def when(self, sign: str, holds: Callable[[], object]) -> None:
        """Wait for a sign, and log how long after the beginning it came."""
        until(holds, SEEN_S)
        log.info("%s after %.1f s", sign, time.monotonic() - self._began_s)

    def badge(self, camera: str) -> str:
        return self.browser.text(f'[data-camera="{camera}"] .badge')

    def alert(self, name: str) -> str:
        """Its state for the camera `gate`, or ''."""
        rule = next(rule for rule in self.prometheus.rules() if rule["name"] == name)
        states = [a["state"] for a in rule["alerts"] if a["labels"]["camera"] == "gate"]
        return str(states[0]) if states else ""

    def up(self, camera: str) -> float | None:
        return self.prometheus.value(f'vedette_camera_up{{camera="{camera}"}}')

    def state(self, camera: str) -> str:
        return str(self.daemon.get_json(f"/api/v1/cameras/{camera}")["state"])


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    with ExitStack() as stack:
        yield Story(tmp_path, stack, monkeypatch)


def test_a_camera_that_breaks_is_seen_everywhere_and_repaired_by_a_reload(story: Story) -> None:
    daemon, browser = story.daemon, story.browser
    story.systemd.wait_for("READY=1")
    story.systemd.wait_for("STATUS=2/2 cameras up", 20)
    browser.get(f"http://{daemon.http}/")
    until(lambda: {story.badge("gate"), story.badge("yard")} == {"live"}, 20)
    until(lambda: story.up("gate") == 1, 20)

    story.begin()
    story.gate.stop()
    story.when("broken: API", lambda: story.state("gate") != "streaming")
    story.when("broken: page", lambda: story.badge("gate") == "no connection")
    story.when("broken: metric", lambda: story.up("gate") == 0)
    story.when("broken: alert pending", lambda: story.alert("CameraDown") == "pending")
    story.systemd.wait_for("STATUS=1/2 cameras up", 20)
    assert (story.badge("yard"), story.up("yard")) == ("live", 1), "the other one goes on"

    with rtsp_server() as replacement:
        story.begin()
        typo = {"url": replacement.url.replace("rtsp:", "rstp:")}
        assert daemon.reload(cameras=story.cameras(story.gate) | {"gate": typo}) == "refused"
        assert "cameras.gate.url" in daemon.log
        assert story.state("yard") == "streaming", "a bad file changes nothing"
        before = daemon.get_json("/api/v1/cameras/yard")["reconnects"]
        applied = daemon.reload(cameras=story.cameras(replacement))
        assert applied.startswith("applied restarted=gate"), applied
        story.when("repaired: API", lambda: story.state("gate") == "streaming")
        story.when("repaired: page", lambda: story.badge("gate") == "live")
        story.when("repaired: metric", lambda: story.up("gate") == 1)
        story.when("repaired: alert gone", lambda: story.alert("CameraDown") == "")
        story.systemd.wait_for("STATUS=2/2 cameras up", 20)
        assert daemon.get_json("/api/v1/cameras/yard")["reconnects"] == before
        reloads = story.prometheus.query("vedette_config_reloads_total")
        counts = {row["metric"]["result"]: row["value"][1] for row in reloads}
        assert (counts["refused"], counts["applied"]) == ("1", "1")
        code, _ = daemon.stop()
    assert code == 0
