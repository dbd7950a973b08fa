"""What is said cannot steer a terminal, and a full or closed output is no traceback."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest

from daemon import cli, console
from daemon.surroundings import surroundings

NASTY = "a\x1b[2J\nb\u2028\udce9\x9b\x7f"


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.say(NASTY)
    console.complain(NASTY)
    expected = r"a\x1b[2J\nb\u2028\udce9\x9b\x7f" + "\n"
    assert capsys.readouterr() == (expected, expected)


def test_a_text_keeps_its_own_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_text("a\n\x1bb\n")
    assert capsys.readouterr().out == "a\n\\x1bb\n"


def test_json_means_the_same_and_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_json({"name": NASTY, "grüße": 1})
    console.say_json_text(json.dumps({"name": NASTY}, ensure_ascii=False))
    for line in capsys.readouterr().out.splitlines():
        assert line.isprintable()
        assert json.loads(line)["name"] == NASTY
    assert console.escaped_json('{"ä": "漢"}') == '{"ä": "漢"}'


def test_a_full_disk_is_an_error_of_its_own_and_a_full_log_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(console.OutputError, match="No space left on device"):
        console.say("a")
    console.complain("a")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory: see `ulimit -v` and `free -m`"),
        (OSError(errno.ENOMEM, "x"), "out of memory"),
        (ImportError("libx.so: failed to map segment from shared object"), "out of memory"),
        (RuntimeError("can't start new thread"), "can't start new thread: see `ulimit -u`"),
        (OSError(errno.EROFS, "Read-only file system", "a\nb"), "a\nb: Read-only file system"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory"), "set TMPDIR"),
        (UnicodeEncodeError("ascii", "ä", 0, 1, "x"), "set LC_ALL=C.UTF-8"),
        (ImportError("no module named x"), None),
        (RuntimeError("x"), None),
        (KeyError("x"), None),
    ],
)
def test_what_comes_from_outside_has_words_and_a_fault_of_ours_has_none(
    error: Exception, words: str | None
) -> None:
    said = surroundings(error)
    assert said is None if words is None else words in (said or "")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EIO, "Input/output error")])
def test_a_command_ends_with_a_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr("daemon.commands.schema.run", run)
    assert cli.main(["schema"]) == 1
    assert capsys.readouterr().err.startswith("vedette: ")


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: object) -> int:
        raise RuntimeError("ours")

    monkeypatch.setattr("daemon.commands.schema.run", run)
    with pytest.raises(RuntimeError, match="ours"):
        cli.main(["schema"])


def test_usage_escapes_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["check", "a", NASTY])
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("vedette: error: unrecognized arguments: a\\x1b[2J\\n")
