import errno
import json
import os
import stat

import pytest

from config.schema import JsonlConfig
from sinks.jsonl import JsonlSink
from sinks.messages import Kind
from sinks.sink import SinkError
from tests.support.fakes import FakeClock
from tests.support.messages import detection, status

LINE = 540  # bytes, more or less, of a detection with one object


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def opened(tmp_path, clock):
    """Opens sinks on one path and closes them at the end."""
    sinks = []

    def start(**config):
        sink = JsonlSink(JsonlConfig(path=tmp_path / "out.jsonl", **config), clock)
        sink.open()
        sinks.append(sink)
        return sink

    yield start
    for sink in sinks:
        sink.close()


def seqs(path):
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


def test_each_message_is_a_line_in_the_file_at_once(opened, tmp_path):
    sink = opened()
    sizes = [sink.write(detection(seq=7)), sink.write(status())]
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["kind"] for line in lines] == ["detection", "status"]
    assert [len(line) for line in lines] == sizes
    assert json.loads(lines[0])["published_ns"] > 0
    assert sink.kinds == {Kind.DETECTION, Kind.STATUS, Kind.EVENT}


def test_file_is_not_for_everyone(opened, tmp_path):
    opened()
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) & ~0o640 == 0


def test_restart_appends(opened, tmp_path):
    opened().write(detection(seq=1))
    opened().write(detection(seq=2))
    assert seqs(tmp_path / "out.jsonl") == [1, 2]


def test_rotation_by_size_keeps_so_many_and_loses_no_line_in_between(opened, tmp_path):
    sink = opened(rotate_mb=LINE * 4 / 1e6, keep=2)
    for seq in range(1, 31):
        sink.write(detection(seq=seq))
    files = [tmp_path / name for name in ("out.jsonl.2", "out.jsonl.1", "out.jsonl")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    kept = [seq for path in files for seq in seqs(path)]
    assert kept == list(range(kept[0], 31))
    assert len(kept) >= 7
    assert all(path.stat().st_size <= LINE * 4 for path in files)


def test_keeping_none_begins_anew(opened, tmp_path):
    sink = opened(rotate_mb=LINE * 2 / 1e6, keep=0)
    for seq in range(1, 11):
        sink.write(detection(seq=seq))
    assert list(tmp_path.iterdir()) == [tmp_path / "out.jsonl"]
    assert seqs(tmp_path / "out.jsonl")[-1] == 10


def test_line_longer_than_the_limit_is_written_whole(opened, tmp_path):
    sink = opened(rotate_mb=1e-6)
    for seq in (1, 2):
        sink.write(detection(seq=seq))
    assert seqs(tmp_path / "out.jsonl.1") == [1]
    assert seqs(tmp_path / "out.jsonl") == [2]


def test_outside_logrotate_is_followed(opened, clock, tmp_path):
    sink = opened()
    sink.write(detection(seq=1))
    sink.idle()
    (tmp_path / "out.jsonl").rename(tmp_path / "away.jsonl")
    sink.idle()  # too early to look again
    sink.write(detection(seq=2))
    clock.advance(1.0)
    sink.idle()
    sink.write(detection(seq=3))
    assert seqs(tmp_path / "away.jsonl") == [1, 2]
    assert seqs(tmp_path / "out.jsonl") == [3]


def test_rotation_does_not_shift_a_file_of_somebody_else(opened, tmp_path):
    sink = opened(rotate_mb=LINE * 2 / 1e6)
    for seq in (1, 2):
        sink.write(detection(seq=seq))
    (tmp_path / "out.jsonl").rename(tmp_path / "away.jsonl")
    sink.write(detection(seq=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["away.jsonl", "out.jsonl"]


def test_torn_last_line_is_ended_before_the_next(opened, tmp_path):
    (tmp_path / "out.jsonl").write_bytes(b'{"kind":"detection","v":1\n{"kind":"det')
    opened().write(detection(seq=5))
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert lines[1] == '{"kind":"det'
    assert json.loads(lines[2])["seq"] == 5


def test_full_disk_is_survived_and_the_cut_line_stands_alone(opened, tmp_path, monkeypatch):
    room, write = [700], os.write

    def tiny_disk(descriptor, data):
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", tiny_disk)
    sink = opened()
    sink.write(detection(seq=1))
    with pytest.raises(SinkError, match=r"out.jsonl: No space left on device"):
        sink.write(detection(seq=2))
    with pytest.raises(SinkError):
        sink.write(detection(seq=3))
    room[0] = 10_000
    sink.write(detection(seq=4))
    first, cut, last = (tmp_path / "out.jsonl").read_text().splitlines()
    assert (json.loads(first)["seq"], json.loads(last)["seq"]) == (1, 4)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_folder_that_vanished_is_an_error_until_it_is_back(opened, clock, tmp_path):
    sink = opened()
    (tmp_path / "out.jsonl").unlink()
    tmp_path.rename(tmp_path.with_name("gone"))
    clock.advance(1.0)
    sink.idle()
    with pytest.raises(SinkError, match="No such file or directory"):
        sink.write(detection(seq=1))
    tmp_path.mkdir()
    sink.write(detection(seq=2))
    assert seqs(tmp_path / "out.jsonl") == [2]


@pytest.mark.parametrize(
    ("path", "reason"), [("missing/out.jsonl", "No such file or directory"), ("", "Is a directory")]
)
def test_path_that_cannot_be_opened_is_one_clear_line(tmp_path, clock, path, reason):
    sink = JsonlSink(JsonlConfig(path=tmp_path / path), clock)
    with pytest.raises(SinkError, match=reason):
        sink.open()
    sink.close()
