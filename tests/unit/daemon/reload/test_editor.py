"""Zones written into the file: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from daemon.books.reports import ReloadResult
from daemon.reload.editor import EditConflictError, EditError, Editor
from tests.support.edited_file import FILE, EditedFile

AREA = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8]]
LINE = {"from": [0.1, 0.5], "to": [0.9, 0.5], "left": "in", "right": "out"}


@pytest.fixture
def daemon(tmp_path: Path) -> EditedFile:
    return EditedFile(tmp_path / "vedette.yaml")


def test_an_edit_is_in_the_file_with_comments_rights_and_a_copy_of_what_was(
    daemon: EditedFile,
) -> None:
    drive = {"area": AREA, "labels": ["person"]}
    assert daemon.write({"drive": drive}, {"door": LINE}).result is ReloadResult.APPLIED
    text = daemon.path.read_text()
    assert "# the one at the road" in text
    assert "# cars too?" in text
    camera = load(daemon.path).config.cameras["gate"]
    assert camera.zones["drive"].area == AREA
    assert camera.lines["door"].left == "in"
    backup = daemon.path.with_name("vedette.yaml.bak")
    assert backup.read_text() == FILE
    assert {path.name for path in daemon.path.parent.iterdir()} == {daemon.path.name, backup.name}
    assert daemon.path.stat().st_mode & 0o777 == backup.stat().st_mode & 0o777 == 0o640


def test_what_is_taken_away_is_gone(daemon: EditedFile) -> None:
    daemon.write({}, {"door": LINE})
    daemon.write({"drive": {"area": AREA}}, {})
    camera = load(daemon.path).config.cameras["gate"]
    assert (list(camera.zones), list(camera.lines)) == (["drive"], [])
    assert "labels" not in daemon.path.read_text()


@pytest.mark.parametrize("result", [ReloadResult.REFUSED, ReloadResult.ROLLED_BACK])
def test_what_the_daemon_does_not_take_is_taken_back(
    daemon: EditedFile, result: ReloadResult
) -> None:
    daemon.result = result
    with pytest.raises(EditError, match="as it was: labels: unknown"):
        daemon.write({}, {"door": LINE})
    assert "door" in daemon.seen
    assert daemon.path.read_text() == FILE


def test_a_daemon_that_never_answers_leaves_the_file_as_it_was(
    daemon: EditedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.reload.editor.RELOAD_S", 0.01)
    deaf = Editor(daemon.path, report=lambda: daemon.report, reload=lambda: None)
    with pytest.raises(EditError, match="no answer"):
        deaf.write("gate", {"zones": {}, "lines": {}}, based_on=daemon.report.hash)
    assert daemon.path.read_text() == FILE


@pytest.mark.parametrize(
    ("zones", "says"),
    [
        ({"drive": {"area": [[0, 0], [1, 1]]}}, "zones.drive.area"),
        ({"drive": {"area": [[0, 0], [1, 1], [1, 0], [0, 1]]}}, "crosses itself"),
        ({"a zone": {"area": AREA}}, "zones.a zone: may hold only letters, digits, _ and -"),
        ({"drive": {"area": AREA, "colour": "red"}}, "zones.drive.colour: is not known here"),
        ({"drive": {"area": AREA, "ancor": 1}}, "did you mean `anchor`?"),
        ({"drive": {"area": AREA, "min_area": 2}}, "zones.drive.min_area: must be between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    daemon: EditedFile, zones: dict[str, Any], says: str
) -> None:
    with pytest.raises(EditError, match=says):
        daemon.write(zones, {})
    assert daemon.path.read_text() == FILE
    assert daemon.seen == ""


def changed_on_disk(daemon: EditedFile) -> None:
    daemon.path.write_text(FILE.replace("0.1", "0.15"))


def changed_in_the_daemon(daemon: EditedFile) -> None:
    daemon.report = replace(daemon.report, hash="0" * 12)


@pytest.mark.parametrize("change", [changed_on_disk, changed_in_the_daemon])
def test_who_edited_something_else_than_what_holds_begins_anew(
    daemon: EditedFile, change: Callable[[EditedFile], None]
) -> None:
    based_on = daemon.report.hash
    change(daemon)
    with pytest.raises(EditConflictError, match="meanwhile"):
        daemon.editor.write("gate", {"zones": {}, "lines": {}}, based_on=based_on)
    assert daemon.seen == ""


def test_a_file_with_faults_is_not_touched_and_they_are_told(daemon: EditedFile) -> None:
    daemon.path.write_text(FILE + "colour: red\n")
    with pytest.raises(EditError, match=r"vedette\.yaml:7"):
        daemon.write({}, {})


def test_a_file_that_may_not_be_written_says_what_to_do(
    daemon: EditedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("daemon.reload.editor._replace", refuse)
    with pytest.raises(EditError, match=r"Read-only file system.*ReadWritePaths"):
        daemon.write({}, {"door": LINE})
    assert daemon.path.read_text() == FILE
