"""Somebody who hears all that the servers of a fleet answer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import zmq

from sinks.messages import DetectionMessage, decode

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, as it came."""

    camera: str
    node: str
    grant: int
    captured_ns: int
    at_s: float
    seq: int = 0


def heard_of(message: DetectionMessage) -> Heard:
    """With the moment of its picture by this machine's clock: that of its server may be set to
    another hour (`Rig.set_clock`).
    """
    set_ns = round((message.published_ns - time.time_ns()) / HOUR_NS) * HOUR_NS
    return Heard(
        message.camera,
        message.node,
        int(message.grant or 0),
        message.captured_ns - set_ns,
        time.monotonic(),
        message.seq,
    )


@dataclass
class Listener:
    """Subscribes to every node."""

    endpoints: list[str]
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Listener:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        context = zmq.Context()
        with context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.RECONNECT_IVL, 50)
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
            socket.setsockopt(zmq.LINGER, 0)
            socket.subscribe(b"det.")
            for endpoint in self.endpoints:
                socket.connect(endpoint)
            while not self._stopping.is_set():
                if socket.poll(100):
                    message = decode(*socket.recv_multipart())
                    assert isinstance(message, DetectionMessage)
                    self.heard.append(heard_of(message))
        context.term()

    def of(self, camera: str, since_s: float = 0.0) -> list[Heard]:
        return [one for one in list(self.heard) if one.camera == camera and one.at_s >= since_s]

    def gap_s(self, camera: str, since_s: float) -> float:
        """The longest time without an answer, up to now."""
        before = [one.at_s for one in self.of(camera) if one.at_s < since_s][-1:]
        times = [*before, *(one.at_s for one in self.of(camera, since_s)), time.monotonic()]
        return max(b - a for a, b in pairwise(times))

    def doubles(self) -> int:
        """Answers of an older grant whose picture is no older than the first of a newer one."""
        count = 0
        for camera in {one.camera for one in list(self.heard)}:
            first: dict[int, int] = {}
            for one in self.of(camera):
                first[one.grant] = min(one.captured_ns, first.get(one.grant, one.captured_ns))
            for one in self.of(camera):
                newer = [ns for grant, ns in first.items() if grant > one.grant]
                count += any(one.captured_ns >= ns for ns in newer)
        return count

    def overtaken(self) -> int:
        """Answers of an older grant that came after the first of a newer one."""
        newest: dict[str, int] = {}
        count = 0
        for one in list(self.heard):
            newest[one.camera] = max(one.grant, newest.get(one.camera, 0))
            count += one.grant < newest[one.camera]
        return count
