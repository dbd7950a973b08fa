"""Row 7c: a camera over HTTP that is damaged, late, without end, or something else by now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.fault.case import Case, Row
from tests.fault.stage import FPS, READ_S, SCENE, Stage, stage
from tests.support.web_camera import Reply, Respond, answer, head, jpeg, part, streamed, web_camera

_MIXED = "multipart/x-mixed-replace; boundary=frame"
_OTHERS = ("b", "c")


def http_camera(case: Case) -> None:
    """Every fault breaks in upon a stream that is well, and the camera comes back after it."""
    faults: dict[str, tuple[str, Respond]] = {
        "a picture without end": ("flood", lambda _: _then(_endless, bytes(500_000))),
        "a byte now and then": ("timeout", lambda _: _then(_endless, b"x", 0.1)),
        "pictures of 0 bytes": ("decoder", lambda _: streamed(picture=lambda _: b"")),
        "a web page in its place": ("no_video", lambda _: answer(b"<html>", "text/html")),
        "a hang-up after every part": ("", lambda _: streamed(count=1, fps=100)),
    }
    with web_camera(lambda _: streamed(fps=FPS)) as camera:
        cameras = {"faulty": {"url": camera.url}, **dict.fromkeys(_OTHERS, SCENE)}
        with stage(case, cameras) as staged:
            staged.steady(list(cameras))
            began_s = time.monotonic()
            for what, (reason, respond) in faults.items():
                camera.stop()
                camera.respond = respond
                broken_s = time.monotonic()
                camera.start()
                if reason:
                    staged.wait(partial(_lost, staged, reason, broken_s), what=f"loss by {what}")
                else:
                    staged.answer_after("faulty", broken_s + 1.0, 5)
                time.sleep(READ_S if case.long else 0.2)
                camera.stop()
                camera.respond = lambda _: streamed(fps=FPS)
                healed_s = time.monotonic()
                camera.start()
                back_s = staged.answer_after("faulty", healed_s)
                case.at_most(f"{what}: answers resume after", back_s, 6.0, "s")
            dropped = staged.daemon.get_json("/api/v1/cameras/faulty")["frames"]["dropped"]
            case.at_least("pictures counted as corrupt", dropped["corrupt"], 1)
            staged.untouched(_OTHERS, began_s, time.monotonic())
            staged.steady(["faulty"])


def _then(fault: Callable[..., Iterator[bytes]], *more: object) -> Reply:
    """Three good pictures, and then that."""

    def chunks() -> Iterator[bytes]:
        yield head(_MIXED)
        for number in range(3):
            yield part(jpeg(number))
            time.sleep(1 / FPS)
        yield from fault(*more)

    return Reply(chunks())


def _endless(piece: bytes, every_s: float = 0.02) -> Iterator[bytes]:
    yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8"
    while True:
        yield piece
        time.sleep(every_s)


def _lost(staged: Stage, reason: str, from_s: float) -> bool:
    return any(
        at_s > from_s and status.reason == reason
        for at_s, status in list(staged.heard.statuses["faulty"])
    )


ROWS = (
    Row(
        "7c",
        "a camera over HTTP: a picture without end, a trickle, pictures of 0 bytes, a web page",
        "lost with a reason, retried; the others do not notice",
        http_camera,
    ),
)
