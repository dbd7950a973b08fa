"""Recordings as labelled pictures: which are there, and what is in each.

LeftOutError   a recording is of no use for labels
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.files import UnusableFileError, read_small_file
from config.schema import CAMERA_NAME
from daemon.recording.shelf import FILE_MODE, NAME, Part, moment_of, status_of_own
from detector.datasets.coco_writer import LabelledBox
from detector.datasets.headers import picture_size
from detector.datasets.samples import inside
from detector.pictures import PictureError
from sinks.messages import Detection, DetectionMessage

MOST_MESSAGE_BYTES = 2**20
MOST_PICTURE_BYTES = 2**26
_NAME = re.compile(rf"({NAME})\.json")


class LeftOutError(Exception):
    """The message is the reason, the same for all of its kind."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported. `since` and `until` are names of recordings, the second is outside."""

    labels: frozenset[str] | None = None
    min_score: float = 0.0
    since: str = ""
    until: str = "~"  # behind every name

    def spans(self, name: str) -> bool:
        return self.since <= name < self.until


def camera_folders(recordings: Path) -> dict[str, Path]:
    """By the camera's name. Raises OSError where the folder cannot be read."""
    with os.scandir(recordings) as entries:
        found = [
            entry.name
            for entry in entries
            if re.fullmatch(CAMERA_NAME, entry.name) and entry.is_dir(follow_symlinks=False)
        ]
    return {name: recordings / name for name in sorted(found)}


def names_in(folder: Path) -> list[str]:
    """Of all recordings of a camera, oldest first. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(match[1] for entry in entries if (match := _NAME.fullmatch(entry.name)))


def boxes_of(
    message: DetectionMessage,
    wanted: Wanted,
    knows: Callable[[str], bool],
    left_out: Counter[str],
) -> Iterator[LabelledBox]:
    """Boxes that are wanted and lie in the picture; the others are counted by reason."""
    for found in message.detections:
        try:
            yield _box_of(found, message.size, wanted, knows)
        except LeftOutError as error:
            left_out[str(error)] += 1


def time_of(name: str) -> datetime:
    """Raises LeftOutError for digits that are no time."""
    try:
        return datetime.fromtimestamp(moment_of(name) / 1e9, UTC)
    except (ValueError, OverflowError):
        raise LeftOutError("its name is not a time") from None


def read_message(folder: Path, name: str) -> DetectionMessage:
    """Raises LeftOutError."""
    path = folder / f"{name}.{Part.MESSAGE}"
    _check_own(path)
    try:
        content, _ = read_small_file(path, MOST_MESSAGE_BYTES)
        message = msgspec.json.decode(content, type=DetectionMessage)
    except (UnusableFileError, ValueError, RecursionError):
        raise LeftOutError("the message cannot be read") from None
    if message.status != "ok":
        raise LeftOutError("the detector gave no answer")
    return message


def copy_picture(folder: Path, name: str, target: Path, size_wh: Sequence[int]) -> None:
    """The snapshot without boxes. Raises LeftOutError, and OSError where `target` takes nothing."""
    path = folder / f"{name}.{Part.PICTURE}"
    _check_own(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise LeftOutError("the picture cannot be read") from None
    with os.fdopen(descriptor, "rb") as source:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_PICTURE_BYTES:
            raise LeftOutError("the picture cannot be read")
        with target.open("xb") as copy:
            target.chmod(FILE_MODE)
            shutil.copyfileobj(source, copy)
    if unusable := _unlike(target, size_wh):
        target.unlink()
        raise LeftOutError(unusable)


def _unlike(picture: Path, size_wh: Sequence[int]) -> str:
    """Why the boxes of a message cannot be those of this picture; empty where they can."""
    try:
        is_alike = picture_size(picture) == tuple(size_wh)
    except PictureError:
        return "the picture is damaged"
    return "" if is_alike else "the picture has another size than its message says"


def _check_own(path: Path) -> None:
    try:
        status_of_own(path)
    except FileNotFoundError:
        is_picture = path.suffix == f".{Part.PICTURE}"
        raise LeftOutError(
            "there is no snapshot" if is_picture else "it was deleted meanwhile"
        ) from None
    except OSError:
        raise LeftOutError("not a regular file of its folder's owner") from None


def _box_of(
    found: Detection, size_wh: tuple[int, int], wanted: Wanted, knows: Callable[[str], bool]
) -> LabelledBox:
    if wanted.labels is not None and found.label not in wanted.labels:
        raise LeftOutError("of another label")
    if found.score < wanted.min_score:
        raise LeftOutError("of a lower score")
    if not knows(found.label):
        raise LeftOutError("there are too many labels")
    try:
        return LabelledBox(found.label, inside(found.box, size_wh), found.score)
    except ValueError:
        raise LeftOutError("not a box inside the picture") from None
