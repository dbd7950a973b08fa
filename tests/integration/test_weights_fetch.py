"""`vedette weights fetch` against a server that cannot be trusted."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import cli
from detector.api import ModelError
from detector.weights.bundled import resolve
from detector.weights.description import read_description
from detector.weights.published import cache, fetch
from detector.weights.published.download import FetchError, Patience, download
from detector.weights.published.table import PUBLISHED
from tests.support import foreign_weights as foreign
from tests.support import weight_server as serve
from tests.support.weight_server import WeightServer

pytestmark = pytest.mark.integration

NAME = "efficientdet-lite0"
CONTENT = bytes(range(256)) * 1000


class Meter:
    """Sees what a progress bar sees."""

    def __init__(self) -> None:
        self.total: float | None = None
        self.seen = 0.0

    def reset(self, total: float | None = None) -> None:
        self.total, self.seen = total, 0.0

    def update(self, n: float | None = 1) -> None:
        self.seen += n or 0


class Waits:
    """Never waits, but knows for how long it was asked to."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    def __call__(self, wait_s: float) -> None:
        self.asked_s.append(wait_s)


@pytest.fixture
def server() -> Iterator[WeightServer]:
    with serve.serving(CONTENT) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; and no proxy between us and the server."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return tmp_path / "share" / "vedette" / "weights"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint as it is published, with COCO's 90 classes."""
    folder = tmp_path_factory.mktemp("published")
    checkpoint = foreign.write_checkpoint(folder / NAME, foreign.random_arrays(NAME, 90))
    return foreign.write_tar(folder / "weights.tgz", checkpoint).read_bytes()


def got(
    server: WeightServer, path: Path, *, waits: Waits | None = None, timeout_s: float = 5.0
) -> bytes:
    """What a download makes of the server."""
    patience = Patience(timeout_s=timeout_s, tries=3, wait=waits or Waits())
    download(server.url + "file", path, meter=Meter(), patience=patience)
    return path.read_bytes()


def refusal(server: WeightServer, path: Path, timeout_s: float = 5.0) -> str:
    with pytest.raises(FetchError) as caught:
        got(server, path, timeout_s=timeout_s)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_arrives_whole_and_the_meter_sees_it(server: WeightServer, tmp_path: Path) -> None:
    meter = Meter()
    download(server.url + "file", tmp_path / "f", meter=meter)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert (meter.total, meter.seen) == (len(CONTENT), len(CONTENT))
    assert server.requests == [("/efficientdet/file", None, None)]


def test_a_broken_connection_is_taken_up_where_it_ended(
    server: WeightServer, tmp_path: Path
) -> None:
    waits = Waits()
    server.script.extend([serve.cut_off_after(100_000), serve.cut_off_after(50_000)])
    assert got(server, tmp_path / "f", waits=waits) == CONTENT
    assert [asked for _, asked, _ in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1][2] == serve.ETAG
    assert waits.asked_s == [1.0, 2.0]


def test_a_later_run_goes_on_with_what_the_last_one_left(
    server: WeightServer, tmp_path: Path
) -> None:
    server.script.extend([serve.cut_off_after(1000), serve.cut_off_after(0), serve.hang_up])
    assert refusal(server, tmp_path / "f").startswith("gave up after 3 tries: ")
    assert got(server, tmp_path / "f") == CONTENT
    assert server.requests[-1][1] == "bytes=1000-"


def test_a_whole_file_is_not_asked_for_again(server: WeightServer, tmp_path: Path) -> None:
    got(server, tmp_path / "f")
    got(server, tmp_path / "f")
    assert len(server.requests) == 1


def test_a_server_that_drips_is_given_up(server: WeightServer, tmp_path: Path) -> None:
    server.script.extend([serve.drip] * 3)
    started_s = time.monotonic()
    assert "are too slow" in refusal(server, tmp_path / "f", timeout_s=0.2)
    assert time.monotonic() - started_s < 5


