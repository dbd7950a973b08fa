"""What is no readable text file is one clear fault, at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load

GOOD = "version: 1\ncameras: {a: {url: 'rtsp://h/'}}\n"


def only_fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (fault,) = caught.value.faults
    return str(fault)


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert only_fault(path) == f"{path}: cannot be read: no such file or directory"


def test_directory(tmp_path: Path) -> None:
    assert only_fault(tmp_path) == f"{tmp_path}: is a directory"


def test_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    assert only_fault(path) == f"{path}: is not a regular file"


def test_device_is_refused() -> None:
    assert only_fault(Path("/dev/zero")) == "/dev/zero: is not a regular file"


def test_symlink_loop(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.symlink_to(path)
    assert only_fault(path) == f"{path}: cannot be read: too many levels of symbolic links"


def test_file_that_fails_while_it_is_read() -> None:
    # A regular file whose reading fails for root too, unlike one without permissions.
    path = Path("/proc/self/mem")
    assert only_fault(path) == f"{path}: cannot be read: input/output error"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    assert only_fault(path) == f"{path}: cannot be read: permission denied"


def test_nul_in_the_name() -> None:
    assert only_fault(Path("a\0b")) == (r"a\x00b: cannot be read: no file can have this name here")


def test_control_characters_of_a_name_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n.yaml"
    assert only_fault(path).startswith(rf"{tmp_path}/a\x1b[2J\n.yaml: cannot be read")


def test_larger_than_a_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(GOOD + "#" * 1_000_000)
    assert only_fault(path) == f"{path}: is larger than 1000000 bytes"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", " is empty", id="empty"),
        pytest.param(b" \n\n", " is empty", id="blank"),
        pytest.param(b"# nothing\n", " is empty", id="comment only"),
        pytest.param(b"---\n", " is empty", id="document marker only"),
        pytest.param(GOOD.encode("utf-16"), " is UTF-16 (save it as UTF-8)", id="utf-16"),
        pytest.param(
            GOOD.encode("utf-16-be"), "1:1: holds the invisible character U+0000", id="be"
        ),
        pytest.param(b"version: 1\n# \xff\n", "2:3: is not UTF-8 from here on", id="latin-1"),
        pytest.param(b"a: 1\r\nb: \xff", "2:4: is not UTF-8 from here on", id="windows line ends"),
        pytest.param(b"version: 1\n\0", "2:1: holds the invisible character U+0000", id="nul"),
        pytest.param(b"a: \x1b[2J", "1:4: holds the invisible character U+001B", id="escape"),
        pytest.param("a: \x85".encode(), "1:4: holds the invisible character U+0085", id="nel"),
        pytest.param(
            "a: \u2028".encode(), "1:4: holds the invisible character U+2028", id="separator"
        ),
    ],
)
def test_content_that_is_no_text(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_bytes(content)
    assert only_fault(path) == f"{path}:{fault}"


def test_byte_order_mark_is_tolerated_and_moves_no_column(tmp_path: Path) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(path, {}).config.version == 1
    path.write_bytes(b"\xef\xbb\xbfversion: 2\n" + GOOD.encode().partition(b"\n")[2])
    assert only_fault(path).startswith(f"{path}:1:10: version:")
