"""The gate leaves out pictures in which nothing has changed, and no object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.gate import GateConfig
from daemon.capture.gate import SIZE_WH, ChangeGate, Luma, Why

WIDTH, HEIGHT = SIZE_WH
FULL_WH = (1920, 1080)
Scene = Callable[[float], npt.NDArray[np.float32]]  # a picture [90, 160] without noise, at a time


def ground(seed: int = 1) -> npt.NDArray[np.float32]:
    """A view with edges and surfaces of every brightness."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 200, (9, 16)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_CUBIC), np.float32)


GROUND = ground()


def walker(
    speed_px_s: float, size_px: tuple[float, float], start_px: tuple[float, float], contrast: float
) -> Scene:
    """Something that walks to the right; all in pixels of a 1080p picture."""

    scale = WIDTH / FULL_WH[0]

    def at(t_s: float) -> npt.NDArray[np.float32]:
        x, y = start_px[0] + speed_px_s * t_s, start_px[1]
        across = _covered(x * scale, (x + size_px[0]) * scale, WIDTH)
        down = _covered(y * scale, (y + size_px[1]) * scale, HEIGHT)
        return np.asarray(GROUND + contrast * np.outer(down, across), np.float32)

    return at


def _covered(start: float, end: float, count: int) -> npt.NDArray[np.float64]:
    """How much of each pixel of a row lies between the two."""
    left = np.arange(count)
    return np.clip(np.minimum(end, left + 1) - np.maximum(start, left), 0, 1)


def film(
    scene: Scene, seconds: float, *, fps: float = 5, noise: float = 1.0, seed: int = 3
) -> Iterator[tuple[float, Luma]]:
    """`noise` is that of a mean of 12 × 12 pixels: 1 is a bad night."""
    rng = np.random.default_rng(seed)
    for number in range(round(seconds * fps)):
        picture = scene(number / fps) + rng.normal(0, noise, (HEIGHT, WIDTH))
        yield number / fps, np.clip(picture, 0, 255).astype(np.uint8)


def still(_t_s: float) -> npt.NDArray[np.float32]:
    return GROUND


def judged(pictures: Iterator[tuple[float, Luma]], **options: object) -> list[tuple[float, Why]]:
    gate = ChangeGate(GateConfig.model_validate({"enabled": True, **options}))
    return [(t_s, gate.judge(luma, t_s, alive=False)) for t_s, luma in pictures]


def share_left_out(answers: list[tuple[float, Why]]) -> float:
    return sum(why is Why.STILL for _, why in answers) / len(answers)


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0, 8.0])
def test_nothing_but_noise_is_left_out_whatever_its_strength(noise: float) -> None:
    answers = judged(film(still, 60, noise=noise))
    assert share_left_out(answers[15:]) > 0.95  # after what the first picture holds open
    assert {why for _, why in answers[15:]} <= {Why.STILL, Why.HEARTBEAT, Why.SAMPLE}


def test_the_first_picture_is_looked_at_and_what_follows_it_for_a_while() -> None:
    answers = judged(film(still, 5))
    assert answers[0][1] is Why.FIRST
    assert all(why is Why.HOLD for t_s, why in answers if 0 < t_s < 3)


def test_a_picture_is_looked_at_every_few_seconds_although_nothing_changes() -> None:
    answers = judged(film(still, 60), heartbeat_s=5)
    looked = [t_s for t_s, why in answers if why is not Why.STILL]
    assert max(b - a for a, b in pairwise(looked)) <= 5.0 + 0.2


def test_one_of_a_hundred_closed_pictures_is_looked_at() -> None:
    answers = judged(film(still, 300))
    whys = Counter(why for _, why in answers)
    assert whys[Why.SAMPLE] == (whys[Why.STILL] + whys[Why.SAMPLE]) // 100 > 5


@pytest.mark.parametrize("contrast", [-60, 25, 100])
@pytest.mark.parametrize("fps", [2, 5, 15])
@pytest.mark.parametrize("speed_px_s", [20, 200, 800])
def test_a_person_who_walks_is_seen_at_once(contrast: float, fps: float, speed_px_s: float) -> None:
    """75 pixels high in 1080p: six in the small picture."""
    scene = walker(speed_px_s, (30, 75), (300, 500), contrast)

    def comes(t_s: float) -> npt.NDArray[np.float32]:
        return scene(t_s - 10) if t_s >= 10 else GROUND

    answers = judged(film(comes, 14, fps=fps))
    opened = next(t_s for t_s, why in answers if t_s >= 10 and why is Why.CHANGE)
    assert opened <= 10 + 2 / fps


def test_somebody_who_creeps_a_fifth_of_a_pixel_per_frame_is_seen() -> None:
    """0.2 pixels of 1080p at 5 fps: a pixel a second, which no pair of pictures shows."""
    scene = walker(1.0, (60, 160), (300, 500), 60)

    answers = judged(film(scene, 60, noise=0.3))
    assert sum(why is Why.CHANGE for t_s, why in answers if t_s > 5) >= 3


