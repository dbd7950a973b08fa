"""A daemon in a process of its own, its cameras, and someone who listens to all that it says."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Any

import numpy as np
import zmq

from sinks.gaps import GapWatch
from sinks.keys import load_public, load_secret
from sinks.messages import DetectionMessage, HeartbeatMessage, StatusMessage, decode
from tests.fault.case import Case
from tests.support.daemon_process import DaemonProcess, free_port, running_daemon
from tests.support.scripted_rtsp import ScriptedCamera, scripted_camera

FPS = 10.0
OPEN_S = READ_S = 2.0
CAMERA = {
    "open_timeout_s": OPEN_S,
    "read_timeout_s": READ_S,
    "detect": {"fps": 2 * FPS, "tiles": {"size": 400}},  # of a scene: three rows a picture
    "reconnect": {"min_s": 0.5, "max_s": 4.0, "slow_s": 4.0},
}
EVERYWHERE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
SEEN = {"objects": {}}  # of a camera whose boxes are asked for, with a gate too
GATE = {"enabled": True, "hold_s": 0.5, "heartbeat_s": 1.0}
SCENE = {"url": "synthetic://scene?size=640x360&fps=10"}
PATIENCE_S = 30.0
GIVEN_BACK_S = 12.0  # ten seconds after a loss the daemon gives memory back to the system
LEAVEN_MB = 20.0  # what memory may grow within seconds: allocators keep some


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds."""

    rss_mb: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> Footprint:
        status = Path(f"/proc/{pid}/status").read_text()
        rss_kb, threads = (
            int(re.findall(rf"{name}:\s+(\d+)", status)[0]) for name in ("VmRSS", "Threads")
        )
        return cls(rss_kb / 1024, threads, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a subscriber needs where CURVE is on."""

    server: Path  # public
    own: Path  # secret

    def use(self, socket: zmq.Socket[bytes]) -> None:
        socket.curve_publickey, socket.curve_secretkey = load_secret(self.own)
        socket.curve_serverkey = load_public(self.server)


class Listener:
    """Keeps every message with the moment it came, on the clock of `time.monotonic`."""

    def __init__(self, endpoint: str, keys: ClientKeys | None = None) -> None:
        self.answers: dict[str, list[tuple[float, DetectionMessage]]] = defaultdict(list)
        self.statuses: dict[str, list[tuple[float, StatusMessage]]] = defaultdict(list)
        self.beats: list[tuple[float, HeartbeatMessage]] = []
        self.lost: dict[str, int] = defaultdict(int)
        self.epochs: set[str] = set()
        self._endpoint = endpoint
        self._keys = keys
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener")

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        watch = GapWatch()
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.set_hwm(0)
            socket.linger = 0
            if self._keys is not None:
                self._keys.use(socket)
            socket.subscribe(b"")
            socket.connect(self._endpoint)
            while not self._over.is_set():
                if not socket.poll(50):
                    continue
                message = decode(*socket.recv_multipart())
                now_s = time.monotonic()
                watch.restarted(message)
                self.epochs.add(message.epoch)
                for (_, camera, _), count in watch.lost(message).items():
                    self.lost[camera] += count
                if isinstance(message, DetectionMessage):
                    self.answers[message.camera].append((now_s, message))
                elif isinstance(message, StatusMessage):
                    self.statuses[message.camera].append((now_s, message))
                elif isinstance(message, HeartbeatMessage):
                    self.beats.append((now_s, message))


class Stage:
    """What a row looks at while the daemon runs."""

    def __init__(self, case: Case, daemon: DaemonProcess, heard: Listener) -> None:
        self.case = case
        self.daemon = daemon
        self.heard = heard
        self._mark: Footprint | None = None

    @property
    def pid(self) -> int:
        return self.daemon.process.pid

    def wait(self, done: Any, timeout_s: float = PATIENCE_S, what: str = "") -> None:
        deadline_s = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline_s, f"{what} not within {timeout_s} s\n{self.log}"
            assert self.daemon.process.poll() is None, f"the daemon ended\n{self.log}"
            time.sleep(0.01)

    @property
    def log(self) -> str:
        return self.daemon.log[-6000:]

    def answer_after(self, camera: str, at_s: float, count: int = 1) -> float:
        """Seconds from `at_s` until that many answers for pictures of this camera have come."""
        self.wait(lambda: len(self.answers(camera, at_s)) >= count, what=f"answers of {camera}")
        return self.answers(camera, at_s)[count - 1][0] - at_s

    def answers(
        self, camera: str, from_s: float = 0.0, to_s: float = 1e12
    ) -> list[tuple[float, DetectionMessage]]:
        return [a for a in list(self.heard.answers[camera]) if from_s <= a[0] < to_s]

    def loss_after(self, camera: str, at_s: float) -> tuple[float, str]:
        """Seconds until the camera was reported lost, and why."""

        def lost() -> list[tuple[float, StatusMessage]]:
            statuses = list(self.heard.statuses[camera])
            return [s for s in statuses if s[0] >= at_s and s[1].state in ("backoff", "failed")]

        self.wait(lost, what=f"loss of {camera}")
        return lost()[0][0] - at_s, lost()[0][1].reason

    def steady(self, cameras: Sequence[str], answers: int = 8) -> None:
        """Every one of these cameras gives answers; what the process holds now is its mark."""
        now_s = time.monotonic()
        for camera in cameras:
            self.answer_after(camera, now_s, answers)
        if self._mark is None:
            self.series()  # the first request starts a thread that stays
            self._mark = Footprint.of(self.pid)

    def remark(self, cameras: Sequence[str]) -> None:
        """The mark is what the process holds now."""
        self._mark = None
        self.steady(cameras)

    def p99_ms(self, cameras: Sequence[str], *spans: tuple[float, float]) -> float:
        """From capture to publication, in these spans of time."""
        totals = [
            message.latency_ms.total
            for camera in cameras
            for span in spans
            for _, message in self.answers(camera, *span)
        ]
        return float(np.percentile(totals, 99))

    def quiet(self, seconds: float) -> tuple[float, float]:
        """Let a while pass; returns when it was."""
        from_s = time.monotonic()
        time.sleep(seconds)
        return from_s, time.monotonic()

    def cpu_share(self, seconds: float) -> float:
        """Of one core, over the next seconds."""
        before = self._cpu_s()
        time.sleep(seconds)
        return (self._cpu_s() - before) / seconds

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def series(self) -> dict[str, float]:
        """Everything at /metrics."""
        status, page = self.daemon.get("/metrics")
        assert status == 200, f"{page!r}\n{self.log}"
        lines = page.decode().splitlines()
        rows = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def untouched(self, cameras: Sequence[str], from_s: float, to_s: float) -> None:
        """These cameras have not noticed anything in that time."""
        case = self.case
        losses = [
            status  # newcomers are told the old ones again, and everyone hears that
            for camera in cameras
            for at_s, status in list(self.heard.statuses[camera])
            if from_s < at_s < to_s and status.state in ("backoff", "failed")
        ]
        case.equal("other cameras: losses", len(losses), 0)
        case.equal("other cameras: gaps in seq", sum(self.heard.lost[c] for c in cameras), 0)
        # One more: a picture that the beginning of the window cuts off.
        rates = [(len(self.answers(c, from_s, to_s)) + 1) / (to_s - from_s) for c in cameras]
        case.at_least("other cameras: slowest", min(rates), 0.95 * FPS, "fps")

    def end(self) -> None:
        """Nothing has grown; the daemon stops in order, its books balance, its log is clean."""
        case = self.case
        if self._mark is not None:
            self._compare(self._mark)
        case.equal("restarts", max(0, len(self.heard.epochs) - 1), 0)
        code, _ = self.daemon.stop()
        case.equal("exit code", code, 0)
        self.check_books()

    def check_books(self) -> None:
        """What the last line of the log says, and that no exception went unhandled."""
        line = next((line for line in self.daemon.lines if "stopped captured=" in line), "")
        if gated := re.findall(r"gated=(\d+)", line):
            self.case.note("gated", float(gated[0]), "")
        self.case.equal(
            "books", "balanced" if "in_flight=0 balanced=True" in line else line, "balanced"
        )
        unhandled = len(re.findall("Traceback|Exception ignored|crashed", self.daemon.log))
        self.case.equal("unhandled exceptions", unhandled, 0)

    def _compare(self, mark: Footprint) -> None:
        deadline_s = time.monotonic() + GIVEN_BACK_S
        now = Footprint.of(self.pid)
        while (
            now.threads > mark.threads
            or now.descriptors > mark.descriptors
            or now.rss_mb > mark.rss_mb + LEAVEN_MB
        ):
            if time.monotonic() > deadline_s:
                break
            time.sleep(0.1)
            now = Footprint.of(self.pid)
        self.case.at_most("threads more", now.threads - mark.threads, 0)
        self.case.at_most("descriptors more", now.descriptors - mark.descriptors, 0)
        self.case.at_most("RSS more", now.rss_mb - mark.rss_mb, LEAVEN_MB, "MB")


@contextmanager
def stage(
    case: Case,
    cameras: Mapping[str, Mapping[str, Any]],
    *arguments: str,
    zeromq: Mapping[str, Any] | None = None,
    jsonl: Mapping[str, Any] | None = None,
    keys: ClientKeys | None = None,
    environment: Mapping[str, str] | None = None,
    **sections: Any,
) -> Iterator[Stage]:
    """A running daemon with these cameras; `arguments` are `tests.support.staged_daemon`'s."""
    sink = {"bind": f"tcp://127.0.0.1:{free_port()}", **(zeromq or {})}
    whole = {name: CAMERA | camera for name, camera in cameras.items()}
    config = {
        "cameras": _gated(whole) if case.gated else whole,
        # No waiting for a fuller batch: how long that takes depends on how cameras' moments lie.
        "batching": {"max_batch": 8, "max_delay_ms": 0},
        "sinks": {"zeromq": sink, "jsonl": jsonl},
    } | sections
    program = ("tests.support.staged_daemon",)
    folder = Path(mkdtemp(dir=case.folder))
    with (
        running_daemon(
            folder, config, *arguments, program=program, environment=environment
        ) as daemon,
        Listener(sink["bind"], keys) as heard,
    ):
        daemon.zeromq = sink["bind"]
        staged = Stage(case, daemon, heard)
        daemon.wait_for(": ready")
        yield staged
        if daemon.process.poll() is None:
            staged.end()


def _gated(cameras: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """With a gate each: the first, which is the faulty one, and every other one see neither change
    nor objects (unless they must), so that their gates close; what the others see decides which
    tiles are looked at.
    """
    closed = {"gate": GATE | {"ignore": [EVERYWHERE]}}, {"filters": {"block": {"min_score": 1.0}}}
    looking = cycle([closed, ({"gate": GATE}, {})])
    return {
        name: {"objects": objects, **camera, "detect": {**camera["detect"], **detect}}
        for (name, camera), (detect, objects) in zip(cameras.items(), looking, strict=False)
    }


@contextmanager
def four_cameras(
    case: Case, *arguments: str, fields: Mapping[str, Any] = MappingProxyType({}), **sections: Any
) -> Iterator[tuple[Stage, ScriptedCamera]]:
    """Camera `faulty`, scripted and with these `fields`, beside three others that must not notice;
    all of them stream.
    """
    with ExitStack() as stack:
        faulty = stack.enter_context(scripted_camera(fps=FPS))
        others = {
            name: {"url": stack.enter_context(scripted_camera(fps=FPS)).url} for name in OTHERS
        }
        cameras = {"faulty": {"url": faulty.url, **fields}, **others}
        staged = stack.enter_context(stage(case, cameras, *arguments, **sections))
        staged.steady(["faulty", *OTHERS])
        yield staged, faulty


OTHERS = ("b", "c", "d")
