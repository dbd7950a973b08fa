"""An MQTT sink with its thread, fed by hand, and a real broker to feed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from config.camera import CameraConfig
from config.mqtt import MqttConfig
from daemon.clock import SystemClock
from sinks.links import LinkState
from sinks.mqtt.sink import MqttSink
from sinks.sink import SinkWorker
from tests.support.fakes import camera_config
from tests.support.messages import NODE
from tests.support.waiting import until

AREA = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
GATE = camera_config(
    objects={"labels": ["person"]},
    zones={"lawn": {"area": AREA}},
    lines={"door": {"from": [0.1, 0.1], "to": [0.9, 0.9], "left": "in", "right": "out"}},
)


class MqttRig:
    def __init__(
        self, port: int, cameras: Mapping[str, CameraConfig], *, node: str, **config: Any
    ) -> None:
        self.config = MqttConfig.model_validate({"host": "127.0.0.1", "port": port} | config)
        clock = SystemClock()
        self.sink = MqttSink(self.config, clock, node=node, cameras=cameras)
        self.worker = SinkWorker(self.sink, clock)

    def start(self) -> None:
        self.worker.open()
        self.worker.start()

    def connected(self, timeout_s: float = 10.0) -> None:
        until(lambda: self.sink.link.state is LinkState.CONNECTED, timeout_s)

    def away(self, reason: str, timeout_s: float = 10.0) -> None:
        until(lambda: self.sink.link.reason == reason, timeout_s)

    def settled(self, timeout_s: float = 10.0) -> None:
        """Everything that there was to send is sent; what was just taken from a queue is in none
        for a moment.
        """

        def is_empty() -> bool:
            return self.worker.counts().queued == 0 and self.sink._outgoing.empty

        until(is_empty, timeout_s)
        threading.Event().wait(0.05)
        until(is_empty, timeout_s)


@contextmanager
def mqtt_rig(
    port: int,
    cameras: Mapping[str, CameraConfig] | None = None,
    *,
    node: str = NODE,
    start: bool = True,
    **config: Any,
) -> Iterator[MqttRig]:
    """Stopped at the end."""
    rig = MqttRig(port, {"gate": GATE} if cameras is None else cameras, node=node, **config)
    if start:
        rig.start()
    try:
        yield rig
    finally:
        assert rig.worker.stop(0.4)