def test_light_that_goes_on_opens_and_what_is_usual_is_learnt_again() -> None:
    def switched(t_s: float) -> npt.NDArray[np.float32]:
        return GROUND if t_s < 20 else 255 - GROUND  # as infrared does

    answers = judged(film(switched, 60))
    at = dict(answers)
    assert at[20.0] in (Why.GLOBAL, Why.CHANGE)
    assert share_left_out([each for each in answers if each[0] > 30]) > 0.9


def test_a_cloud_that_dims_the_whole_picture_changes_nothing() -> None:
    answers = judged(film(lambda t_s: GROUND - 10 * np.float32(np.sin(t_s / 5)), 60))
    assert share_left_out([each for each in answers if each[0] > 10]) > 0.9


def test_headlights_open() -> None:
    def lit(t_s: float) -> npt.NDArray[np.float32]:
        if not 20 <= t_s < 21:
            return GROUND
        spot = np.zeros((HEIGHT, WIDTH), np.float32)
        cv2.circle(spot, (60 + round(40 * (t_s - 20)), 50), 12, 80.0, -1)
        return GROUND + spot

    assert any(why is Why.CHANGE for t_s, why in judged(film(lit, 25)) if 20 <= t_s < 21)


def test_changes_in_ignored_areas_do_not_count() -> None:
    def clock(t_s: float) -> npt.NDArray[np.float32]:
        picture = GROUND.copy()
        picture[2:8, 100:150] = 30 + 200 * (np.arange(50) % (2 + int(t_s) % 5) == 0)
        return picture

    corner = [[0.6, 0.0], [1.0, 0.0], [1.0, 0.15], [0.6, 0.15]]
    assert share_left_out(judged(film(clock, 30))) < 0.2
    assert share_left_out(judged(film(clock, 30), ignore=[corner])[15:]) > 0.9


def test_changes_that_the_detector_is_not_shown_do_not_count() -> None:
    scene = walker(200, (60, 160), (0, 500), 60)
    right, left = (0.9, 0.0, 1.0, 1.0), (0.0, 0.0, 0.8, 1.0)
    for region, opened in ((right, False), (left, True)):
        gate = ChangeGate(GateConfig(enabled=True))
        whys = [gate.judge(luma, t, alive=False, region=region) for t, luma in film(scene, 8)]
        assert (Why.CHANGE in whys) is opened


def test_a_region_that_changes_under_way_is_heeded_at_once() -> None:
    gate = ChangeGate(GateConfig(enabled=True, hold_s=0.5))
    scene = walker(60, (60, 160), (300, 500), 60)
    whys = {}
    for t, luma in film(scene, 12):
        region = (0.8, 0.0, 1.0, 1.0) if t < 6 else (0.0, 0.0, 1.0, 1.0)
        whys[t] = gate.judge(luma, t, alive=False, region=region)
    assert Why.CHANGE not in [why for t, why in whys.items() if t < 6]
    assert whys[6.0] is Why.CHANGE


def test_light_in_all_that_the_detector_is_shown_is_learnt_again() -> None:
    gate = ChangeGate(GateConfig(enabled=True))
    corner = (0.0, 0.0, 0.2, 0.2)

    def lit(t_s: float) -> npt.NDArray[np.float32]:
        picture = GROUND.copy()
        if t_s >= 5:
            picture[:20, :35] = 255 - picture[:20, :35]
        return picture

    at = {t: gate.judge(luma, t, alive=False, region=corner) for t, luma in film(lit, 6)}
    assert at[5.0] is Why.GLOBAL


def test_while_something_is_there_every_picture_is_looked_at() -> None:
    gate = ChangeGate(GateConfig(enabled=True))
    for t_s, luma in film(still, 30):
        why = gate.judge(luma, t_s, alive=True)
        assert why is not Why.STILL


def test_a_clock_that_was_set_back_costs_nothing_but_a_look() -> None:
    pictures = [luma for _, luma in film(still, 20)]
    gate = ChangeGate(GateConfig(enabled=True))
    times = [*range(50), *range(-100, 0)]
    answers = [
        gate.judge(luma, t / 5, alive=False) for luma, t in zip(pictures * 2, times, strict=False)
    ]
    assert answers[50] is Why.FIRST


@settings(max_examples=30)
@given(st.floats(5, 40), st.floats(0, 2), st.integers(0, 2**31))
def test_whatever_comes_is_looked_at_before_long(speed: float, noise: float, seed: int) -> None:
    """However slow, however much noise: never longer unseen than the heartbeat."""
    scene = walker(speed, (30, 75), (300, 500), 40)
    answers = judged(film(scene, 12, noise=noise, seed=seed))
    looked = [t_s for t_s, why in answers if why is not Why.STILL]
    assert max(b - a for a, b in pairwise(looked)) <= 8.2
