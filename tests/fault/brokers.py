"""Rows 27 to 29: an MQTT broker that is away, refuses, hangs or is slow, and a client that dies."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fault.case import Case, Row
from tests.fault.stage import OTHERS, Stage, four_cameras
from tests.support.daemon_process import free_port, running_daemon
from tests.support.mosquitto import Mosquitto, Watching, kept, mosquitto
from tests.support.narrow_line import narrow_line
from tests.support.require import program

NODE = "lodge"
BASE = f"vedette/{NODE}"
AVAILABLE = f"{BASE}/available"
CAMERAS = ("faulty", *OTHERS)
KEEPALIVE_S = 5


@contextmanager
def daemon_with(case: Case, port: int, **mqtt: Any) -> Iterator[Stage]:
    """Four cameras whose messages go to a broker as well."""
    mqtt = {"host": "127.0.0.1", "port": port, "keepalive_s": KEEPALIVE_S, **mqtt}
    zeromq = {"bind": f"tcp://127.0.0.1:{free_port()}"}
    sinks = {"zeromq": zeromq, "mqtt": mqtt}
    with four_cameras(case, node=NODE, sinks=sinks, zeromq=zeromq) as (staged, _):
        yield staged


def link(staged: Stage) -> dict[str, Any]:
    """What the daemon says of its broker."""
    (sink,) = [s for s in staged.daemon.get_json("/api/v1/status")["sinks"] if s["name"] == "mqtt"]
    return dict(sink["link"])


def is_connected(staged: Stage) -> bool:
    return bool(link(staged)["state"] == "connected")


def lost_while_away(staged: Stage) -> float:
    """Messages that the broker was away or too slow for."""
    return staged.series()['vedette_publish_dropped_total{reason="away",sink="mqtt"}']


def compare_p99(staged: Stage, quiet: tuple[float, float], now: tuple[float, float]) -> None:
    """Of detections, beside a time when nothing was wrong."""
    staged.case.slower(
        "detections: p99", staged.p99_ms(CAMERAS, now), staged.p99_ms(CAMERAS, quiet), 1.1
    )
    staged.untouched(CAMERAS, *now)


def away_at_start(case: Case) -> None:
    broker = Mosquitto(case.folder)
    with daemon_with(case, broker.port) as staged:
        case.equal("reason", link(staged)["reason"], "unreachable")
        broker.start()
        try:
            came_s = time.monotonic()
            staged.wait(lambda: kept(broker.port).get(AVAILABLE) == b"online", what="online")
            case.at_most("online after the broker came", time.monotonic() - came_s, 16, "s")
            states = kept(broker.port)
            case.at_least("states kept", len(states), 4 * 10)
        finally:
            broker.stop()


def killed_and_back(case: Case) -> None:
    """The broker forgets everything."""
    with mosquitto(case.folder) as broker, daemon_with(case, broker.port) as staged:
        staged.wait(lambda: is_connected(staged), what="connection")
        quiet = staged.quiet(20.0 if case.long else 2.0)
        before = kept(broker.port).keys()
        broker.stop(signal.SIGKILL)
        gone = staged.quiet(60.0 if case.long else 3.0)
        broker.start()
        back_s = time.monotonic()
        staged.wait(lambda: kept(broker.port).get(AVAILABLE) == b"online", what="online")
        case.at_most("online after it came back", time.monotonic() - back_s, 16, "s")
        case.equal("states kept as before", kept(broker.port).keys() == before, True)
        case.note("events lost, and counted", lost_while_away(staged), "")
        compare_p99(staged, quiet, gone)


def wrong_password(case: Case) -> None:
    passwords, login = case.folder / "passwords", case.folder / "login"
    command = [program("mosquitto_passwd", package="mosquitto"), "-b", "-c", str(passwords)]
    subprocess.run([*command, "vedette", "right"], check=True, capture_output=True)
    login.write_text("vedette:wrong\n")
    login.chmod(0o600)
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    with (
        mosquitto(case.folder, lines) as broker,
        daemon_with(case, broker.port, credential=f"file:{login}") as staged,
    ):
        staged.wait(lambda: link(staged)["reason"] == "login", what="refusal")
        before = link(staged)["failures"]
        from_s, to_s = staged.quiet(60.0 if case.long else 3.0)
        tries = link(staged)["failures"] - before
        case.at_most("tries a minute", tries * 60 / (to_s - from_s) if case.long else tries, 4)
        case.equal("the password in the log", "wrong" in staged.daemon.log, False)
        login.write_text("vedette:right\n")
        staged.wait(lambda: is_connected(staged), 35, what="connection with the right one")
        staged.remark(CAMERAS)  # it has a connection now


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Of one that signs itself, and its key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    command = [program("openssl", package="openssl"), "req", "-x509", "-nodes", "-days", "2"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


def wrong_authority(case: Case) -> None:
    theirs, key = certificate(case.folder, "broker")
    stranger, _ = certificate(case.folder, "stranger")
    lines = [f"certfile {theirs}", f"keyfile {key}", "allow_anonymous true"]
    with mosquitto(case.folder, lines) as broker:
        with daemon_with(case, broker.port, tls={"ca": str(stranger)}) as staged:
            staged.wait(lambda: link(staged)["reason"] == "tls", what="refusal")
            case.equal("reason", link(staged)["reason"], "tls")
        with daemon_with(case, broker.port, tls={"ca": str(theirs)}) as staged:
            staged.wait(lambda: is_connected(staged), what="connection to the right one")


def broker_hangs(case: Case) -> None:
    with mosquitto(case.folder) as broker, daemon_with(case, broker.port) as staged:
        staged.wait(lambda: is_connected(staged), what="connection")
        quiet = staged.quiet(20.0 if case.long else 2.0)
        broker.pause()
        stopped_s = time.monotonic()
        hanging = staged.quiet(60.0 if case.long else 3.0)
        staged.wait(lambda: not is_connected(staged), what="notice")
        noticed_s = time.monotonic() - stopped_s
        if not case.long:
            case.at_most("noticed after", noticed_s, 2 * KEEPALIVE_S + 1, "s")
        broker.resume()
        staged.wait(lambda: is_connected(staged), what="connection")
        compare_p99(staged, quiet, hanging)


def slow_broker(case: Case) -> None:
    """It takes 2000 bytes a second of some 40 000 that are there: answers for frames as well."""
    with (
        mosquitto(case.folder) as broker,
        narrow_line(broker.port) as line,
        daemon_with(case, line.port, detections=True, keepalive_s=120) as staged,
    ):
        staged.wait(lambda: is_connected(staged), what="connection")
        quiet = staged.quiet(20.0 if case.long else 2.0)
        line.narrow(2000)
        # Asking costs the daemon time, so it is over before anything is measured.
        staged.wait(lambda: lost_while_away(staged) > 0, what="a loss")
        slow = staged.quiet(60.0 if case.long else 2.0)
        queues = {q["name"]: q for q in staged.daemon.get_json("/api/v1/status")["queues"]}
        case.at_most("messages that wait", queues["sink:mqtt"]["depth"], 1064)
        case.at_least("answers lost, and counted", lost_while_away(staged), 1)
        compare_p99(staged, quiet, slow)


def two_of_one_prefix(case: Case) -> None:
    with (
        mosquitto(case.folder) as broker,
        daemon_with(case, broker.port) as staged,
        Watching(broker.port) as watching,
    ):
        staged.wait(lambda: watching.last(AVAILABLE) == b"online", what="online")
        other = json.loads(staged.daemon.config.read_text())
        other |= {"node": "shed", "http": {"listen": f"127.0.0.1:{free_port()}"}}
        other["sinks"] = {"zeromq": None, "mqtt": other["sinks"]["mqtt"]}
        folder = case.folder / "shed"
        folder.mkdir()
        with running_daemon(folder, other, program=("tests.support.staged_daemon",)) as second:
            shed = "vedette/shed/available"
            staged.wait(lambda: watching.last(shed) == b"online", what="the other one")
            topics = {topic.split("/")[1] for topic in kept(broker.port, "vedette/#")}
            case.equal("nodes", sorted(topics), [NODE, "shed"])
            second.stop()
            staged.wait(lambda: watching.last(shed) == b"offline", what="its end")
        case.equal("the first one", watching.last(AVAILABLE), b"online")
        case.equal("connections of the first one", link(staged)["connects"], 1)


def killed_ourselves(case: Case) -> None:
    with (
        mosquitto(case.folder) as broker,
        daemon_with(case, broker.port) as staged,
        Watching(broker.port, [AVAILABLE]) as watching,
    ):
        staged.wait(lambda: watching.last(AVAILABLE) == b"online", what="online")
        staged.daemon.process.kill()
        killed_s = time.monotonic()
        while watching.last(AVAILABLE) != b"offline":
            assert time.monotonic() < killed_s + 20
            time.sleep(0.005)
        case.at_most("offline after", time.monotonic() - killed_s, KEEPALIVE_S, "s")
        staged.daemon.process.wait(10)


def stopped_ourselves(case: Case) -> None:
    """SIGSTOP: the kernel keeps the connection, so only the keep-alive can tell."""
    with (
        mosquitto(case.folder) as broker,
        daemon_with(case, broker.port) as staged,
        Watching(broker.port, [AVAILABLE]) as watching,
    ):
        staged.wait(lambda: watching.last(AVAILABLE) == b"online", what="online")
        staged.daemon.process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        try:
            while watching.last(AVAILABLE) != b"offline":
                assert time.monotonic() < stopped_s + 30
                time.sleep(0.01)
            case.at_most("offline after", time.monotonic() - stopped_s, 2 * KEEPALIVE_S, "s")
        finally:
            staged.daemon.process.send_signal(signal.SIGCONT)
        went_on_s = time.monotonic()
        staged.wait(lambda: watching.last(AVAILABLE) == b"online", what="online")
        case.at_most("online after it went on", time.monotonic() - went_on_s, 16, "s")


ROWS = (
    Row("27", "MQTT broker away at the start", "found when it comes", away_at_start),
    Row(
        "27b",
        "MQTT broker killed for 60 s, and back without what it kept",
        "everything is there again; detections notice nothing",
        killed_and_back,
    ),
    Row("27c", "wrong password at the broker", "told, tried seldom", wrong_password),
    Row("27d", "broker with another authority's certificate", "told", wrong_authority),
    Row("27e", "two daemons with one prefix", "each keeps to its own", two_of_one_prefix),
    Row("28", "broker stopped (SIGSTOP) for 60 s", "detections notice nothing", broker_hangs),
    Row(
        "28b",
        "broker that takes 2000 bytes a second",
        "bounded, counted; detections notice nothing",
        slow_broker,
    ),
    Row("29", "the daemon killed (SIGKILL)", "offline within the keep-alive", killed_ourselves),
    Row(
        "29b",
        "the daemon stopped (SIGSTOP)",
        "offline within the keep-alive and a half",
        stopped_ourselves,
    ),
)