def test_a_changed_file_is_begun_again(server: WeightServer, tmp_path: Path) -> None:
    server.script.extend([serve.cut_off_after(100)] * 3)
    refusal(server, tmp_path / "f")
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert got(server, tmp_path / "f") == CONTENT[::-1]


def test_a_server_that_ignores_ranges_is_listened_to_from_the_start(
    server: WeightServer, tmp_path: Path
) -> None:
    server.script.extend([serve.cut_off_after(1000), serve.all_of_it])
    assert got(server, tmp_path / "f") == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_a_part_that_cannot_be_told_from_another_file_is_not_used(
    server: WeightServer, tmp_path: Path, etag: str
) -> None:
    server.etag = etag
    server.script.append(serve.cut_off_after(1000))
    assert got(server, tmp_path / "f") == CONTENT
    assert server.requests[-1][1] is None


@pytest.mark.parametrize("note", [b"", b"[]", b'{"url": 1}', b"\xff"])
def test_a_damaged_note_of_a_part_is_no_reason_to_trust_it(
    server: WeightServer, tmp_path: Path, note: bytes
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 10)
    (tmp_path / "f.json").write_bytes(note)
    assert got(server, tmp_path / "f") == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server: WeightServer, tmp_path: Path) -> None:
    server.script.extend([serve.cut_off_after(1000)] * 3)
    refusal(server, tmp_path / "f")
    server.script.append(serve.status(416))
    assert got(server, tmp_path / "f") == CONTENT
    assert server.requests[-1][1] is None


def test_a_stalled_server_is_left(server: WeightServer, tmp_path: Path) -> None:
    server.script.extend([serve.stall_after(1000)] * 3)
    assert refusal(server, tmp_path / "f", 0.1) == "gave up after 3 tries: timed out"


@pytest.mark.parametrize("answer", [serve.hang_up, serve.not_http, serve.status(503)])
def test_a_passing_failure_is_tried_again(
    server: WeightServer, tmp_path: Path, answer: serve.Answer
) -> None:
    server.script.append(answer)
    assert got(server, tmp_path / "f") == CONTENT


def test_a_closed_port_is_given_up_in_the_end(tmp_path: Path) -> None:
    with serve.serving(b"") as server:
        pass
    assert "Connection refused" in refusal(server, tmp_path / "f")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (serve.status(404), "the server answered 404 Not Found"),
        (serve.status(403), "the server answered 403 Forbidden"),
        (serve.without_length, "the server does not say how long the file is"),
        (serve.claim_length("many"), "the server does not say how long the file is"),
        (
            serve.claim_length("9", Content_Encoding="gzip"),
            "the server does not say how long the file is",
        ),
        (
            serve.claim_length(str(2**40)),
            f"the file has {2**40} bytes, more than a weights file may have ({2**31})",
        ),
        (serve.wrong_part, "the server sent another part than it was asked for"),
        (serve.redirect_to("ftp://127.0.0.1/f"), "the server redirects from http to ftp: refused"),
        (
            serve.redirect_to("file:///etc/passwd"),
            "the server redirects in a circle, or to where none may lead (302)",
        ),
    ],
)
def test_a_lasting_failure_is_said_at_once(
    server: WeightServer, tmp_path: Path, answer: serve.Answer, reason: str
) -> None:
    server.script.append(answer)
    assert refusal(server, tmp_path / "f") == reason
    assert len(server.requests) == 1


def test_redirections_within_the_scheme_are_followed(server: WeightServer, tmp_path: Path) -> None:
    server.script.append(serve.redirect_to("/elsewhere"))
    assert got(server, tmp_path / "f") == CONTENT
    assert [path for path, _, _ in server.requests] == ["/efficientdet/file", "/elsewhere"]


def test_redirections_in_a_circle_end(server: WeightServer, tmp_path: Path) -> None:
    server.script.extend([serve.redirect_to("/elsewhere")] * 20)
    assert refusal(server, tmp_path / "f").startswith("the server redirects in a circle")


def run(server: WeightServer, *options: str) -> int:
    return cli.main(["weights", "fetch", NAME, "--base-url", server.url, *options])


