"""Rows 7 to 9: streams that are damaged, change their size, or lie about time."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from random import Random

from sinks.messages import DetectionMessage
from tests.fault.case import Case, Row
from tests.fault.stage import FPS, OTHERS, READ_S, SCENE, SEEN, Stage, four_cameras, stage
from tests.support.scripted_rtsp import CLOCK_HZ, Clip, Unit, clip, scripted_camera

GOP_S = 10 / FPS
HOUR = 3600 * CLOCK_HZ


def damaged_pictures(case: Case) -> None:
    """Every damage for some seconds, and how soon after it pictures come again."""
    random = Random(7)

    def lose(unit: Unit) -> Unit | None:
        return None if random.random() < 0.2 else unit

    def truncate(unit: Unit) -> Unit:
        return replace(unit, nals=tuple(nal[: len(nal) // 2] for nal in unit.nals))

    damages = {
        "1 % of bytes flipped": partial(flipped, random=random),
        "a fifth of pictures lost": lose,
        "NAL units cut in half": truncate,
        "access units of 0 bytes": lambda unit: replace(unit, nals=(b"",)),
        "no SPS and PPS": Unit.without_parameters,
    }
    with four_cameras(case) as (staged, camera):
        began_s = time.monotonic()
        for what, damage in damages.items():
            camera.edit = damage
            time.sleep(1.5 * READ_S if case.long else 1.0)
            camera.edit = lambda unit: unit
            healed_s = time.monotonic()
            staged.steady(["faulty"], 3)
            answers = staged.answers("faulty", healed_s)
            case.at_most(
                f"{what}: answers resume after", answers[0][0] - healed_s, GOP_S + 0.5, "s"
            )
        dropped = staged.daemon.get_json("/api/v1/cameras/faulty")["frames"]["dropped"]
        case.at_least("pictures counted as corrupt", dropped["corrupt"], 1)
        staged.untouched(OTHERS, began_s, time.monotonic())


def flipped(unit: Unit, random: Random) -> Unit:
    """A bit in one of a hundred bytes, but for the NAL units' headers."""
    return replace(unit, nals=tuple(_flipped(nal, random) for nal in unit.nals))


def _flipped(nal: bytes, random: Random) -> bytes:
    damaged = bytearray(nal)
    for at in range(1, len(nal)):
        if random.random() < 0.01:
            damaged[at] ^= 1 << random.randrange(8)
    return bytes(damaged)


def no_parameters_at_first(case: Case) -> None:
    """Neither in the description nor in the stream: nobody can decode that."""
    with scripted_camera(fps=FPS) as camera:
        camera.tells_parameters = False
        camera.edit = Unit.without_parameters
        with stage(case, {"faulty": {"url": camera.url}, "b": SCENE}) as staged:
            _, reason = staged.loss_after("faulty", 0.0)
            case.equal("reason", reason in ("no_video", "decoder", "codec", "protocol"), True)
            camera.edit = lambda unit: unit
            healed_s = time.monotonic()
            case.at_most("answers resume after", staged.answer_after("faulty", healed_s), 7.0, "s")


def size_changes(case: Case) -> None:
    beyond = clip(8192, 4320, frames=1)
    clips = {
        size: clip(*size, frames=1 if size[0] > 4000 else 20)
        for size in ((320, 240), (1280, 720), (16, 16), (7680, 4320), (640, 360))
    }
    with four_cameras(case, fields=SEEN) as (staged, camera):
        began_s = time.monotonic()
        for size, pictures in clips.items():
            switch(camera, pictures)
            from_s = time.monotonic()
            staged.wait(partial(sized, staged, size, from_s), what=f"{size}")
            message = sized(staged, size, from_s)[-1]
            what = f"{size[0]}×{size[1]}: IoU with the known box"
            case.at_least(what, overlap(message), 0.9)
        switch(camera, beyond)
        took_s, reason = staged.loss_after("faulty", time.monotonic())
        case.equal("8192×4320 is refused as", reason, "too_large")
        case.note("8192×4320 is refused after", took_s, "s")
        switch(camera, clip())
        staged.steady(["faulty"])
        staged.untouched(OTHERS, began_s, time.monotonic())


