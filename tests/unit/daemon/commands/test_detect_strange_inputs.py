"""`vedette detect` over what people really have: odd names, turned pictures, films put together."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from daemon.commands import detect
from daemon.offline import batches
from tests.support import marked
from tests.support.clips import encode
from tests.unit.daemon.commands.test_detect import Bench, make_image, make_video, read_video


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_name_in_latin_1_is_done_like_any_other(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    picture = make_image(folder / "a.png")
    picture.rename(folder / os.fsdecode(b"caf\xe9.png"))
    film = make_video(tmp_path / "b.avi").rename(tmp_path / os.fsdecode(b"f\xeflm.avi"))
    assert bench.run(folder, film) == 0
    written = {os.fsencode(path.name) for path in bench.out.iterdir()}
    assert written == {b"caf\xe9.png", b"caf\xe9.json", b"f\xeflm.mp4", b"f\xeflm.jsonl"}
    record = (bench.out / os.fsdecode(b"caf\xe9.json")).read_text()
    assert json.loads(record)["source"] == r"caf\xe9.png"


def test_a_name_like_a_protocol_is_a_file(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        names = ["12:30:00.avi", f"http:127.0.0.1:{port}?x.avi", f"tcp:127.0.0.1:{port}.avi"]
        for name in names:
            make_video(tmp_path / "b.avi").rename(tmp_path / name)
        assert bench.run(*map(Path, names), out=Path()) == 0
        with pytest.raises(TimeoutError):
            server.accept()
    assert len(read_video(tmp_path / "12:30:00.mp4")) == 5


def test_two_recordings_put_together_are_one_film_whose_time_goes_on(
    bench: Bench, tmp_path: Path
) -> None:
    one = encode(tmp_path / "one.ts", 10, fps=10).read_bytes()
    (tmp_path / "twice.ts").write_bytes(one + one)
    assert bench.run(tmp_path / "twice.ts", make_video(tmp_path / "base.avi")) == 0
    times = [line["pts_s"] for line in lines_of(bench.out / "twice.jsonl")]
    assert len(times) == 20
    assert np.diff(times).min() > 0.05
    assert len(read_video(bench.out / "twice.mp4")) == 20
    assert len(lines_of(bench.out / "base.jsonl")) == 5


def test_a_film_that_cannot_be_written_ends_with_a_line_and_the_next_is_done(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = make_image(tmp_path / "a.png", wh=(1, 8)).rename(tmp_path / "a.mkv")
    assert bench.run(narrow, make_video(tmp_path / "b.avi")) == 1
    assert f"{bench.out}/a.mp4 cannot be written: " in capsys.readouterr().err
    assert len(read_video(bench.out / "b.mp4")) == 5


def test_the_film_is_taken_and_not_its_cover(bench: Bench, tmp_path: Path) -> None:
    film = marked.with_cover(tmp_path / "film.mp4", make_video(tmp_path / "base.avi"))
    assert bench.run(film) == 0
    lines = lines_of(bench.out / "film.jsonl")
    assert [line["size"] for line in lines] == [[64, 48]] * 5


def test_a_cover_alone_is_no_film(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = marked.with_cover(tmp_path / "song.mp4", None)
    assert bench.run(song) == 1
    assert "song.mp4: there is no video in it" in capsys.readouterr().err


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("kind", ["exif", "matrix", "message"])
def test_boxes_lie_on_the_objects_of_turned_and_mirrored_pictures(
    tmp_path: Path, kind: str, number: int
) -> None:
    if kind == "exif":
        source = marked.by_exif(tmp_path / "a.jpg", number)
    elif kind == "matrix":
        source = marked.by_matrix(tmp_path / "a.mp4", number)
    else:
        source = marked.by_sei(tmp_path / "a.h264", number)
    bench = Bench(tmp_path)
    bench.build = lambda _: marked.RedFinder()  # type: ignore[method-assign, assignment, return-value]
    assert bench.run(source) == 0
    if kind == "exif":
        records = [json.loads((bench.out / "a.json").read_text())]
        drawn = cv2.imread(str(bench.out / "a.jpg"))
        assert drawn is not None
        pictures = [drawn]
    else:
        records = lines_of(bench.out / "a.jsonl")
        pictures = [bgr for _, bgr in read_video(bench.out / "a.mp4")]
    assert len(records) == len(pictures) >= 1
    for record, bgr in zip(records, pictures, strict=True):
        assert record["size"] == list(marked.SEEN_WH)
        assert np.abs(np.array(record["detections"][0]["box"]) - marked.RED_XYXY).max() <= 6
        assert bgr.shape[1::-1] == marked.SEEN_WH
        assert marked.corners(bgr[..., ::-1])[1:] == marked.CORNERS[1:]  # a label is on the red one


def test_names_that_differ_only_in_their_ending_are_kept_whole(
    bench: Bench, tmp_path: Path
) -> None:
    for name in ("x.jpg", "x.png", "y.png"):
        make_image(tmp_path / "in" / name)
    films = [make_video(tmp_path / name) for name in ("f.avi", "f.mov", "g.avi")]
    assert bench.run(tmp_path / "in", *films) == 0
    assert {path.name for path in bench.out.iterdir()} == {
        "x.jpg", "x.jpg.json", "x.png", "x.png.json", "y.png", "y.json",
        "f.avi.mp4", "f.avi.jsonl", "f.mov.mp4", "f.mov.jsonl", "g.mp4", "g.jsonl",
    }  # fmt: skip


def test_a_pipe_in_the_folder_costs_a_line_and_no_time(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_image(tmp_path / "in/a.png")
    os.mkfifo(tmp_path / "in/b.png")
    os.mkfifo(tmp_path / "c.mp4")
    assert bench.run(tmp_path / "in", tmp_path / "c.mp4") == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/in/b.png: is not a regular file" in said
    assert f"{tmp_path}/c.mp4: is not a regular file" in said
    assert (bench.out / "a.json").exists()


def test_large_pictures_make_smaller_batches(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_MOST_BYTES", 2 * 64 * 48 * 3)
    for number in range(7):
        make_image(tmp_path / f"in/{number}.png", number)
    assert bench.run(tmp_path / "in") == 0
    assert bench.detectors[0].batches == [3, 3, 1]
    assert bench.detectors[0].seen == list(range(7))
    assert len(list(bench.out.glob("*.png"))) == 7


def test_scripts_and_playlists_of_other_files_are_no_films(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_video(tmp_path / "base.avi")
    (tmp_path / "a.ffconcat").write_text("ffconcat version 1.0\nfile base.avi\n")
    (tmp_path / "b.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nbase.avi\n#EXT-X-ENDLIST\n"
    )
    assert bench.run(tmp_path / "a.ffconcat", tmp_path / "b.m3u8") == 1
    assert capsys.readouterr().err.count("Invalid argument") == 2
    assert not list(bench.out.glob("*"))


def test_an_input_that_may_not_be_looked_at_is_a_usage_error(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert bench.run(tmp_path / "loop.png") == detect.EXIT_USAGE
    assert "loop.png: cannot be read: too many levels of symbolic links" in capsys.readouterr().err
