"""Clips hold what was before the event and after it; memory holds no more than was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from config.camera import ClipConfig, RecordConfig
from daemon.answers.annotate import Bgr
from daemon.recording.film import Film

PERIOD_S = 0.2


def picture(shade: int, size_wh: tuple[int, int] = (65, 49)) -> Bgr:
    return np.full((size_wh[1], size_wh[0], 3), shade, np.uint8)


def seen(path: Path) -> list[tuple[float, int]]:
    """Time and shade of every picture of a clip."""
    with av.open(str(path)) as container:
        return [
            (round(float(frame.time or 0), 3), int(frame.to_ndarray(format="gray").mean()))
            for frame in container.decode(video=0)
        ]


def config(**clip: float) -> RecordConfig:
    return RecordConfig(clips=True, clip=ClipConfig(**clip))


def filmed(path: Path, *, pictures: int, event: int, clip: RecordConfig) -> Film:
    """A picture every 200 ms, each of a shade of its own, and an event with one of them."""
    film = Film(clip)
    for n in range(pictures):
        at_s = n * PERIOD_S
        see(film, n * 5, at_s)
        if n == event:
            over_s = at_s + clip.clip.after_s
            film.begin("a", path, since_s=at_s - clip.clip.before_s, over_s=over_s)
    for name in film.running:
        film.end(name)
    return film


def see(film: Film, shade: int, at_s: float) -> None:
    for name in film.over(at_s):
        film.end(name)
    film.remember(picture(shade), at_s)
    for name in film.running:
        film.add(name, picture(shade), at_s)


def test_a_clip_begins_before_the_event_and_ends_after_it(tmp_path: Path) -> None:
    path = tmp_path / "clip"  # the name does not tell the format
    filmed(path, pictures=40, event=20, clip=config(before_s=1.0, after_s=2.0))
    clip = seen(path)
    assert [at_s for at_s, _ in clip] == pytest.approx([n * PERIOD_S for n in range(16)])
    shades = [shade for _, shade in clip]
    assert shades == pytest.approx([n * 5 for n in range(15, 31)], abs=3)


def test_pictures_keep_their_own_times(tmp_path: Path) -> None:
    film = Film(config(before_s=10))
    for at_s in (0.0, 0.1, 0.9):
        film.remember(picture(0), at_s)
    film.begin("a", tmp_path / "clip", since_s=0.0, over_s=9.0)
    film.end("a")
    assert [at_s for at_s, _ in seen(tmp_path / "clip")] == [0.0, 0.1, 0.9]


@pytest.mark.parametrize(("per", "most"), [("interval", 11), ("object", 31)])
def test_memory_holds_no_more_than_was_asked_for(
    per: Literal["interval", "object"], most: int
) -> None:
    film = Film(RecordConfig(clips=True, per=per, clip=ClipConfig(before_s=1.0)))
    for n in range(500):
        film.remember(picture(0), n / 100)
    assert len(film._past) <= most


def test_a_clip_without_a_past_holds_the_event_itself(tmp_path: Path) -> None:
    filmed(tmp_path / "clip", pictures=1, event=0, clip=config(before_s=0, after_s=1))
    assert [at_s for at_s, _ in seen(tmp_path / "clip")] == [0.0]


def test_a_stream_that_changes_its_size_does_not_break_the_clip(tmp_path: Path) -> None:
    film = Film(config())
    film.remember(picture(10), 0.0)
    film.begin("a", tmp_path / "clip", since_s=0.0, over_s=9.0)
    film.add("a", picture(200, (128, 96)), 0.2)
    film.end("a")
    assert [shade for _, shade in seen(tmp_path / "clip")] == pytest.approx([10, 200], abs=4)


def test_clips_of_lives_overlap_and_each_has_its_own_past(tmp_path: Path) -> None:
    film = Film(RecordConfig(clips=True, per="object", clip=ClipConfig(before_s=1.0)))
    for n in range(30):
        see(film, n * 5, n * PERIOD_S)
        if n in (10, 15):
            at_s = n * PERIOD_S
            film.begin(str(n), tmp_path / str(n), since_s=at_s - 1.0, over_s=at_s + 9.0)
    film.shorten("10", 4.0)
    film.shorten("10", 5.0)
    film.shorten("99", 5.0)
    assert film.over(4.0) == []
    assert film.over(4.1) == ["10"]
    film.end("10")
    see(film, 150, 6.0)
    film.end("15")
    assert [shade for _, shade in seen(tmp_path / "10")] == pytest.approx(
        [n * 5 for n in range(5, 30)], abs=3
    )
    assert [shade for _, shade in seen(tmp_path / "15")] == pytest.approx(
        [n * 5 for n in range(10, 31)], abs=3
    )


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    film = Film(config())
    film.remember(picture(10), 0.0)
    with pytest.raises(OSError, match="No such file"):
        film.begin("a", tmp_path / "away" / "clip", since_s=0.0, over_s=9.0)
    assert film.running == []
