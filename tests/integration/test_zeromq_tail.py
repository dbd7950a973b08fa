"""`vedette tail` and the example subscriber as processes of their own, beside a real publisher."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sinks.keys import create_pair
from tests.support.messages import detection, event, heartbeat, status
from tests.support.subscribing import publishing
from tests.support.waiting import until

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "docs/subscribers/python_subscriber.py"
NOWHERE = "tcp://127.0.0.1:9"


class Reader:
    """A process whose output is read while it runs."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def end(self, timeout_s=10):
        """Exit code, the rest of its output, its errors."""
        output, errors = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output.splitlines(), errors


@pytest.fixture
def start():
    readers = []

    def start(*command):
        readers.append(Reader(*command))
        return readers[-1]

    yield start
    for reader in readers:
        reader.process.kill()
        reader.process.communicate()


def tail(start, *words):
    return start("-m", "daemon.cli", "tail", *map(str, words))


def greeted(worker, sink, reader):
    """Whether it printed the last status: from now on it gets everything."""
    worker.put(status(state="stalled"))
    worker.put(heartbeat({"gate": 0}))
    until(lambda: sink.subscribers == 1)
    return reader.line()


def test_tail_prints_what_comes_and_what_was_lost(start):
    with publishing() as (worker, sink):
        reader = tail(start, sink.endpoint, "--count", 3)
        assert greeted(worker, sink, reader).endswith(" gate stalled (timeout)")
        for envelope in (detection(seq=1), detection(seq=5), detection(seq=1, epoch="another")):
            worker.put(envelope)
        code, lines, errors = reader.end()
    assert (code, errors) == (0, "")
    assert lines[0].find(" gate #1 person 0.91  [") == 12
    assert lines[1] == "-- lost 3 messages of gate"
    assert " gate #5 " in lines[2]
    assert lines[3] == "-- the daemon was restarted"
    assert " gate #1 " in lines[4]
    assert len(lines) == 5


def test_tail_of_one_camera_as_json_over_messagepack(start):
    with publishing(encoding="msgpack") as (worker, sink):
        reader = tail(start, sink.endpoint, "--camera", "gate", "--json", "--count", 2)
        assert json.loads(greeted(worker, sink, reader))["kind"] == "status"
        for envelope in (detection("yard", 1), detection("gate", 1), detection("gate", 3)):
            worker.put(envelope)
        code, lines, errors = reader.end()
    assert code == 0
    assert [json.loads(line)["seq"] for line in lines] == [1, 3]
    assert errors == "-- lost 1 message of gate\n"


def test_tail_of_events_prints_them_and_no_detections(start):
    with publishing() as (worker, sink):
        reader = tail(start, sink.endpoint, "--events", "--camera", "gate", "--count", 2)
        assert greeted(worker, sink, reader).endswith(" gate stalled (timeout)")
        line = {"about": "line", "phase": "crossed", "line": "door", "direction": "in"}
        for envelope in (detection(), event(seq=1), event("yard"), event(seq=3, **line)):
            worker.put(envelope)
        code, lines, errors = reader.end()
    assert (code, errors) == (0, "")
    assert lines[0].endswith(" gate person 42 came")
    assert lines[1] == "-- lost 1 event of gate"
    assert lines[2].endswith(" gate person 42 crossed door in after 3.2 s")
    assert len(lines) == 3


def lines_of_one_camera(worker, sink, reader):
    """What a subscriber of `gate` prints while another camera has many messages."""
    greeted(worker, sink, reader)
    for seq in range(1, 6):
        worker.put(detection("yard", seq))
        worker.put(heartbeat({"gate": 0, "yard": seq}))
    worker.put(detection("gate", 1))
    return reader.line()


def test_tail_of_one_camera_counts_no_losses_of_others_and_knows_ipv6(start):
    with publishing(bind="tcp://[::1]:*") as (worker, sink):
        reader = tail(start, sink.endpoint, "--camera", "gate")
        assert " gate #1 " in lines_of_one_camera(worker, sink, reader)


