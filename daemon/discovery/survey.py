"""Many cameras asked at once, within a bounded time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from daemon.capture.login import Login
from daemon.clock import Clock
from daemon.discovery.camera import Camera
from daemon.discovery.device import ask
from daemon.discovery.search import Found

EACH_S = 10.0
MOST_S = 60.0
_AT_ONCE = 16


def survey(
    found: Sequence[Found],
    login: Login | None,
    *,
    clock: Clock,
    each_s: float = EACH_S,
    most_s: float = MOST_S,
) -> list[Camera]:
    """Each in its turn of `found`; one that hangs costs nobody else anything."""
    stopping = threading.Event()
    question = partial(ask, login=login, seconds=each_s, clock=clock, pause=stopping.wait)
    pending: set[Future[Camera]] = set()
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="discover")
    try:
        asked = [pool.submit(question, device) for device in found]
        done, pending = wait(asked, timeout=most_s)
        return [
            future.result() if future in done else _unasked(device)
            for device, future in zip(found, asked, strict=True)
        ]
    finally:
        stopping.set()
        pool.shutdown(wait=not pending, cancel_futures=True)


def _unasked(device: Found) -> Camera:
    service = device.place.authority if device.place else ""
    trouble = "there was no time left to ask it: name it on the command line"
    return Camera(device.address, device.name, service=service, trouble=trouble)
