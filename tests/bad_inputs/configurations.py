"""Configuration files, by `vedette check`. Most are the tables of the loader's own tests, once more
from the outside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bad_inputs.case import CANARY, Case, Ended, command
from tests.unit.config import test_bad_values, test_bad_yaml, test_urls

_GOOD = "version: 1\ncameras: {a: {url: 'rtsp://h/'}}\n"
_CAMERA = "version: 1\ncameras:\n  a:\n    url: rtsp://h/\n"
_SHOWN = 60


def _bytes(content: bytes) -> Callable[[Path], Ended]:
    def attempt(folder: Path) -> Ended:
        file = folder / "vedette.yaml"
        file.write_bytes(content)
        return command("check", str(file))

    return attempt


def _text(text: str) -> Callable[[Path], Ended]:
    return _bytes(text.encode())


def _fifo(folder: Path) -> Ended:
    os.mkfifo(folder / "fifo")
    return command("check", str(folder / "fifo"))


def _symlink_loop(folder: Path) -> Ended:
    (folder / "loop").symlink_to(folder / "loop")
    return command("check", str(folder / "loop"))


def _refused(given: str, attempt: Callable[[Path], Ended], saying: str) -> Case:
    return Case(given, attempt, "exit 78", saying)


def _files() -> Iterator[Case]:
    yield _refused("no such file", lambda f: command("check", str(f / "x")), "no such file")
    yield _refused("a folder", lambda f: command("check", str(f)), "is a directory")
    yield _refused("a FIFO", _fifo, "is not a regular file")
    yield _refused("a symbolic link to itself", _symlink_loop, "too many levels of symbolic links")
    yield _refused("/dev/zero", lambda _: command("check", "/dev/zero"), "is not a regular file")
    yield _refused("an empty file", _bytes(b""), "is empty")
    yield _refused("UTF-16", _bytes(_GOOD.encode("utf-16")), "is UTF-16 (save it as UTF-8)")
    yield _refused("Latin-1", _bytes(b"# \xff\n"), "is not UTF-8")
    yield _refused("a NUL byte", _bytes(b"version: 1\n\0"), "invisible character U+0000")
    yield _refused("a terminal escape", _bytes(b"a: \x1b[2J"), "invisible character U+001B")
    yield _refused("more than a megabyte", _text(_GOOD + "#" * 10**6), "is larger than 1000000")
    yield _refused("a program (ELF)", _bytes(b"\x7fELF" + bytes(64)), "U+007F")


def _secrets() -> Iterator[Case]:
    for line, saying in (
        (f"url: rtsp://admin:{CANARY}@h/", "must not hold a user or password"),
        (f"url: rtsp://h/?password={CANARY}", "must not hold a user, password or token"),
        (f"url: rtsp://h/{CANARY}%00", "must not hold encoded control characters"),
    ):
        text = _CAMERA.replace("url: rtsp://h/", line)
        yield _refused(line.replace(CANARY, "SECRET"), _text(text), saying)
    for line, saying in (
        (f"credential: admin:{CANARY}", "must be the name of a systemd credential"),
        (f"password: {CANARY}", "is not known here"),
        (f"priority: {CANARY}", "must be a whole number"),
        (f"rtsp://admin:{CANARY}@h/: 1", "is not known here"),
    ):
        yield _refused(line.replace(CANARY, "SECRET"), _text(f"{_CAMERA}    {line}\n"), saying)


def _cases() -> Iterator[Case]:
    yield from _files()
    for given, (text, faults) in test_bad_yaml.CASES.items():
        yield _refused(given, _text(text), faults[0].partition(": ")[2])
    for value, message in test_bad_values.FPS.items():
        shown = value if len(value) < _SHOWN else f"{value[:3]}… ({len(value)} digits)"
        yield _refused(
            f"fps: {shown}", _text(f"{_CAMERA}    detect:\n      fps: {value}\n"), message
        )
    for line, message in test_bad_values.CAMERA_FIELDS.items():
        yield _refused(line, _text(f"{_CAMERA}    {line}\n"), message.partition(": ")[2])
    for url, message in test_urls.REFUSED.items():
        text = _CAMERA.replace("rtsp://h/", url)
        yield _refused(f"url: {url}", _text(text), message)
    yield from _secrets()


CASES = tuple(_cases())
