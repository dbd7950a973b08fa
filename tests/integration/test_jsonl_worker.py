"""The JSON lines sink in its own thread, on real devices and under real limits."""

import json
import resource
import signal
import subprocess
import sys

import pytest

from config.schema import JsonlConfig
from daemon.clock import SystemClock
from sinks.jsonl import JsonlSink
from sinks.messages import Kind
from sinks.sink import Loss, SinkWorker
from tests.support.messages import detection, heartbeat, status
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def worker_for(path, **config):
    return SinkWorker(JsonlSink(JsonlConfig(path=path, **config), SystemClock()), SystemClock())


def test_lines_of_a_run_are_all_there_after_the_stop(tmp_path):
    path = tmp_path / "out.jsonl"
    worker = worker_for(path, rotate_mb=0.05, keep=100)
    worker.open()
    worker.start()
    worker.put(status())
    worker.put(heartbeat({"gate": 0}))
    for seq in range(1, 501):
        worker.put(detection(seq=seq))
    assert worker.stop(5.0)
    files = [path, *(path.with_name(f"out.jsonl.{n}") for n in range(1, 100))]
    lines = [
        json.loads(line)
        for file in reversed(files)
        if file.exists()
        for line in file.read_text().splitlines()
    ]
    assert [line["kind"] for line in lines] == ["status"] + ["detection"] * 500
    assert [line["seq"] for line in lines[1:]] == list(range(1, 501))
    assert worker.counts().published_bytes == sum(f.stat().st_size for f in files if f.exists())


def test_device_without_room_costs_messages_and_not_the_daemon(caplog):
    worker = worker_for("/dev/full")
    worker.open()
    worker.start()
    for seq in range(1, 6):
        worker.put(detection(seq=seq))
    until(lambda: worker.counts().dropped[Loss.ERROR] == 1)
    assert worker.counts().queued == 4
    assert worker.stop(1.0)
    counts = worker.counts()
    assert counts.published[Kind.DETECTION] == 0
    assert counts.dropped[Loss.ERROR] + counts.dropped[Loss.SHUTDOWN] == 5
    assert caplog.messages == ["sink failing sink=jsonl error=/dev/full: No space left on device"]


def test_killed_daemon_leaves_whole_lines_for_its_successor(tmp_path):
    path = tmp_path / "out.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.integration.test_jsonl_worker import worker_for, detection\n"
        "worker = worker_for(Path(sys.argv[1])); worker.open(); worker.start()\n"
        "for seq in range(1, 10**9): worker.put(detection(seq=seq))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    until(lambda: path.exists() and path.stat().st_size > 100_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    worker = worker_for(path)
    worker.open()
    worker.start()
    worker.put(detection("successor"))
    assert worker.stop(5.0)
    *lines, last = path.read_text().splitlines()
    assert json.loads(last)["camera"] == "successor"
    assert [json.loads(line)["seq"] for line in lines[:-1]]


def test_file_size_limit_is_an_error_like_any_other(tmp_path):
    path = tmp_path / "out.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
    try:
        worker = worker_for(path)
        worker.open()
        worker.start()
        for seq in (1, 2):
            worker.put(detection(seq=seq))
        until(lambda: worker.counts().dropped[Loss.ERROR] == 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert worker.stop(1.0)
    assert worker.counts().published[Kind.DETECTION] == 1
