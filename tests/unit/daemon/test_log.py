"""Log lines: one per event, readable by people or machines, and never with a password."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from daemon.log import configure

URL = "rtsp://admin:s3cr3t@10.0.0.5:554/h264"
CANARY = "s3cr3t"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `configure` changes of the process is put back."""
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield
    root.setLevel(level)


def fail(text: str) -> NoReturn:
    raise OSError(text)


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger("daemon.capture.worker")


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that systemd says it reads."""
    path = tmp_path / "journal"
    path.touch()
    status = path.stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    return path


@contextmanager
def standard_error(path: Path) -> Iterator[None]:
    """Standard error goes there meanwhile (a fixture could not: pytest sets its own back)."""
    with path.open("w", buffering=1) as stream, redirect_stderr(stream):
        yield


def test_a_text_line_has_time_level_place_and_message(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    log.info("camera up camera=%s", "gate")
    time, line = capsys.readouterr().err.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert line == "INFO    daemon.capture.worker: camera up camera=gate\n"


def test_lines_below_the_level_are_not_written(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("warning")
    log.info("quiet")
    log.warning("loud")
    assert capsys.readouterr().err.endswith("WARNING daemon.capture.worker: loud\n")
    configure("debug")
    log.debug("everything")
    assert "everything" in capsys.readouterr().err


def test_configuring_twice_writes_each_line_once(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    configure()
    log.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_json_line_is_one_object_whatever_is_in_it(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(style="json")
    log.warning('stream lost\ncamera="%s"', "höf")
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("time"))
    assert record == {
        "level": "warning",
        "logger": "daemon.capture.worker",
        "thread": threading.current_thread().name,
        "message": 'stream lost\ncamera="höf"',
    }


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "RTSPS://admin:s3cr3t@10.0.0.5/h264",
        "rtsp://s3cr3t@10.0.0.5/h264",
        "rtsp://admin:@s3cr3t@10.0.0.5/h264",
        "rtsp://admin:/s3cr3t/@10.0.0.5/h264",
        "rtsp://10.0.0.5/h264?user=admin&password=s3cr3t",
    ],
)
def test_a_password_is_left_out_of_message_arguments_and_traceback(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], url: str, style: str
) -> None:
    configure(style=style)  # type: ignore[arg-type]
    log.error(f"cannot open {url}")  # noqa: G004 - a message that was put together elsewhere
    log.error("cannot open url=%s next=%s", url, "word")
    try:
        fail(url)
    except OSError:
        log.exception("capture crashed")
    written = capsys.readouterr().err
    assert CANARY not in written
    assert "10.0.0.5" in written, "where the camera is may be told"
    assert "next=word" in written
    assert "OSError" in written


def test_a_url_without_a_password_and_an_address_are_left_alone(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    log.info("see https://example.org/help or write to help@example.org")
    assert "see https://example.org/help or write to help@example.org" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("level", "prefix"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
        (25, "<5>"),
    ],
)
def test_the_journal_is_told_the_priority_and_no_time(
    log: logging.Logger, journal: Path, level: int, prefix: str
) -> None:
    with standard_error(journal):
        configure("debug")
        log.log(level, "camera up camera=gate")
    assert journal.read_text() == f"{prefix}daemon.capture.worker: camera up camera=gate\n"


def test_every_line_of_a_traceback_has_its_priority(log: logging.Logger, journal: Path) -> None:
    with standard_error(journal):
        configure()
        try:
            fail(URL)
        except OSError:
            log.exception("capture crashed")
    lines = journal.read_text().splitlines()
    assert len(lines) > 2
    assert all(line.startswith("<3>") for line in lines)
    assert CANARY not in journal.read_text()


def test_a_stream_that_is_not_the_journal_gets_no_prefix(
    log: logging.Logger, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    with standard_error(journal):
        configure()
        log.info("up")
    assert journal.read_text().endswith("Z INFO    daemon.capture.worker: up\n")


def test_a_standard_error_that_is_closed_ends_nothing(log: logging.Logger, journal: Path) -> None:
    with standard_error(journal):
        sys.stderr.close()
        configure()
        log.info("nobody reads this")
    assert journal.read_text() == ""


def test_an_exception_that_ends_the_process_is_logged_without_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    try:
        fail(URL)
    except OSError as error:
        sys.excepthook(OSError, error, error.__traceback__)
    written = capsys.readouterr().err
    assert "CRITICAL daemon: unhandled error" in written
    assert "OSError: rtsp://***@10.0.0.5:554/h264" in written


def test_an_exception_that_ends_a_thread_is_logged_with_its_name_and_without_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(style="json")
    thread = threading.Thread(target=fail, args=(URL,), name="capture:gate")
    thread.start()
    thread.join()
    record = json.loads(capsys.readouterr().err)
    first, *trace = record["message"].splitlines()
    assert (record["level"], first) == ("critical", "thread died thread=capture:gate")
    assert trace[-1] == "OSError: rtsp://***@10.0.0.5:554/h264"


def test_a_thread_that_is_gone_has_no_name_and_no_exception_needs_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    error = ValueError("late")
    threading.excepthook(threading.ExceptHookArgs([ValueError, error, None, None]))
    threading.excepthook(threading.ExceptHookArgs([ValueError, None, None, None]))
    written = capsys.readouterr().err
    assert written.count("thread died") == 1
    assert "thread died thread=?" in written


def test_terminal_gets_short_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    configure()
    logging.getLogger("daemon.service").info("ready")
    logging.getLogger("daemon.capture.worker").warning("stream lost camera=gate")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d ready", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d WARNING stream lost camera=gate", second)


@pytest.mark.parametrize("style", ["text", "json"])
def test_names_of_others_forge_no_line_and_steer_no_terminal(
    log: logging.Logger, tmp_path: Path, style: str
) -> None:
    nasty = "a\x1b[2J\n2026-01-01 INFO forged\u2028\x9b\udce9"
    with standard_error(tmp_path / "log"):
        configure(style=style)  # type: ignore[arg-type]
        log.warning("camera lost name=%s", nasty)
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.isprintable()
    if style == "json":
        assert json.loads(line)["message"].endswith(r"\u2028\x9b\udce9")


@pytest.mark.parametrize("level", ["debug", "info"])
def test_a_library_does_not_tell_the_address_that_it_posts_to(
    capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """Which may hold a token, as those of Slack do."""
    configure(level)
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.post(f"http://127.0.0.1/{CANARY}/x", headers={"authorization": CANARY})
    logging.getLogger("httpcore").debug("send_request_headers %s", CANARY)
    logging.getLogger("sinks.sink").info("ours is told")
    said = capsys.readouterr().err
    assert CANARY not in said
    assert "ours is told" in said
