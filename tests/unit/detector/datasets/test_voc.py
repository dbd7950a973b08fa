"""Pascal VOC folders: years, splits, difficult objects, and XML that nobody should trust."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from detector.datasets.samples import DataError, open_dataset
from tests.support.data_sets import voc_object, write_voc


def test_pixels_count_from_one_and_the_last_belongs_to_the_box(tmp_path: Path) -> None:
    whole = voc_object("dog", (1, 1, 64, 48))
    hard = voc_object("cat", (11, 21, 20, 30), difficult=1)
    write_voc(tmp_path, "000005", whole, hard)
    data = open_dataset(tmp_path, split="trainval")
    (sample,) = data.samples
    assert data.labels == ("cat", "dog")
    np.testing.assert_array_equal(sample.xyxy_px, [[0, 0, 64, 48], [10, 20, 20, 30]])
    assert sample.classes.tolist() == [1, 0]
    assert sample.ignored.tolist() == [False, True]
    assert data.faults == ()


def test_years_are_read_one_after_the_other(tmp_path: Path) -> None:
    write_voc(tmp_path / "VOC2012", "b", voc_object("dog", (1, 1, 9, 9)))
    write_voc(tmp_path / "VOC2007", "a", voc_object("dog", (1, 1, 9, 9)))
    write_voc(tmp_path / "VOC2007", "t", voc_object("cow", (1, 1, 9, 9)), split="test")
    assert _names(tmp_path, "trainval") == ["a", "b"]
    assert _names(tmp_path, "test") == ["t"]
    assert _names(tmp_path, None) == ["a", "t", "b"]
    assert _names(tmp_path / "VOC2007", "trainval") == ["a"]
    with pytest.raises(DataError, match=r"no split dev \(known: test, trainval\)"):
        open_dataset(tmp_path, split="dev")


def test_a_split_may_say_more_about_its_pictures(tmp_path: Path) -> None:
    write_voc(tmp_path, "a", voc_object("dog", (1, 1, 9, 9)))
    (tmp_path / "ImageSets/Main/dog_val.txt").write_text("a  1\n\n")
    assert _names(tmp_path, "dog_val") == ["a"]


def test_sizes_that_a_tool_left_out_are_no_fault(tmp_path: Path) -> None:
    write_voc(tmp_path, "a", size="<size><width>0</width><height>0</height></size>")
    write_voc(tmp_path, "b", size="<size><width>?</width></size>")
    assert len(open_dataset(tmp_path).samples) == 2


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (voc_object("", (1, 1, 9, 9)), "object 1: it has no name"),
        (voc_object("dog", (1, 1, 9, "x")), "object 1: its box is not four numbers"),
        ("<object><name>dog</name></object>", "object 1: its box is not four numbers"),
    ],
)
def test_an_impossible_object_is_a_fault_and_the_others_stay(
    tmp_path: Path, broken: str, reason: str
) -> None:
    write_voc(tmp_path, "a", broken, voc_object("dog", (1, 1, 9, 9)))
    data = open_dataset(tmp_path)
    assert [str(fault) for fault in data.faults] == [f"{tmp_path}/Annotations/a.xml: {reason}"]
    assert len(data.samples[0].xyxy_px) == 1


_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prolog", [_LAUGHS, _OUTSIDE, "<!DOCTYPE annotation>"])
def test_entities_are_never_read(tmp_path: Path, prolog: str) -> None:
    write_voc(tmp_path, "good", voc_object("dog", (1, 1, 9, 9)))
    write_voc(tmp_path, "bad", voc_object("&a;", (1, 1, 9, 9)), prolog=prolog)
    data = open_dataset(tmp_path)
    assert [fault.reason for fault in data.faults] == [
        "declares a document type, which annotations have no need of"
    ]
    assert data.labels == ("dog",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not XML: "),
        (b"<annotation>", "is not XML: "),
        (b"\xff\xfe\x00", "is not XML: "),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "is not XML: "),
        (b"<a>" + b" " * (5 * 1024**2) + b"</a>", "is too long"),
        (None, "does not exist"),
    ],
)
def test_a_broken_annotation_costs_its_picture_only(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    write_voc(tmp_path, "good", voc_object("dog", (1, 1, 9, 9)))
    write_voc(tmp_path, "bad")
    annotation = tmp_path / "Annotations/bad.xml"
    if content is None:
        annotation.unlink()
    else:
        annotation.write_bytes(content)
    data = open_dataset(tmp_path, split="trainval")
    (fault,) = data.faults
    assert fault.file == annotation
    assert re.match(reason, fault.reason)
    assert len(data.samples) == 1


def _names(path: Path, split: str | None) -> list[str]:
    return [sample.image.stem for sample in open_dataset(path, split=split).samples]