def switch(camera, pictures: Clip) -> None:
    """From the next picture on, beginning with a keyframe."""
    start: list[int] = []

    def edit(unit: Unit) -> Unit:
        start[:] = start[:1] or [unit.number]
        at = unit.number - start[0]
        return replace(unit, nals=pictures[at % len(pictures)])

    camera.edit = edit


def sized(staged: Stage, size: tuple[int, int], from_s: float) -> list[DetectionMessage]:
    messages = [message for _, message in staged.answers("faulty", from_s)]
    return [m for m in messages if m.size == size and m.detections][2:]


def overlap(message: DetectionMessage) -> float:
    """IoU of what was found with the white quarter of the picture."""
    width, height = message.size
    x1, y1, x2, y2 = message.detections[0].box
    common = max(0.0, min(x2, width / 4) - x1) * max(0.0, min(y2, height / 4) - y1)
    return common / ((x2 - x1) * (y2 - y1) + width * height / 16 - common)


def stream_time_jumps(case: Case) -> None:
    jumps = {
        "+1 h": lambda unit, _: replace(unit, timestamp=unit.timestamp + HOUR),
        "−1 h": lambda unit, _: replace(unit, timestamp=unit.timestamp - HOUR),
        "standing still": lambda unit, first: replace(unit, timestamp=first),
        "running backwards": lambda unit, first: replace(
            unit, timestamp=2 * first - unit.timestamp
        ),
        "random": lambda unit, _: replace(unit, timestamp=hash((unit.number,)) % 2**32),
    }
    with four_cameras(case) as (staged, camera):
        began_s = time.monotonic()
        for what, jump in jumps.items():
            first: list[int] = []

            def edit(unit: Unit, jump=jump, first=first) -> Unit:
                first[:] = first[:1] or [unit.timestamp]
                return jump(unit, first[0])

            camera.edit = edit
            from_s = time.monotonic()
            time.sleep(10.0 if case.long else 1.5)
            camera.edit = lambda unit: unit
            steadily(staged, what, from_s, FPS)
        staged.steady(["faulty"])
        staged.untouched(OTHERS, began_s, time.monotonic())


def steadily(staged: Stage, what: str, from_s: float, fps: float, camera: str = "faulty") -> None:
    """Since then the camera was answered without a pause, and no age was negative."""
    now_s = time.monotonic()
    came_s = [at_s for at_s, _ in staged.answers(camera, from_s)]
    pauses_s = [b - a for a, b in zip([from_s, *came_s], [*came_s, now_s], strict=True)]
    staged.case.at_most(f"{what}: longest pause", max(pauses_s), READ_S, "s")
    staged.case.at_least(f"{what}: answers", len(came_s) / (now_s - from_s), 0.9 * fps, "fps")
    ages = [m.latency_ms.queue for _, m in staged.answers(camera, from_s)]
    beats = [beat.cameras[camera] for at_s, beat in staged.heard.beats if at_s >= from_s]
    ages += [beat.last_frame_age_s or 0.0 for beat in beats]
    staged.case.equal(f"{what}: negative ages", sum(age < 0 for age in ages), 0)


def timestamps_wrap(case: Case) -> None:
    with scripted_camera(fps=FPS) as camera:
        camera.first_timestamp = 2**32 - 3 * CLOCK_HZ
        with stage(case, {"faulty": {"url": camera.url}}) as staged:
            staged.steady(["faulty"], 3)
            from_s = time.monotonic()
            time.sleep(10.0 if case.long else 4.0)
            steadily(staged, "RTP time wraps", from_s, FPS)
            pts = [message.pts_s for _, message in staged.answers("faulty", from_s)]
            case.equal("presentation times go on", pts == sorted(set(pts)), True)


