"""A plain list, one picture per line: `path x1,y1,x2,y2,class x1,y1,x2,y2,class …`

Paths start at the list's folder; a class is a name, or a number that counts labels from 0. Lines
that start with # are comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from config.files import open_regular
from detector.datasets.errors import DataError, Fault
from detector.datasets.listing import ListedBox, ListedPicture, Listing, numbers

_BEFORE_FIRST_BOX = re.compile(r"\s+(?=\S*,)")  # so names of files may hold spaces


def read(path: Path, labels: Sequence[str] | None) -> Listing:
    """`labels` give numbers their names; without them the labels are the names found, sorted.
    Raises DataError.
    """
    try:
        with open_regular(path) as file:
            lines = file.read().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(path, "is neither COCO JSON nor a list of pictures as text") from None
    pictures: list[ListedPicture] = []
    faults: list[Fault] = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            pictures.append(_picture(path, number, line, labels, faults))
    found = sorted({box.label for picture in pictures for box in picture.boxes})
    return Listing(tuple(found if labels is None else labels), pictures, faults)


def _picture(
    path: Path, number: int, line: str, labels: Sequence[str] | None, faults: list[Fault]
) -> ListedPicture:
    name, *rest = _BEFORE_FIRST_BOX.split(line, maxsplit=1)
    boxes = []
    for word in " ".join(rest).split():
        try:
            boxes.append(_box(word, labels))
        except ValueError as error:
            faults.append(Fault(path, f"line {number}, {word}: {error}"))
        except LookupError:
            index = word.rpartition(",")[2]
            reason = f"line {number}: class {index} is a number: name them with --classes"
            raise DataError(path, reason) from None
    return ListedPicture(path.parent / name, boxes)


def _box(word: str, labels: Sequence[str] | None) -> ListedBox:
    """Raises ValueError, and LookupError for a number without labels."""
    *sides, label = word.split(",", maxsplit=4)
    xyxy_px = numbers(sides)
    if not label:
        raise ValueError("it has no class")
    if label.isdecimal() and (labels is None or label not in labels):
        if labels is None:
            raise LookupError(label)
        if int(label) >= len(labels):
            msg = f"there are {len(labels)} labels, counted from 0"
            raise ValueError(msg)
        label = labels[int(label)]
    return ListedBox(label, xyxy_px)
