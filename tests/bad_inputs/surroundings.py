"""What commands are started in: without a home, in odd locales, on full disks and in removed
folders. Each verb under each: one line, the right exit code, nothing of Python.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bad_inputs.case import Case, Ended
from tests.support.clips import encode
from tests.support.daemon_process import free_port

_ROOT = Path(__file__).parents[2]
_LONGEST_S = 60
_UNSET = "-"
_CONFIG = """\
version: 1
cameras: {a: {url: 'synthetic://a', record: {snapshots: true}}, b: {url: 'file:b.mp4'}}
http: {listen: '127.0.0.1:%d'}
sinks: {zeromq: {bind: 'tcp://127.0.0.1:%d'}}
"""
# As on a machine where this user is in no list, and where no folder takes a temporary file.
_NOBODY = "import pwd; pwd.getpwuid = lambda _: {}[_]"
_NO_TEMPORARY = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc']"
_MAIN = "import sys; from daemon.cli import main; sys.exit(main())"
# Many verbs in one interpreter, each in a fork of its own; its end is made up for by a flush.
_RUNNER = """
import importlib, os, shlex, sys, traceback
{before}
from daemon import cli
for module in ("check", "probe", "doctor", "weights", "keys", "tail", "schema"):
    importlib.import_module("daemon.commands." + module)
import daemon.capture, daemon.diagnosis.examination, daemon.diagnosis.probing
for verb in sys.argv[2:]:
    if (pid := os.fork()) == 0:
        code, fault = 120, ""
        try:
            try:
                code = cli.main(shlex.split(verb))
            except SystemExit as ended:
                code = int(ended.code or 0)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BaseException:
            fault = "Traceback " + repr(traceback.format_exc())
        with open(sys.argv[1], "a", encoding="utf-8", errors="replace") as report:
            print(code, fault, file=report)
        os._exit(0)
    os.waitpid(pid, 0)
