"""Row 22: eight cameras for a long time, four of which suffer whatever the other rows hold.

python -m tests.fault.soak [MINUTES [SEED]]   is `make soak`
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from tests.fault.case import Case, Row
from tests.fault.links import losses, many_reconnects, proxied
from tests.fault.stage import FPS, Footprint, Stage, stage
from tests.fault.streams import HOUR, flipped, switch
from tests.fault.subscribers import frozen_subscriber, throw_garbage
from tests.support.fault_proxy import FaultProxy, fault_proxy, unharmed
from tests.support.scripted_rtsp import ScriptedCamera, Unit, clip, scripted_camera

BOUT_S = 60.0  # of faults, until everybody is well for a moment and memory is looked at
CALM_S = 15.0  # until what was freed went back to the system
BOOKS_S = 5.0
SLOPE_MINUTES = 10.0  # in less time the growth of an hour cannot be told from chance
Undo = Callable[[], None]


class Patient:
    """A camera to which one thing after another happens."""

    def __init__(self, server: ScriptedCamera, proxy: FaultProxy, random: Random) -> None:
        self._server = server
        self._proxy = proxy
        self._random = random
        self._ends_s = 0.0
        self._undo: Undo | None = None
        self.suffered: list[str] = []

    def look(self, now_s: float) -> None:
        """Now and then: begin or end a fault."""
        if self._undo is not None and now_s >= self._ends_s:
            self.recover()
        elif self._undo is None and self._random.random() < 0.1:
            fault = self._random.choice(FAULTS)
            self.suffered.append(fault.__name__)
            self._ends_s = now_s + self._random.uniform(1.0, 8.0)
            self._undo = fault(self._server, self._proxy, self._random)

    def recover(self) -> None:
        if self._undo is not None:
            self._undo()
            self._undo = None


def stopped(server: ScriptedCamera, _: FaultProxy, __: Random) -> Undo:
    server.stop()
    return server.start


def frozen(server: ScriptedCamera, _: FaultProxy, __: Random) -> Undo:
    server.frozen = True
    return lambda: setattr(server, "frozen", False)


def broken(_: ScriptedCamera, proxy: FaultProxy, random: Random) -> Undo:
    proxy.break_all(reset=random.random() < 0.5)
    return lambda: None


def late(_: ScriptedCamera, proxy: FaultProxy, random: Random) -> Undo:
    def delay(data: bytes) -> bytes:
        time.sleep(random.uniform(0.1, 0.3))
        return data

    proxy.damage = delay
    return lambda: setattr(proxy, "damage", unharmed)


def _edited(server: ScriptedCamera, edit: Callable[[Unit], Unit | None]) -> Undo:
    server.edit = edit
    return lambda: setattr(server, "edit", lambda unit: unit)


def damaged(server: ScriptedCamera, _: FaultProxy, random: Random) -> Undo:
    return _edited(server, partial(flipped, random=random))


def jumping(server: ScriptedCamera, _: FaultProxy, random: Random) -> Undo:
    ticks = random.choice((HOUR, -HOUR, 7))
    return _edited(server, lambda unit: replace(unit, timestamp=unit.timestamp + ticks))


def without_parameters(server: ScriptedCamera, _: FaultProxy, __: Random) -> Undo:
    return _edited(server, Unit.without_parameters)


def another_size(server: ScriptedCamera, _: FaultProxy, random: Random) -> Undo:
    switch(server, clip(*random.choice(((320, 240), (1280, 720), (16, 16)))))
    return lambda: switch(server, clip())


FAULTS = (
    stopped, frozen, broken, late, damaged, jumping, without_parameters, another_size
)  # fmt: skip


class Disturbance(threading.Thread):
    """What happens to the process as a whole: subscribers, reloads, garbage, in turns."""

    def __init__(self, staged: Stage, random: Random) -> None:
        super().__init__(name="disturbance")
        self._staged = staged
        self._random = random
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(self._random.uniform(2.0, 10.0)):
            what = self._random.randrange(4)
            if what == 0:
                with frozen_subscriber(self._staged.daemon.zeromq):
                    self.over.wait(self._random.uniform(1.0, 10.0))
            elif what == 1:
                self._staged.daemon.process.send_signal(signal.SIGHUP)
            elif what == 2:
                throw_garbage(self._staged.daemon.zeromq)
            else:
                self._staged.series()


@contextmanager
def eight_cameras(case: Case, random: Random) -> Iterator[tuple[Stage, list[Patient], list[str]]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(scripted_camera(fps=FPS)) for _ in range(8)]
        proxies = [stack.enter_context(fault_proxy(server.port)) for server in servers]
        cameras = {f"cam{n}": {"url": proxied(proxy)} for n, proxy in enumerate(proxies)}
        staged = stack.enter_context(stage(case, cameras))
        staged.steady(list(cameras))
        patients = [Patient(s, p, random) for s, p in zip(servers[:4], proxies[:4], strict=True)]
        yield staged, patients, list(cameras)[4:]


def soak(case: Case, minutes: float, seed: int = 22) -> None:
    random = Random(seed)
    with eight_cameras(case, random) as (staged, patients, healthy):
        quiet_s = min(120.0, 60 * minutes / 10)
        before = staged.quiet(quiet_s)
        disturbance = Disturbance(staged, random)
        disturbance.start()
        from_s = time.monotonic()
        calm_s = min(CALM_S, 60 * minutes / 10)
        unbalanced, samples = suffer(staged, patients, from_s + 60 * minutes, calm_s)
        to_s = time.monotonic()
        disturbance.over.set()
        disturbance.join()
        case.note("faults", sum(len(patient.suffered) for patient in patients), "")
        case.note("cameras lost", sum(losses(staged, f"cam{n}") for n in range(8)), "times")
        case.equal("readings of unbalanced books", unbalanced, 0)
        for share in (0, 1, 2, 3):
            place = min(len(samples) - 1, len(samples) * share // 3)
            case.note(f"RSS after {share}/3 of it", samples[place][1], "MB")
        if minutes >= SLOPE_MINUTES:
            slope = float(np.polyfit(*zip(*settled(samples), strict=True), 1)[0]) * 3600
            case.at_most("RSS slope", slope, 1.0, "MB/h")
        after = staged.quiet(quiet_s)
        quiet_ms = staged.p99_ms(healthy, before, after)
        now_ms = staged.p99_ms(healthy, (from_s, to_s))
        case.slower("healthy cameras: p99", now_ms, quiet_ms, 1.2)
        staged.untouched(healthy, from_s, to_s)


def for_a_while(case: Case) -> None:
    soak(case, 3.0 if case.long else 0.25)


def suffer(
    staged: Stage, patients: list[Patient], end_s: float, calm_s: float
) -> tuple[int, list[tuple[float, float]]]:
    """How often the books were wrong; and memory in MB over time, each time in the same state: all
    cameras stream, and what the faults left behind was given back.
    """
    unbalanced, samples = 0, []
    while (now_s := time.monotonic()) < end_s:
        unbalanced += bout(staged, patients, min(end_s, now_s + BOUT_S))
        for patient in patients:
            patient.recover()
        staged.steady([f"cam{n}" for n in range(8)])
        time.sleep(calm_s)
        samples.append((time.monotonic(), Footprint.of(staged.pid).rss_mb))
    return unbalanced, samples


def bout(staged: Stage, patients: list[Patient], end_s: float) -> int:
    """One fault after another; how often the books were wrong."""
    unbalanced = 0
    next_s = time.monotonic()
    while (now_s := time.monotonic()) < end_s:
        for patient in patients:
            patient.look(now_s)
        if now_s >= next_s:
            next_s += BOOKS_S
            unbalanced += not staged.daemon.get_json("/api/v1/status")["frames"]["balanced"]
        time.sleep(0.2)
    return unbalanced


def settled(samples: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without the first third, in which allocators and caches fill."""
    return samples[len(samples) // 3 :]


def main(minutes: float = 30.0, seed: int = 22) -> int:
    with TemporaryDirectory() as folder:
        case = Case(Path(folder), long=True)
        soak(case, minutes, seed)
        many_reconnects(case)
    for measure in case.measures:
        missed = "" if measure.met else "missed  "
        print(f"{missed}{measure.what}: {measure.value} ({measure.target})")
    return 0 if all(measure.met for measure in case.measures) else 1


ROWS = (
    Row(
        "22",
        "eight cameras, random faults of rows 1 to 13 at four of them",
        "steady; `make soak` does it for half an hour",
        for_a_while,
    ),
)

if __name__ == "__main__":
    arguments = sys.argv[1:]
    raise SystemExit(main(*map(float, arguments[:1]), *map(int, arguments[1:])))