def test_example_of_one_camera_counts_no_losses_of_others(start):
    with publishing() as (worker, sink):
        reader = start(EXAMPLE, sink.endpoint, "gate")
        assert lines_of_one_camera(worker, sink, reader) == "gate 1 person 0.91"


def test_tail_ends_with_0_on_interrupt(start):
    with publishing() as (worker, sink):
        reader = tail(start, sink.endpoint)
        greeted(worker, sink, reader)
        reader.process.send_signal(signal.SIGINT)
        assert reader.end() == (0, [], "")


def test_tail_ends_quietly_when_its_reader_does(start):
    with publishing() as (worker, sink):
        reader = tail(start, sink.endpoint)
        greeted(worker, sink, reader)
        reader.process.stdout.close()
        worker.put(detection())
        reader.process.stdout = None
        assert reader.process.wait(5) == 0
        assert reader.process.stderr.read() == ""


def test_tail_says_once_that_it_hears_nothing(start):
    code, lines, errors = tail(start, NOWHERE, "--timeout", 3.3, "--count", 1).end()
    assert (code, lines) == (1, [])
    assert errors.count(f"nothing heard from {NOWHERE} for 3 s") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nonsense"], "nonsense: invalid argument: did you mean tcp://nonsense?"),
        (["ftp://host:1"], "ftp://host:1: protocol not supported"),
        ([NOWHERE, "--key", "/nonexistent"], "--server-key and --key belong together"),
        ([NOWHERE, "--key", "/nonexistent", "--server-key", "/no"], "cannot be read: No such file"),
    ],
)
def test_tail_that_cannot_begin_says_why(start, words, reason):
    code, _, errors = tail(start, *words).end()
    assert code == 2
    assert reason in errors
    assert len(errors.splitlines()) == 1


def test_tail_with_keys(start, tmp_path):
    server_key, secret_key = create_pair(tmp_path, "daemon")
    _, key = create_pair(tmp_path / "clients", "tail")
    curve = {"secret_key": str(secret_key), "clients": str(tmp_path / "clients")}
    with publishing(curve=curve) as (worker, sink):
        reader = tail(start, sink.endpoint, "--server-key", server_key, "--key", key)
        assert "stalled" in greeted(worker, sink, reader)


def test_example_subscriber_tells_detections_losses_and_restarts(start):
    with publishing() as (worker, sink):
        reader = start(EXAMPLE, sink.endpoint)
        assert greeted(worker, sink, reader) == "gate is stalled timeout"
        sent = [
            detection(seq=1),
            detection(seq=4, objects=0),
            heartbeat({"gate": 4}),
            heartbeat({"gate": 6}),
            heartbeat({"gate": 6}),
            detection(seq=9, epoch="another"),
            detection(seq=70, epoch="third", node="barn"),
            event(seq=1, about="zone", phase="entered", zone="driveway", epoch="another"),
            event(seq=4, epoch="another"),
            *[heartbeat({"gate": 9}, events={"gate": 4}, epoch="another") for _ in range(3)],
        ]
        for envelope in sent:
            worker.put(envelope)
        assert [reader.line() for _ in range(9)] == [
            "gate 1 person 0.91",
            "gate 4 nothing",
            "lost 2 messages of gate of lodge",
            "lost 2 messages of gate of lodge",
            "gate 9 person 0.91",
            "gate 70 person 0.91",
            "gate person 42 entered driveway",
            "gate person 42 new ",
            "lost 2 events of gate of lodge",
        ]


def test_heartbeats_keep_tail_from_complaining(start):
    with publishing() as (worker, sink):
        reader = tail(start, sink.endpoint, "--timeout", 1.0)
        deadline_s = time.monotonic() + 1.0
        while time.monotonic() < deadline_s:
            worker.put(heartbeat({"gate": 0}))
            time.sleep(0.1)
        assert reader.end() == (0, [], "")