def test_fetched_weights_are_converted_pinned_and_found_by_name(
    server: WeightServer, archive: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = archive
    assert run(server) == 0
    out, err = capsys.readouterr()
    digest = hashlib.sha256(archive).hexdigest()
    assert f"SHA-256 {digest} (kept for later downloads)" in out
    assert err == ""
    assert server.requests[0][0] == f"/efficientdet/coco/{NAME}.tgz"
    path = resolve(NAME, NAME)
    assert path == home / f"{NAME}.safetensors"
    description = read_description(path)
    assert description.architecture == NAME
    assert len(description.labels) == 80
    assert digest in description.source
    assert description.licence.startswith("Apache-2.0")
    assert sorted(item.name for item in home.iterdir()) == [
        f"{NAME}.lock.json",
        f"{NAME}.safetensors",
    ]
    assert run(server) == 0
    assert capsys.readouterr().out == f"{path}: is there already\n"
    assert len(server.requests) == 1


def test_another_content_than_the_first_is_refused(
    server: WeightServer, archive: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = archive
    run(server)
    resolve(NAME, NAME).unlink()
    assert run(server) == 0
    assert "(as received before)" in capsys.readouterr().out
    resolve(NAME, NAME).unlink()
    server.content = archive + b"\0"
    assert run(server) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"remove {home / NAME}.lock.json if the change is meant" in err
    assert [item.name for item in home.iterdir()] == [f"{NAME}.lock.json"]


@pytest.mark.parametrize("content", [b"<html>login</html>", b"", b"\x1f\x8b" + bytes(50)])
def test_garbage_is_refused_and_not_pinned(
    server: WeightServer, content: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = content
    assert run(server) == 69
    assert capsys.readouterr().err.count("\n") == 1
    assert list(home.iterdir()) == []


def test_a_shortened_archive_that_claims_to_be_whole_is_refused(
    server: WeightServer, archive: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = archive[:-5]
    assert run(server) == 69
    assert "damaged archive" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_another_model_than_the_one_asked_for_is_refused_tensor_by_tensor(
    server: WeightServer, archive: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = archive
    assert cli.main(["weights", "fetch", "efficientdet-d0", "--base-url", server.url]) == 69
    first, *faults = capsys.readouterr().err.splitlines()
    assert first.endswith(f"does not fit efficientdet-d0: {len(faults)} tensors are amiss")


def test_weights_of_other_classes_than_cocos_are_refused(
    server: WeightServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = foreign.write_checkpoint(tmp_path / NAME, foreign.random_arrays(NAME, 3))
    server.content = foreign.write_tar(tmp_path / "weights.tgz", checkpoint).read_bytes()
    assert run(server) == 69
    assert "has 3 classes of its own" in capsys.readouterr().err


def test_two_fetches_at_once_do_not_share_a_file(server: WeightServer, home: Path) -> None:
    home.mkdir(parents=True)
    with (
        fetch._alone_in(home),
        pytest.raises(FetchError, match="another fetch is running"),
    ):
        fetch.fetch(PUBLISHED[NAME], meter=Meter(), base_url=server.url)
    assert server.requests == []


def test_a_damaged_lock_file_is_not_taken_for_none(
    server: WeightServer, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True)
    cache.pin_file(NAME).write_text("{}")
    assert run(server) == 69
    assert "remove it to accept any download again" in capsys.readouterr().err
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://h/", "file:///etc", "http://", "https://me:secret@h/", "weights"]
)
def test_a_base_url_of_another_kind_is_refused(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["weights", "fetch", NAME, "--base-url", url]) == 1
    err = capsys.readouterr().err
    assert "the base URL must be http(s)://HOST/" in err
    assert "secret" not in err


def test_names_that_were_never_fetched_say_how_to_get_them() -> None:
    with pytest.raises(ModelError, match="run `vedette weights fetch efficientdet-d2-640`"):
        resolve("efficientdet-d2", "efficientdet-d2-640")
