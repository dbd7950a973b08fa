"""What 64 busy cameras cost at a broker: `python -m tests.bench.mqtt`.

A real mosquitto on loopback. Every camera has two labels, two zones and a line; its counts change
five times a second, the most that the daemon sends, and an object comes or goes every two seconds,
each with a picture. Processor time is that of the two threads of the sink, beside the same
messages as JSON lines into a file, which is the cheapest sink there is.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.schema import JsonlConfig
from daemon.clock import SystemClock
from sinks.envelope import Envelope
from sinks.highlights import Highlight
from sinks.jsonl import JsonlSink
from sinks.messages import CountMessage
from sinks.mqtt.sink import MqttSink
from sinks.sink import SinkWorker
from tests.support.fakes import camera_config
from tests.support.messages import EPOCH, NODE, event, status
from tests.support.mosquitto import kept, mosquitto
from tests.support.mqtt_rig import AREA, MqttRig

COUNTS_PER_S = 5
JPEG = b"\xff\xd8" + bytes(60_000)
CAMERA = camera_config(
    objects={"labels": ["person", "car"]},
    zones={"lawn": {"area": AREA}, "drive": {"area": AREA}},
    lines={"door": {"from": [0.1, 0.1], "to": [0.9, 0.9], "left": "in", "right": "out"}},
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a sink over some seconds; processor time as a share of one core."""

    cpu: float
    messages_per_s: float
    kilobytes_per_s: float


def count(camera: str, tick: int) -> Envelope:
    """Three of its topics differ from those of the tick before."""
    return Envelope(
        CountMessage(
            epoch=EPOCH,
            node=NODE,
            camera=camera,
            present={"person": tick % 3, "car": 1},
            zones={"lawn": {"person": tick % 2}, "drive": {"car": 1}},
            lines={"door": {"person": {"in": tick, "out": 0}}},
            since_ns=1,
        )
    )


def events(camera: str, tick: int) -> Iterator[Envelope]:
    """Every two seconds; the phase changes."""
    every = 2 * COUNTS_PER_S
    if tick % every == 0:
        number = tick // every
        phase = "end" if number % 2 else "new"
        yield event(camera, number + 1, phase=phase, id=f"{EPOCH}-{camera}-{number // 2}")


def picture(camera: str, tick: int) -> Highlight:
    """Of 60 KB, each another one."""
    box, jpeg = (0.0, 0.0, 1.0, 1.0), JPEG + tick.to_bytes(4, "big")
    return Highlight("id", camera, 1, "person", 0.9, box, (640, 360), 1, ended=False, jpeg=jpeg)


def thread_s(*names: str) -> float:
    """Processor time that threads of these names have taken."""
    now = {thread.name: thread.native_id for thread in threading.enumerate()}
    ticks = 0
    for name in names:
        fields = Path(f"/proc/self/task/{now[name]}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def feed(worker: SinkWorker, cameras: list[str], seconds: float, sink: MqttSink | None) -> None:
    """In real time."""
    began_s = time.monotonic()
    pause = threading.Event()
    for tick in range(1, int(seconds * COUNTS_PER_S) + 1):
        for camera in cameras:
            worker.put(count(camera, tick))
            for envelope in events(camera, tick):
                worker.put(envelope)
                if sink is not None:
                    sink._snapshots.put(picture(camera, tick))
        pause.wait(max(0.0, began_s + tick / COUNTS_PER_S - time.monotonic()))


def through_mqtt(folder: Path, cameras: list[str], seconds: float) -> tuple[Cost, int, int]:
    with mosquitto(folder) as broker:
        rig = MqttRig(broker.port, dict.fromkeys(cameras, CAMERA), node=NODE)
        rig.start()
        for camera in cameras:
            rig.worker.put(status(camera))
        rig.connected()
        rig.settled()
        before, before_s = rig.sink._outgoing.load(), thread_s("sink:mqtt", "mqtt:link")
        feed(rig.worker, cameras, seconds, rig.sink)
        took_s = thread_s("sink:mqtt", "mqtt:link") - before_s
        rig.settled()
        load = rig.sink._outgoing.load()
        topics = len(kept(broker.port))
        lost = sum(rig.worker.counts().dropped.values())
        rig.worker.stop(0.4)
    cost = Cost(
        took_s / seconds,
        (load.messages - before.messages) / seconds,
        (load.sent_bytes - before.sent_bytes) / seconds / 1e3,
    )
    return cost, topics, lost


def through_jsonl(folder: Path, cameras: list[str], seconds: float) -> Cost:
    """Events and counts, as text."""
    config = JsonlConfig(path=folder / "lines.jsonl")
    sink = JsonlSink(config, SystemClock())
    sink.kinds = frozenset({count("a", 1).kind, event().kind})  # type: ignore[misc]
    worker = SinkWorker(sink, SystemClock())
    worker.open()
    worker.start()
    before_s = thread_s("sink:jsonl")
    feed(worker, cameras, seconds, None)
    took_s = thread_s("sink:jsonl") - before_s
    counts = worker.counts()
    worker.stop(0.4)
    sent = sum(counts.published.values())
    return Cost(took_s / seconds, sent / seconds, counts.published_bytes / seconds / 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    cameras = [f"cam{number}" for number in range(arguments.cameras)]
    with tempfile.TemporaryDirectory() as name:
        lines = through_jsonl(Path(name), cameras, arguments.seconds)
        mqtt, topics, lost = through_mqtt(Path(name), cameras, arguments.seconds)
    for what, cost in (("jsonl", lines), ("mqtt", mqtt)):
        print(
            f"{what:6} {cost.messages_per_s:7.0f} messages/s {cost.kilobytes_per_s:7.0f} KB/s"
            f" {100 * cost.cpu:6.1f} % of a core"
        )
    print(f"mqtt/jsonl {mqtt.cpu / max(lines.cpu, 1e-9):.1f} ×, {topics} topics kept, {lost} lost")


if __name__ == "__main__":
    main()
