"""Whether detections notice a broker: `python -m tests.bench.mqtt_twins`.

Two daemons side by side under whatever else the machine does, the same four cameras each; one has a
broker, which is there, then hangs (SIGSTOP), then is killed. Latency from capture to publication
over ZeroMQ, of both in the same seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tests.fault.stage import SCENE, Listener
from tests.support.daemon_process import DaemonProcess, free_port, running_daemon
from tests.support.mosquitto import mosquitto

CAMERAS = ("a", "b", "c", "d")


def twin(stack: ExitStack, folder: Path, mqtt: dict[str, Any] | None) -> tuple[Listener, Any]:
    """A daemon, and who listens to it."""
    folder.mkdir()
    bind = f"tcp://127.0.0.1:{free_port()}"
    config = {
        "node": folder.name,
        "batching": {"max_batch": 8, "max_delay_ms": 0},
        "cameras": {name: SCENE | {"detect": {"fps": 20}} for name in CAMERAS},
        "sinks": {"zeromq": {"bind": bind}, "mqtt": mqtt},
    }
    program = ("tests.support.staged_daemon",)
    daemon: DaemonProcess = stack.enter_context(running_daemon(folder, config, program=program))
    heard = stack.enter_context(Listener(bind))
    daemon.wait_for(": ready")
    return heard, daemon


def quantiles(heard: Listener, from_s: float, to_s: float) -> tuple[float, float]:
    """Median and p99, ms."""
    totals = [
        message.latency_ms.total
        for camera in CAMERAS
        for at_s, message in list(heard.answers[camera])
        if from_s <= at_s < to_s
    ]
    return float(np.percentile(totals, 50)), float(np.percentile(totals, 99))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each part")
    parser.add_argument("--detections", action="store_true", help="answers for frames as well")
    parser.add_argument("--without", action="store_true", help="neither has one: what twins differ")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        broker = stack.enter_context(mosquitto(folder))
        mqtt = {"host": "127.0.0.1", "port": broker.port, "keepalive_s": 5}
        mqtt |= {"detections": arguments.detections}
        used = None if arguments.without else mqtt
        plain, _ = twin(stack, folder / "plain", None)
        with_broker, daemon = twin(stack, folder / "broker", used)
        if used:
            daemon.wait_for("broker connected")
        for what, do in (("there", None), ("hangs", broker.pause), ("killed", broker.stop)):
            if do is not None:
                do()
            from_s = time.monotonic()
            time.sleep(seconds)
            span = (from_s, time.monotonic())
            (p50, p99), (q50, q99) = (quantiles(one, *span) for one in (plain, with_broker))
            print(
                f"broker {what:6}  p50 {p50:6.2f} → {q50:6.2f} ms ({q50 / p50:.2f} ×)"
                f"  p99 {p99:7.2f} → {q99:7.2f} ms ({q99 / p99:.2f} ×)",
                flush=True,
            )


if __name__ == "__main__":
    main()
