import json
import re
import subprocess
import sys
import time

import msgspec
import pytest

from daemon.commands.tail import Narrator
from sinks.envelope import stamped
from tests.support.messages import count, detection, event, heartbeat, status

NOW = {"wall_ns": 1_795_000_000_041_000_000, "now_s": 90.024}


def told(narrator, *envelopes):
    lines = []
    for envelope in envelopes:
        message = stamped(envelope, **NOW)
        lines += [f"-- {remark}" for remark in narrator.remarks(message)]
        lines += narrator.lines(message)
    return [re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "T", line) for line in lines]


def test_detections_are_one_line_each():
    assert told(Narrator(), detection(seq=4711, objects=2)) == [
        "T gate #4711 person 0.91, person 0.91  [24.0 ms]"
    ]


def test_nothing_and_no_answer_read_differently():
    empty = detection(objects=0)
    failed = type(empty)(msgspec.structs.replace(empty.message, status="error", error="oom", seq=2))
    assert told(Narrator(), empty, failed) == [
        "T gate #1 nothing  [24.0 ms]",
        "T gate #2 no answer (oom)  [0.0 ms]",
    ]


def test_changes_of_state_are_told_once():
    narrator = Narrator()
    assert told(narrator, status(), status(), status(state="backoff"), status(state="backoff")) == [
        "T gate streaming: h264 1920x1080 25 fps over tcp",
        "T gate backoff (timeout), next try in 3.0 s",
    ]


def test_losses_and_restarts_are_remarked_upon():
    assert told(Narrator(), detection(seq=1), detection(seq=3), detection(seq=1, epoch="new")) == [
        "T gate #1 person 0.91  [24.0 ms]",
        "-- lost 1 message of gate",
        "T gate #3 person 0.91  [24.0 ms]",
        "-- the daemon was restarted",
        "T gate #1 person 0.91  [24.0 ms]",
    ]


def test_heartbeats_are_silent_until_something_is_lost():
    beats = [heartbeat({"gate": seq}) for seq in (1, 1, 4, 4)]
    assert told(Narrator(), detection(seq=1), *beats)[1:] == ["-- lost 3 messages of gate"]


def test_events_are_told_in_a_sentence():
    narrator = Narrator(events=True)
    place = {"about": "zone", "zone": "driveway"}
    assert told(
        narrator,
        event(),
        count(),
        event(seq=2, phase="entered", **place),
        event(seq=3, phase="loitering", **place, stationary=True),
        event(seq=4, phase="left", **place, uncertain=True),
        event(seq=5, about="line", phase="crossed", line="door", direction="in"),
        event(seq=8, phase="end", zones=("driveway",), reason="interrupted"),
        heartbeat({"gate": 70}, events={"gate": 8}),
    ) == [
        "T gate person 42 came",
        "T gate person 42 entered driveway",
        "T gate person 42 loitering in driveway after 3.2 s (stationary)",
        "T gate person 42 left driveway after 3.2 s (uncertain)",
        "T gate person 42 crossed door in after 3.2 s",
        "-- lost 2 events of gate",
        "T gate person 42 is gone in driveway after 3.2 s (interrupted)",
    ]


def test_who_reads_events_is_told_nothing_of_detections_it_did_not_ask_for():
    narrator = Narrator(events=True)
    beats = [heartbeat({"gate": seq}) for seq in (1, 5, 9, 9)]
    assert told(narrator, *beats) == []


def test_json_lines_are_those_of_the_file():
    (line,) = told(Narrator(as_json=True), detection())
    assert json.loads(line)["kind"] == "detection"


def test_nothing_from_the_network_steers_the_terminal():
    message = detection().message
    box = message.detections[0]
    evil = msgspec.structs.replace(
        message, detections=(msgspec.structs.replace(box, label="\x1b[2Jcar\n"),)
    )
    (line,) = told(Narrator(), type(detection())(evil))
    assert "?[2Jcar? 0.91" in line


def test_start_needs_neither_tensorflow_nor_the_configuration():
    code = "import sys, daemon.commands.tail, daemon.commands.keys; print(*sys.modules)"
    started_s = time.monotonic()
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    took_s = time.monotonic() - started_s
    assert not {"tensorflow", "config.schema", "pydantic", "numpy", "asyncio"} & set(
        loaded.stdout.split()
    )
    assert took_s < 2.0, "half a second is the promise; a busy machine gets some more"


@pytest.mark.parametrize("fps", [None, 12.5])
def test_rate_is_told_where_it_is_known(fps):
    envelope = status()
    stream = msgspec.structs.replace(envelope.message.stream, fps=fps)
    changed = msgspec.structs.replace(envelope.message, stream=stream)
    (line,) = told(Narrator(), type(envelope)(changed))
    assert (" fps" in line) == (fps is not None)