"""
_ODD = "caf\udce9\x1b[2J\n.mp4"  # Latin-1, an escape and a line break

# Verbs that end by themselves, with a file that each could work on; how they end where all is well.
VERBS = {
    "check c.yaml": 0,
    "schema": 0,
    "probe file:b.mp4 --seconds 0.1": 0,
    "doctor --quick c.yaml": 0,
    "weights info bundled-no-such": 69,
    "keys new keys": 0,
    "tail --timeout 0.1 tcp://127.0.0.1:1": 0,
    "detect --help": 0,
    "evaluate --data no-such --weights bundled": 2,
    "train --train no-such --out o": 2,
    "bench --help": 0,
}


def _shell(folder: Path, line: str, **env: str) -> tuple[int, str]:
    """Exit code, and what was said, of a line in a folder with a configuration and a film."""
    here = folder / "here"
    here.mkdir(exist_ok=True)
    (here / "c.yaml").write_text(_CONFIG % (free_port(), free_port()))
    encode(here / "b.mp4", 4, size=(64, 48))
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "TMPDIR": str(folder)} | env
    ended = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=here,
        env={name: value for name, value in environment.items() if value != _UNSET},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_LONGEST_S,
        check=False,
    )
    return ended.returncode, (ended.stdout + ended.stderr).decode("utf-8", "replace")


def _sweep(
    ends: Mapping[str, int], *, before: str = "", after: str = "", **env: str
) -> Callable[[Path], Ended]:
    """Every verb under one condition; names those that end another way than expected."""

    def attempt(folder: Path) -> Ended:
        report = folder / "report"
        words = [sys.executable, "-c", _RUNNER.replace("{before}", before), str(report), *VERBS]
        _, said = _shell(folder, f"{shlex.join(words)} {after}", **env)
        ended = report.read_text().splitlines()
        expected = (VERBS | ends).items()
        odd = [
            f"{verb}: {how}"
            for (verb, code), how in zip(expected, ended, strict=True)
            if how.strip() != str(code)
        ]
        return Ended("; ".join(odd) or "as usual", said)

    return attempt


def _one(
    verb: str, *, before: str = "pass", prefix: str = "", after: str = ""
) -> Callable[[Path], Ended]:
    program = shlex.join([sys.executable, "-c", f"{before}; {_MAIN}"])

    def attempt(folder: Path) -> Ended:
        code, said = _shell(folder, f"{prefix}{program} {verb} {after}")
        return Ended(f"exit {code}", said)

    return attempt


def _odd_name(folder: Path) -> Ended:
    (folder / "here").mkdir()
    (folder / "here" / _ODD).write_text("text")
    ended = _one(
        "weights import -o o.safetensors", prefix="for f in caf*; do ", after='"$f"; done'
    )(folder)
    forged = any(line.startswith(".mp4") for line in ended.said.splitlines())
    return Ended(f"{ended.how}{', a forged line' if forged else ''}", ended.said)


def _without_current_folder(verb: str) -> Callable[[Path], Ended]:
    gone = 'mkdir gone; cd gone; rmdir "$PWD"; '
    return _one(verb, prefix=gone)


def _cases() -> Iterator[Case]:
    yield Case(
        "every verb without HOME, as a user that is in no list",
        _sweep({"doctor --quick c.yaml": 1}, before=_NOBODY, HOME=_UNSET, XDG_DATA_HOME=_UNSET),
        "as usual",
        "set recordings.folder, or HOME",
    )
    for locale in ("de_DE.ISO-8859-1", "C"):
        yield Case(
            f"every verb with LC_ALL={locale}, PYTHONUTF8=0",
            _sweep({}, LC_ALL=locale, PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
            "as usual",
        )
    silent = {verb: code for verb, code in VERBS.items() if code or verb.startswith("tail")}
    yield Case(
        "every verb with a full disk for its output (`> /dev/full`)",
        _sweep(dict.fromkeys(VERBS, 1) | silent, after="> /dev/full"),
        "as usual",
        "vedette: standard output: No space left on device",
    )
    yield Case(
        "every verb with its outputs closed (`>&- 2>&-`)",
        _sweep({}, after=">&- 2>&-"),
        "as usual",
    )
    yield Case(
        "every verb with a reader that is gone",
        _sweep(dict.fromkeys(VERBS, 0) | silent, after="| true"),
        "as usual",
    )
    yield Case(
        "every verb where no folder takes a temporary file",
        _sweep({}, before=_NO_TEMPORARY),
        "as usual",
    )
    yield Case(
        "`detect` with TensorFlow where no folder takes a temporary file",
        _one("detect b.mp4 -o o --precision float32", before=_NO_TEMPORARY),
        "exit 1",
        "no folder for temporary files can be written: set TMPDIR",
    )
    yield Case(
        "`detect` with TensorFlow and `ulimit -v 2500000`",
        _one("detect b.mp4 -o o --precision float32", prefix="ulimit -v 2500000; "),
        "exit 69",
        "2.6 GB of address space are allowed (ulimit -v), TensorFlow needs 3.2",
    )
    for verb, code, saying in (
        ("check c.yaml", 78, "cannot be read: no such file or directory"),
        ("probe file:x", 1, "the current folder was removed"),
        ("detect x.png -o o", 2, "does not exist"),
        ("keys new k", 1, "cannot be written: No such file or directory"),
        ("schema", 0, "vedette configuration"),
    ):
        words = f"`{verb.split()[0]}` in a folder that was removed"
        yield Case(words, _without_current_folder(verb), f"exit {code}", saying)
    yield Case(
        "`weights import` of a file with an escape and a line break in its name",
        _odd_name,
        "exit 69",
        r"\x1b[2J\n.mp4: ",
    )
    yield Case(
        "`probe` of a FIFO",
        _one("probe file:fifo", prefix="mkfifo fifo; "),
        "exit 1",
        "codec: is not a regular file",
    )
    for verb, code in (
        ("weights info", 69),
        ("weights import -o o.safetensors", 69),
        ("evaluate --weights bundled --data", 2),
        ("detect b.mp4 -o o --weights", 69),
    ):
        yield Case(
            f"`{verb}` of a FIFO",
            _one(f"{verb} ./fifo", prefix="mkfifo fifo; "),
            f"exit {code}",
            "is not a regular file",
        )


CASES = tuple(_cases())
