"""Recordings as the daemon writes them become a data set that is read without a fault."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from daemon.cli import main
from daemon.offline import keepsakes
from daemon.recording.shelf import Part, Shelf, name_of
from detector.datasets import coco_writer
from detector.datasets.samples import open_dataset
from sinks.messages import Detection, DetectionMessage, json_line
from tests.support.data_sets import HEIGHT, WIDTH, make_picture
from tests.support.messages import detection

SECOND = 10**9
BEGIN_NS = 1_795_000_000 * SECOND
PERSON = Detection("person", 0, 0.9, (10.0, 5.0, 30.5, 40.0))
CAR = Detection("car", 2, 0.4, (-1.0, 8.0, 20.0, 20.0))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


def record(
    recordings: Path,
    camera: str = "gate",
    second: int = 0,
    found: Sequence[Detection] = (PERSON,),
    **changes: Any,
) -> Path:
    """The path of its files, without what follows their name."""
    shelf = Shelf(recordings / camera)
    name = name_of(BEGIN_NS + second * SECOND)
    picture = make_picture(recordings.parent / "picture.jpg")
    shelf.write(name, Part.PICTURE, picture.read_bytes())
    shelf.write(name, Part.BOXES, b"with boxes")
    message = detection(camera).message
    assert isinstance(message, DetectionMessage)
    shown = replace(message, detections=tuple(found), **{"size": (WIDTH, HEIGHT)} | changes)
    shelf.write(name, Part.MESSAGE, json_line(shown))
    return shelf.folder / name


def export(recordings: Path, *options: str) -> tuple[int, Path]:
    out = recordings.parent / "out"
    return main(["export-labels", str(recordings), "-o", str(out), *options]), out


def document(out: Path) -> Any:
    return json.loads((out / "instances.json").read_text())


def nothing_is_left(recordings: Path) -> bool:
    return {path.name for path in recordings.parent.iterdir()} <= {"recordings", "picture.jpg"}


def test_what_is_written_is_read_as_a_data_set_without_a_fault(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(recordings, found=(PERSON, CAR))
    record(recordings, "yard", 1, found=(CAR,))
    code, out = export(recordings)
    assert code == 0
    said = capsys.readouterr()
    assert said.out == f"{out}/instances.json: 2 pictures, 3 boxes of person, car\n"
    assert said.err == ""
    data = open_dataset(out / "instances.json")
    assert data.faults == ()
    assert data.labels == ("person", "car")
    gate, yard = data.samples
    np.testing.assert_allclose(gate.xyxy_px, [[10, 5, 30.5, 40], [0, 8, 20, 20]])
    assert gate.classes.tolist() == [0, 1]
    assert yard.classes.tolist() == [1]
    assert gate.image == out / "images" / f"gate-{name_of(BEGIN_NS)}.jpg"


def test_the_file_has_what_tools_ask_for_and_scores_beside(recordings: Path) -> None:
    stem = record(recordings)
    _, out = export(recordings)
    (image,) = document(out)["images"]
    assert image["file_name"] == f"gate-{stem.name}.jpg"
    assert (image["width"], image["height"], image["camera"]) == (WIDTH, HEIGHT, "gate")
    assert image["date_captured"] == "2026-11-18 11:06:40"
    assert document(out)["categories"] == [{"id": 1, "name": "person"}]
    assert document(out)["annotations"] == [
        {
            "id": 1, "image_id": image["id"], "category_id": 1, "bbox": [10.0, 5.0, 20.5, 35.0],
            "area": 717.5, "segmentation": [], "iscrowd": 0, "score": 0.9,
        }
    ]  # fmt: skip


def test_pictures_of_people_stay_readable_to_few(recordings: Path) -> None:
    record(recordings)
    _, out = export(recordings)
    modes = [path.stat().st_mode & 0o007 for path in (out, *out.rglob("*"))]
    assert modes == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "pictures", "boxes"),
    [
        (["--camera", "yard"], 1, 2),
        (["--camera", "yard", "--camera", "gate"], 3, 4),
        (["--label", "car"], 2, 2),
        (["--min-score", "0.5"], 2, 2),
        (["--since", "2026-11-18T11:06:50"], 2, 3),
        (["--until", "2026-11-18T11:06:50Z"], 1, 1),
        (["--since", "2026-11-18T11:06:50", "--until", "2026-11-18T12:07:00+01:00"], 1, 2),
    ],
)
def test_options_choose(recordings: Path, options: list[str], pictures: int, boxes: int) -> None:
    record(recordings, "gate", 0)
    record(recordings, "yard", 10, found=(PERSON, CAR))
    record(recordings, "gate", 20, found=(CAR,))
    code, out = export(recordings, *options)
    assert code == 0
    assert len(document(out)["images"]) == len(list((out / "images").iterdir())) == pictures
    assert len(document(out)["annotations"]) == boxes


def test_what_is_left_out_is_counted_by_reason(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(recordings, second=0, found=(PERSON, CAR, replace(PERSON, box=(90, 1, 99, 9))))
    record(recordings, second=1).with_suffix(".jpg").unlink()
    record(recordings, second=2).with_suffix(".json").write_text("{}")
    record(recordings, second=3, status="error", error="timeout")
    record(recordings, second=4, found=(CAR,))
    record(recordings, second=5, size=(1920, 1080), found=(PERSON,))
    damaged = record(recordings, second=6).with_suffix(".jpg")
    damaged.write_bytes(damaged.read_bytes()[:-2])
    linked = record(recordings, second=7).with_suffix(".jpg")
    linked.unlink()
    linked.symlink_to(damaged)
    piped = record(recordings, second=8).with_suffix(".json")
    piped.unlink()
    os.mkfifo(piped)
    record(recordings, second=9).with_suffix(".json").rename(
        recordings / "gate/99999999T999999999Z.json"
    )
    record(recordings, second=10, found=(replace(PERSON, label="dog"),))
    code, out = export(recordings, "--min-score", "0.5", "--label", "person,car")
    assert code == 0
    assert len(list((out / "images").iterdir())) == 1
    told = {
        line.removeprefix("vedette export-labels: ")
        for line in capsys.readouterr().err.splitlines()
    }
    assert told == {
        "recordings left out: 1, there is no snapshot",
        "recordings left out: 1, the message cannot be read",
        "recordings left out: 1, the detector gave no answer",
        "recordings left out: 2, nothing in it that is wanted",
        "recordings left out: 1, the picture has another size than its message says",
        "recordings left out: 1, the picture is damaged",
        "recordings left out: 2, not a regular file of its folder's owner",
        "recordings left out: 1, its name is not a time",
        "boxes left out: 2, of a lower score",
        "boxes left out: 1, of another label",
        "boxes left out: 1, not a box inside the picture",
    }


def test_a_message_or_picture_that_is_too_large_is_left_out(
    recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(recordings, second=0)
    monkeypatch.setattr(keepsakes, "MOST_PICTURE_BYTES", 100)
    assert export(recordings)[0] == 1
    assert "left out: 1, the picture cannot be read" in capsys.readouterr().err
    monkeypatch.setattr(keepsakes, "MOST_MESSAGE_BYTES", 100)
    assert export(recordings)[0] == 1
    assert "left out: 1, the message cannot be read" in capsys.readouterr().err
    assert nothing_is_left(recordings)


def test_labels_without_end_do_not_fill_memory(
    recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco_writer, "MOST_CATEGORIES", 1)
    record(recordings, second=0)
    record(recordings, second=1, found=(CAR, PERSON))
    code, out = export(recordings)
    assert code == 0
    assert [each["name"] for each in document(out)["categories"]] == ["person"]
    assert "boxes left out: 1, there are too many labels" in capsys.readouterr().err


def test_what_the_daemon_deletes_meanwhile_is_left_out(
    recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(recordings)
    monkeypatch.setattr(keepsakes, "names_in", lambda _: [name_of(0), name_of(BEGIN_NS)])
    assert export(recordings)[0] == 0
    assert "recordings left out: 1, it was deleted meanwhile" in capsys.readouterr().err


def test_nothing_is_overwritten(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(recordings)
    out = recordings.parent / "out"
    out.mkdir()
    assert export(recordings)[0] == 2
    assert f"{out}: is there already, and nothing is overwritten" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_nothing_to_export_exits_1_and_leaves_nothing(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(recordings)
    assert export(recordings, "--label", "zebra")[0] == 1
    assert f"{recordings}: there is nothing to export" in capsys.readouterr().err
    assert nothing_is_left(recordings)


def test_a_disk_that_fails_exits_1_and_leaves_nothing(
    recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(recordings)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    code, out = export(recordings)
    assert code == 1
    assert capsys.readouterr().err == f"vedette export-labels: {out}: No space left on device\n"
    assert nothing_is_left(recordings)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--camera", "gaet"], "--camera gaet: has no recordings in"),
        (["--since", "yesterday"], "yesterday is not a time as in 2026-11-26"),
        (["--since", "2026-11-18", "--until", "2026-11-18"], "--until is not after --since"),
        (["--min-score", "2"], "2 is not from 0 to 1"),
        (["-o", "nowhere/out"], "nowhere/out: there is no folder nowhere"),
    ],
)
def test_options_that_cannot_be_meant_exit_2(
    recordings: Path, capsys: pytest.CaptureFixture[str], options: list[str], reason: str
) -> None:
    record(recordings)
    try:
        code = export(recordings, *options)[0]
    except SystemExit as stopped:  # argparse's own
        code = int(str(stopped.code))
    assert code == 2
    assert reason in capsys.readouterr().err
    assert nothing_is_left(recordings)


def test_folders_that_cannot_be_meant_exit_2(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(recordings)[0] == 2
    assert "has no folder of a camera" in capsys.readouterr().err
    assert export(recordings / "nix")[0] == 2
    assert "No such file or directory; recordings.folder" in capsys.readouterr().err
    record(recordings)
    assert export(recordings, "-o", str(recordings / "gate/out"))[0] == 2
    assert "lies inside of the recordings" in capsys.readouterr().err
