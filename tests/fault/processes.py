"""Rows 14 to 17 and 19: the detector, the process, its signals, its disk and its log."""

from __future__ import annotations

import os
import re
import signal
import time
from unittest.mock import patch

from tests.fault.case import Case, Row
from tests.fault.stage import OTHERS, SCENE, Stage, four_cameras, stage
from tests.support.daemon_process import running_daemon
from tests.support.fault_proxy import silent_server
from tests.support.service_manager import ServiceManager

SCENES = {f"c{n}": {"url": f"{SCENE['url']}&seed={n}"} for n in range(4)}
TOGETHER = {"max_batch": 4, "max_delay_ms": 90}


def detector_raises_once(case: Case) -> None:
    with stage(case, SCENES, "--detector=raises-once", "--after=20") as staged:
        staged.wait(lambda: errors(staged), what="error")
        failed_s = min(errors(staged))
        staged.steady(list(SCENES))
        answers = [a for name in SCENES for a in staged.answers(name, failed_s)]
        good_s = min(at_s for at_s, message in answers if message.status == "ok")
        case.at_most("next answer after", good_s - failed_s, 1.0, "s")
        case.equal("batches lost", staged.series()[counted("runtime")], 1)


def detector_runs_out_of_memory(case: Case) -> None:
    arguments = ("--detector=oom-above-2", "--after=20")
    with stage(case, SCENES, *arguments, batching=TOGETHER) as staged:
        staged.steady(list(SCENES))
        staged.daemon.wait_for("out of memory, smaller batches from now on")
        from_s = time.monotonic()
        time.sleep(3.0)
        case.equal("runs out of memory", staged.series()[counted("oom")], 1)
        case.equal("max_batch then", staged.series()["vedette_max_batch"], 2)
        case.equal("frames without answer", len(errors(staged)), 0)
        staged.untouched(list(SCENES), from_s, time.monotonic())


def detector_never_works(case: Case) -> None:
    with stage(case, SCENES, "--detector=raises-always", "--after=40") as staged:
        staged.wait(lambda: errors(staged), what="error")
        failed_s = min(errors(staged))
        code = staged.daemon.process.wait(30)
        case.at_most("ends after", time.monotonic() - failed_s, 5.0, "s")
        staged.daemon._reader.join(5)
        case.equal("exit code", code, 1)
        last = [line for line in staged.daemon.lines if "in a row" in line]
        case.equal("lines that say why", len(last), 1)
        staged.check_books()


def detector_fails_at_the_start(case: Case) -> None:
    program = ("tests.support.staged_daemon",)
    arguments = ("--detector=warm-up",)
    with running_daemon(case.folder, {"cameras": SCENES}, *arguments, program=program) as daemon:
        code = daemon.process.wait(30)
        daemon._reader.join(5)
        case.equal("exit code", code, 1)
        wrong = [line for line in daemon.lines if "ERROR" in line or "Traceback" in line]
        case.equal("lines that say why", len(wrong), 1)


def errors(staged: Stage) -> list[float]:
    """When messages without an answer came."""
    answers = [a for name in SCENES for a in staged.answers(name)]
    return [at_s for at_s, message in answers if message.status == "error"]


def counted(reason: str) -> str:
    return f'vedette_inference_errors_total{{model="blocks",reason="{reason}"}}'


def detector_hangs(case: Case) -> None:
    """Asleep in C for good. Then the test does what systemd's watchdog would do."""
    stuck_s = 20.0 if case.long else 3.0
    manager = ServiceManager(str(case.folder / "notify"))
    watched = manager.environment | {"WATCHDOG_USEC": "3000000"}
    arguments = ("--detector=hangs", "--after=40", f"--stuck-s={stuck_s}")
    with manager, patch.dict(os.environ, watched), stage(case, SCENES, *arguments) as staged:
        staged.daemon.wait_for("no progress", 60)
        noticed_s = time.monotonic()
        hung_s = max(at_s for name in SCENES for at_s, _ in staged.answers(name))
        case.at_most("noticed after", noticed_s - hung_s, stuck_s + 1.5, "s")
        manager.received()
        time.sleep(2.5)
        pings = sum("WATCHDOG" in news for news in manager.received())
        case.equal("pings of the watchdog after that", pings, 0)
        case.equal("/healthz", staged.daemon.get("/healthz")[0], 503)
        stacks = "Current thread" in staged.daemon.log and "in detect" in staged.daemon.log
        case.equal("stacks in the log", stacks, True)
        balanced = staged.daemon.get_json("/api/v1/status")["frames"]["balanced"]
        case.equal("books", "balanced" if balanced else "not", "balanced")
        code, _ = staged.daemon.stop(signal.SIGABRT)
        case.equal("exit code at SIGABRT", code, -signal.SIGABRT)
        case.equal("stacks at SIGABRT", "Fatal Python error: Aborted" in staged.daemon.log, True)