def wall_clock_steps(case: Case) -> None:
    """The daemon's own view of it, an hour back."""
    with scripted_camera(fps=FPS) as camera:
        arguments = ("--step-s=-3600", "--step-after-s=4")
        with stage(case, {"faulty": {"url": camera.url}}, *arguments) as staged:
            staged.steady(["faulty"])
            from_s = time.monotonic()
            time.sleep(10.0 if case.long else 5.0)
            steadily(staged, "wall clock set back 1 h", from_s, FPS)
            shown = [m.captured_ns for _, m in staged.answers("faulty", from_s)]
            stepped = min(b - a for a, b in pairwise(shown))
            case.equal("the step was seen", stepped < -3500e9, True)
            totals = [m.latency_ms.total for _, m in staged.answers("faulty", from_s)]
            case.at_most("capture to publish, longest", max(totals), 500, "ms")


def announced_rate_lies(case: Case) -> None:
    """10 pictures a second come, whatever is announced; 5 are asked for."""
    with scripted_camera(fps=FPS) as faulty, scripted_camera(fps=FPS) as other:
        faulty.announced_fps, other.announced_fps = 1.0, 50.0
        asked = {"detect": {"fps": FPS / 2}}
        cameras = {"faulty": {"url": faulty.url} | asked, "other": {"url": other.url} | asked}
        with stage(case, cameras) as staged:
            staged.steady(list(cameras), 5)
            from_s = time.monotonic()
            time.sleep(10.0 if case.long else 3.0)
            for name, announced in (("faulty", 1), ("other", 50)):
                steadily(staged, f"announces {announced}, sends 10", from_s, FPS / 2, name)
                states = {s.state for at_s, s in staged.heard.statuses[name] if at_s > from_s}
                case.equal("losses", len(states - {"streaming"}), 0)


def camera_clock_is_set(case: Case) -> None:
    """`time_source: rtcp`; the camera's clock is a minute ahead, then set back an hour."""
    with scripted_camera(fps=FPS) as camera:
        camera.ntp_ahead_s = 60.0
        cameras = {"faulty": {"url": camera.url, "time_source": "rtcp"}}
        with stage(case, cameras) as staged:
            staged.steady(["faulty"], 20)
            ahead_s = ahead_of_ours(staged)
            case.at_most("a minute ahead: published time is off by", abs(ahead_s - 60), 0.5, "s")
            offset = 'vedette_camera_clock_offset_seconds{camera="faulty"}'
            case.at_most("metric is off by", abs(staged.series()[offset] + 60), 0.5, "s")
            camera.ntp_ahead_s = -3600.0
            from_s = time.monotonic()
            time.sleep(10.0 if case.long else 3.0)
            ahead_s = ahead_of_ours(staged)
            case.at_most("an hour behind: published time is off by", abs(ahead_s + 3600), 0.5, "s")
            steadily(staged, "camera's clock set", from_s, FPS)


def ahead_of_ours(staged: Stage) -> float:
    """How far the newest picture's published time is ahead of its arrival."""
    _, message = staged.answers("faulty")[-1]
    arrived_ns = message.published_ns - message.latency_ms.total * 1e6
    return (message.captured_ns - arrived_ns) / 1e9


ROWS = (
    Row(
        "7",
        "bytes flipped, pictures lost, NAL units cut or empty, SPS left out",
        "counted, skipped; answers resume within a GOP",
        damaged_pictures,
    ),
    Row("7b", "no SPS anywhere", "lost with a reason, retried", no_parameters_at_first),
    Row(
        "8",
        "size changes in mid-stream: 16×16 to 7680×4320, and beyond",
        "boxes rescaled, beyond 8K refused",
        size_changes,
    ),
    Row(
        "9",
        "presentation times jump ±1 h, stand, run back, are random",
        "no negative age, no stall",
        stream_time_jumps,
    ),
    Row("9b", "RTP time wraps", "time goes on", timestamps_wrap),
    Row("9c", "wall clock set back 1 h", "no negative age, no stall", wall_clock_steps),
    Row("9d", "announced rate is a lie", "paced by what comes", announced_rate_lies),
    Row(
        "9e",
        "camera's own clock a minute ahead, then set back an hour (`time_source: rtcp`)",
        "followed, offset shown",
        camera_clock_is_set,
    ),
)
