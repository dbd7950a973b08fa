"""Command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bad_inputs.case import CANARY, Case, Ended, command, process


def _usage(words: tuple[str | bytes, ...]) -> Callable[[Path], Ended]:
    """Where nothing is done yet, this process is good enough, and quicker."""
    texts = [word for word in words if isinstance(word, str)]
    if len(texts) < len(words) or "run" in words:
        return lambda _: process(*words)
    return lambda _: command(*texts)


def _line(*words: str, **environment: str) -> Callable[[Path], Ended]:
    return lambda _: process(*words, **environment)


def _on_file(*words: str, content: str) -> Callable[[Path], Ended]:
    def attempt(folder: Path) -> Ended:
        file = folder / "c.yaml"
        file.write_text(content)
        return process(*words, str(file))

    return attempt


_USAGE: dict[str, tuple[tuple[str | bytes, ...], str]] = {
    "no arguments": ((), "the following arguments are required: VERB"),
    "unknown verb": (("rum",), "invalid choice: 'rum'"),
    "an empty verb": (("",), "invalid choice: ''"),
    "bytes that are no UTF-8": ((b"\xff\xfe",), "invalid choice"),
    "`run` without a file": (("run",), "the following arguments are required: CONFIG"),
    "`run` with two files": (("run", "a", "b"), "unrecognized arguments: b"),
    "`check` with an unknown option": (("check", "--strict", "a"), "unrecognized arguments"),
    "`run --summary 0`": (("run", "--summary", "0", "a"), "must be from 1 to 86400"),
    "`run --summary nan`": (("run", "--summary", "nan", "a"), "must be from 1 to 86400"),
    "`probe` without a URL": (("probe",), "the following arguments are required: URL"),
    "`probe ftp://…`": (("probe", "ftp://h/"), "URL must begin with the scheme of a camera"),
    "`probe` of a URL with a password": (
        ("probe", f"rtsp://admin:{CANARY}@h/"),
        "URL must not hold a user or password",
    ),
    "`probe --seconds -1`": (("probe", "--seconds", "-1", "rtsp://h/"), "must be more than 0"),
    "`probe --transport sctp`": (
        ("probe", "--transport", "sctp", "rtsp://h/"),
        "invalid choice: 'sctp'",
    ),
    "`probe --credential` with the password itself": (
        ("probe", "--credential", f"admin:{CANARY}", "rtsp://h/"),
        "--credential must be the name of a systemd credential",
    ),
    "`weights` without a verb": (("weights",), "the following arguments are required: VERB"),
    "`weights import` of an unknown model": (
        ("weights", "import", "x", "-o", "y", "--model", "efficientdet-d9"),
        "unknown model efficientdet-d9",
    ),
    "`tail` of what is no endpoint": (("tail", "127.0.0.1"), "did you mean tcp://127.0.0.1?"),
    "`tail` with half a key pair": (("tail", "--key", "x"), "belong together"),
    "`discover rtsp://…`": (("discover", "rtsp://h/"), "is no host to ask: write HOST"),
    "`discover --interface nosuch0`": (("discover", "--interface", "nosuch0"), "no interface"),
    "`discover --timeout 0`": (("discover", "--timeout", "0"), "must be more than 0"),
    "`bench` without a verb": (("bench",), "the following arguments are required"),
    "`detect` without pictures": (("detect",), "the following arguments are required"),
}


def _cases() -> Iterator[Case]:
    for given, (words, saying) in _USAGE.items():
        yield Case(given, _usage(words), "exit 2", saying)
    yield Case("`check` of no file", _line("check", "/none"), "exit 78", "no such file")
    yield Case("`run` of no file", _line("run", "/none"), "exit 78", "no such file")
    closed = _line("discover", "127.0.0.1:9")
    yield Case("`discover` of a closed port", closed, "exit 1", "no camera answered")
    yield Case("`doctor` of no file", _line("doctor", "/none"), "exit 78", "no such file")
    yield Case("`check -` (a file of that name)", _line("check", "-"), "exit 78", "no such file")
    yield Case("`check ''`", _line("check", ""), "exit 78", "is a directory")
    yield Case(
        "`run` of a file with ${…} that is not set",
        _on_file("run", content="version: 1\ncameras: {a: {url: '${NO_SUCH_URL}'}}\n"),
        "exit 78",
        "needs the environment variable NO_SUCH_URL, which is not set",
    )
    yield Case(
        "`weights info` of no file",
        _line("weights", "info", "/none/x.h5"),
        "exit 69",
        "No such file",
    )
    yield Case(
        "a locale that does not exist",
        _line("check", "/none", LC_ALL="xx_XX.nope", PYTHONUTF8="0"),
        "exit 78",
        "no such file",
    )


CASES = tuple(_cases())