def stops(case: Case) -> None:
    with silent_server() as port:
        silent = {"url": f"rtsp://127.0.0.1:{port}/s", "open_timeout_s": 60}
        situations = {
            "idle": ({"absent": {"url": "v4l2:///dev/video63"}}, ()),
            "mid-batch": (SCENES, ("--detector=slow",)),
            "during an open": ({"silent": silent} | SCENES, ()),
        }
        for what, (cameras, arguments) in situations.items():
            with stage(case, cameras, *arguments) as staged:
                time.sleep(1.0)
                code, took_s = staged.daemon.stop()
                case.at_most(f"{what}: stopped after", took_s, 3.0, "s")
                case.equal(f"{what}: exit code", code, 0)
                staged.check_books()
        with stage(case, {"silent": silent}) as staged:
            time.sleep(0.3)
            staged.daemon.process.send_signal(signal.SIGTERM)
            staged.daemon.wait_for("stopping signal=SIGTERM")
            code, took_s = staged.daemon.stop()
            case.at_most("second signal: ended after", took_s, 0.5, "s")
            case.equal("second signal: exit code", code, -signal.SIGTERM)


def reloads(case: Case) -> None:
    with four_cameras(case) as (staged, _):
        cameras = staged.daemon._sections["cameras"]
        from_s = time.monotonic()
        faster = cameras | {"faulty": cameras["faulty"] | {"detect": {"fps": 5}}}
        told = staged.daemon.reload(cameras=faster)
        case.equal("good file", told.split()[0], "applied")
        told = staged.daemon.reload(cameras=faster | {"e": {"url": "rtps://x"}})
        case.equal("bad file", told, "refused")
        place = re.search(r"vedette\.yaml:\d+:\d+: cameras\.e\.url: ", staged.log)
        case.equal("fault named with file:line", place is not None, True)
        staged.daemon.write(cameras=faster)
        staged.steady(["faulty"])
        staged.untouched(OTHERS, from_s, time.monotonic())
        for name in OTHERS:
            frames = staged.daemon.get_json(f"/api/v1/cameras/{name}")["frames"]
            case.equal(f"{name}: dropped by the reload", frames["dropped"]["shutdown"], 0)


def disk_is_full(case: Case) -> None:
    with stage(case, SCENES, jsonl={"path": "/dev/full"}) as staged:
        staged.steady(list(SCENES))
        from_s = time.monotonic()
        time.sleep(3.0)
        lost = staged.series()['vedette_publish_dropped_total{reason="error",sink="jsonl"}']
        case.at_least("messages counted as lost", lost, 1)
        case.equal("log lines about it", staged.daemon.log.count("sink failing"), 1)
        staged.untouched(list(SCENES), from_s, time.monotonic())


def log_is_lost(case: Case) -> None:
    """Its pipe is closed, its disk is full, the service manager's socket is gone."""
    for how in ("closed", "full"):
        gone = patch.dict(os.environ, {"NOTIFY_SOCKET": "/nonexistent", "WATCHDOG_USEC": "1000000"})
        with gone, stage(case, SCENES, f"--lose-log={how}", "--lose-log-after-s=1") as staged:
            staged.steady(list(SCENES))
            time.sleep(1.0)
            from_s = time.monotonic()
            staged.daemon.process.send_signal(signal.SIGHUP)  # something to log
            time.sleep(2.0)
            staged.untouched(list(SCENES), from_s, time.monotonic())
            balanced = staged.daemon.get_json("/api/v1/status")["frames"]["balanced"]
            case.equal(f"{how}: books", "balanced" if balanced else "not", "balanced")
            code, _ = staged.daemon.stop()
            case.equal(f"{how}: exit code", code, 0)


ROWS = (
    Row("14", "detector raises once", "batch lost, next one answered", detector_raises_once),
    Row("14b", "detector out of memory", "batch halved, nothing lost", detector_runs_out_of_memory),
    Row("14c", "detector always raises", "exit 1, one clear line", detector_never_works),
    Row("14d", "detector fails while warmed up", "exit 1, one line", detector_fails_at_the_start),
    Row("15", "detector hangs in C", "no watchdog ping, stacks in the log", detector_hangs),
    Row("16", "SIGTERM idle, mid-batch, during an open; twice", "in time, exit 0; at once", stops),
    Row("17", "SIGHUP with a good and a bad file", "applied; old one kept", reloads),
    Row("19", "disk full", "keeps running, counted", disk_is_full),
    Row("19b", "log pipe closed, log disk full, no service manager", "keeps running", log_is_lost),
)
