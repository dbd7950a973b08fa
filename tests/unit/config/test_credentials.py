"""Where user and password come from, and that nothing ever shows them."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.credentials import Credential, resolve, resolve_token
from config.errors import CredentialError

CANARY = "hunter2"


def write(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "gate"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def password_of(credential: Credential) -> tuple[str, str]:
    return credential.user, credential.password.get_secret_value()


def test_name_is_looked_up_in_the_credentials_directory(tmp_path: Path) -> None:
    write(tmp_path, b"admin:hunter2\n", 0o444)  # systemd's own modes are its own matter
    assert password_of(resolve("gate", directory=tmp_path)) == ("admin", CANARY)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"admin:hunter2", ("admin", "hunter2")),
        (b"admin:hunter2\r\n", ("admin", "hunter2")),
        (b"admin:a:b@/ c#?%\n", ("admin", "a:b@/ c#?%")),
        ("jürgen:pässword\n".encode(), ("jürgen", "pässword")),
        (b"admin:\n", ("admin", "")),
        (b"admin: x \n", ("admin", " x ")),
    ],
)
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_file_holds_one_line(
    tmp_path: Path, content: bytes, expected: tuple[str, str], mode: int
) -> None:
    path = write(tmp_path, content, mode)
    assert password_of(resolve(f"file:{path}", directory=None)) == expected


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o620, 0o601])
def test_file_open_to_others_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, b"admin:hunter2\n", mode)
    with pytest.raises(CredentialError) as caught:
        resolve(f"file:{path}", directory=None)
    assert str(caught.value) == (
        f"credential file {path} is open to others, mode {mode:04o} (chmod 600 {path})"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must hold one line: user:password"),
        (b"hunter2\n", "must hold one line: user:password"),
        (b":hunter2\n", "must hold one line: user:password"),
        (b"admin:hunter2\nroot:hunter2\n", "must hold one line: user:password"),
        (b"admin:hunter2\n\n", "must hold one line: user:password"),
        (b"admin:hunter2\rx\n", "must hold one line: user:password"),
        (b"admin:hunter2\xff\n", "is not UTF-8"),
        (b"admin:" + b"hunter2" * 600, "is larger than 4096 bytes"),
    ],
)
def test_bad_content_is_explained_without_showing_it(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(CredentialError) as caught:
        resolve(f"file:{path}", directory=None)
    assert str(caught.value) == f"credential file {path} {reason}"
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_missing_file(tmp_path: Path) -> None:
    reason = r"gate cannot be read: no such file or directory"
    with pytest.raises(CredentialError, match=rf"{reason} \(the service was given none\)$"):
        resolve("gate", directory=tmp_path)
    for name in ("camera_gate", "camera_http_token"):
        (tmp_path / name).touch()
    given = r"\(the service was given camera_gate, camera_http_token\)"
    with pytest.raises(CredentialError, match=rf"{reason} {given}$"):
        resolve("gate", directory=tmp_path)
    with pytest.raises(CredentialError, match=rf"{reason}$"):
        resolve(f"file:{tmp_path}/gate", directory=tmp_path)


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match=r"is a directory$"):
        resolve(f"file:{tmp_path}", directory=None)


def test_name_without_a_credentials_directory_says_both_ways_out() -> None:
    with pytest.raises(CredentialError) as caught:
        resolve("gate", directory=None)
    assert str(caught.value) == (
        "credential gate: $CREDENTIALS_DIRECTORY is not set (run as a systemd service with"
        " LoadCredential=gate:/path/to/file, or write file:PATH in its place)"
    )


def test_neither_repr_nor_str_shows_a_credential() -> None:
    credential = Credential("root-of-gate", SecretStr(CANARY))
    shown = f"{credential!r} {credential} {[credential]}"
    assert CANARY not in shown
    assert "root-of-gate" not in shown


TOKEN = "5f2c-hunter2/+=~!"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_token_is_one_line(tmp_path: Path, ending: str) -> None:
    write(tmp_path, f"{TOKEN}{ending}".encode())
    token = resolve_token("gate", directory=tmp_path)
    assert token.get_secret_value() == TOKEN
    assert CANARY not in f"{token!r} {token}"


@pytest.mark.parametrize(
    "content", ["", "hunter2", f"{TOKEN} {TOKEN}", f"{TOKEN}\n{TOKEN}", f"ä{TOKEN}", "hunter2" * 40]
)
def test_token_that_no_header_can_carry_or_that_can_be_guessed_is_refused(
    tmp_path: Path, content: str
) -> None:
    path = write(tmp_path, content.encode())
    with pytest.raises(CredentialError) as caught:
        resolve_token(f"file:{path}", directory=None)
    assert str(caught.value) == (
        f"credential file {path} must hold one line: a token of 16 to 256 printable characters"
        " (openssl rand -hex 32)"
    )
    assert CANARY not in "".join(traceback.format_exception(caught.value))
