"""One line per event on standard error: readable text, or JSON; never a password.

Text lines carry journald priorities (`<4>`) where systemd reads them, and are short where a person
does: on a terminal.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

from config.errors import printable
from config.urls import redacted
from daemon.console import escaped_json

_OURS = {"config", "daemon", "detector", "sinks"}
_SYSLOG = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class TextFormatter(logging.Formatter):
    """`2026-11-22T10:00:00.123Z INFO    daemon.capture.worker: camera up camera=gate …`"""

    def __init__(self, *, journald: bool) -> None:
        super().__init__()
        self._journald = journald

    def format(self, record: logging.LogRecord) -> str:
        line = redacted(_message(self, record))  # printable characters and line breaks
        if self._journald:  # which has its own clock, and reads the level from the prefix
            prefix = f"<{_SYSLOG.get(record.levelno, 5)}>"
            return "\n".join(f"{prefix}{part}" for part in f"{record.name}: {line}".splitlines())
        return f"{_time(record)} {record.levelname:<7} {record.name}: {line}"


class TerminalFormatter(logging.Formatter):
    """`10:00:00 camera up camera=gate …`, by the clock of the wall; a level only above INFO."""

    def format(self, record: logging.LogRecord) -> str:
        line = redacted(_message(self, record))  # printable characters and line breaks
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = f"{record.levelname} " if record.levelno != logging.INFO else ""
        return f"{moment:%H:%M:%S} {level}{line}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = json.dumps(
            {
                "time": _time(record),
                "level": record.levelname.lower(),
                "logger": record.name,
                "thread": record.threadName,
                "message": redacted(_message(self, record)),
            },
            ensure_ascii=False,
        )
        return escaped_json(line)


def configure(level: str = "info", style: Literal["text", "json"] = "text") -> None:
    """Set up the loggers and the hooks for exceptions that nobody caught.

    Libraries only warn, whatever the level: what they tell beyond holds addresses with a receiver's
    token in their path, and headers with passwords.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(style))
    handler.addFilter(_is_told)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False  # a closed log pipe must not end the daemon
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _is_told(record: logging.LogRecord) -> bool:
    ours = record.name.partition(".")[0] in _OURS
    return ours or record.levelno >= logging.WARNING


def on_terminal() -> bool:
    """Whether a person reads the log as it comes."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _formatter(style: Literal["text", "json"]) -> logging.Formatter:
    if style == "json":
        return JsonFormatter()
    if on_terminal():
        return TerminalFormatter()
    return TextFormatter(journald=_stderr_is_the_journal())


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """In one line, whatever names of others are in it; the lines of a traceback follow."""
    lines = [record.getMessage()]
    if "\n" in str(record.msg):  # of ours, as where a stack follows
        lines = lines[0].splitlines()
    if record.exc_info:
        lines += formatter.formatException(record.exc_info).splitlines()
    return "\n".join(map(printable, lines))


def _stderr_is_the_journal() -> bool:
    """systemd names the device and inode of the stream that it reads (systemd.exec(5))."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("daemon").critical("unhandled error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    if args.exc_value is not None:
        logging.getLogger("daemon").critical(
            "thread died thread=%s",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )
