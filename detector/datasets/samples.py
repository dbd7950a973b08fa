"""Pictures with the boxes in them, as training and evaluation take them: checked and numbered."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.datasets import coco, text_list, voc
from detector.datasets.errors import DataError as DataError
from detector.datasets.errors import Fault as Fault
from detector.datasets.headers import picture_size
from detector.datasets.listing import ListedBox, ListedPicture, Listing
from detector.pictures import PictureError

_THINNEST_PX = 0.01  # what a float32 still tells from nothing in a large picture
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, `width` by `height` pixels as it is stored (an EXIF orientation is not applied),
    and N boxes in it. Ignored ones (crowds, difficult objects) are neither object nor background.
    """

    image: Path
    image_id: int
    width: int
    height: int
    xyxy_px: npt.NDArray[np.float32]  # [N, 4] x1, y1, x2, y2
    classes: npt.NDArray[np.int32]  # [N] index into the labels
    ignored: npt.NDArray[np.bool_]  # [N]
    unlabelled: tuple[int, ...] = ()  # classes that nobody looked for in this picture


@dataclass(frozen=True, slots=True)
class Dataset:
    """`faults` say what was left out, one by one."""

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...]


def open_dataset(
    path: Path, *, split: str | None = None, labels: Sequence[str] | None = None
) -> Dataset:
    """Pascal VOC in a folder (`split` as in `trainval`), a COCO file (or its folder, with a split),
    or a plain list of pictures. No picture is decoded here.

    `labels` are the classes to use, in this order; by default those of the data. Boxes of others
    are left out. Raises DataError where nothing can be used.
    """
    if labels is not None and len(set(labels)) != len(labels):
        raise DataError(path, f"labels repeat: {', '.join(labels)}")
    listing = _read(path, split, labels)
    wanted = listing.labels if labels is None else tuple(labels)
    checked = _Checked({label: index for index, label in enumerate(wanted)}, listing)
    if not checked.samples:
        first = f"; the first fault: {checked.faults[0]}" if checked.faults else ""
        raise DataError(path, f"there is no picture that can be used{first}")
    faults = checked.faults + [
        Fault(path, f"{count} boxes of {label} left out: not among the labels")
        for label, count in sorted(checked.left_out.items())
    ]
    return Dataset(wanted, tuple(checked.samples), tuple(faults))


def join(datasets: Sequence[Dataset]) -> Dataset:
    """One after the other, with the first one's labels and then those that others add. Pictures are
    numbered anew where two have one number. Raises DataError for labels that differ in case only.
    """
    labels = tuple(dict.fromkeys(label for each in datasets for label in each.labels))
    spelled: dict[str, str] = {}
    for label in labels:
        other = spelled.setdefault(label.casefold(), label)
        if other != label:
            raise DataError(
                datasets[0].samples[0].image.parent,
                f"labels {other} and {label} differ in case only",
            )
    samples = []
    for each in datasets:
        numbers = [labels.index(label) for label in each.labels]
        renumbered = np.array(numbers, np.int32)
        samples += [
            replace(
                s,
                classes=renumbered[s.classes],
                unlabelled=tuple(numbers[number] for number in s.unlabelled),
            )
            for s in each.samples
        ]
    if len({sample.image_id for sample in samples}) < len(samples):
        samples = [replace(s, image_id=number) for number, s in enumerate(samples, start=1)]
    return Dataset(labels, tuple(samples), tuple(f for each in datasets for f in each.faults))


def _read(path: Path, split: str | None, labels: Sequence[str] | None) -> Listing:
    if path.is_dir():
        folders = voc.find_folders(path)
        return voc.read(folders, split) if folders else coco.read(coco.find_file(path, split))
    if not path.exists():
        raise DataError(path, "does not exist")
    if split is not None:
        raise DataError(path, "is a file, which is one split already: leave the split out")
    return coco.read(path) if path.suffix.lower() == ".json" else text_list.read(path, labels)


class _Checked:
    """Compares a listing with its pictures, and keeps what is left of it."""

    def __init__(self, index_of: dict[str, int], listing: Listing) -> None:
        self.faults = list(listing.faults)
        self.left_out: Counter[str] = Counter()
        self._index_of = index_of
        self.samples = [
            sample
            for number, picture in enumerate(listing.pictures, start=1)
            if (sample := self._sample(picture, number)) is not None
        ]

    def _sample(self, picture: ListedPicture, number: int) -> Sample | None:
        try:
            width, height = _size(picture)
        except PictureError as error:
            self.faults.append(Fault(picture.image, str(error)))
            return None
        boxes = [
            (box, xyxy)
            for position, box in enumerate(picture.boxes, start=1)
            if (xyxy := self._usable(picture.image, position, box, (width, height))) is not None
        ]
        return Sample(
            image=picture.image,
            image_id=number if picture.image_id is None else picture.image_id,
            width=width,
            height=height,
            xyxy_px=np.array([xyxy for _, xyxy in boxes], np.float32).reshape(-1, 4),
            classes=np.array([self._index_of[box.label] for box, _ in boxes], np.int32),
            ignored=np.array([box.ignored for box, _ in boxes], np.bool_),
            unlabelled=tuple(
                sorted({self._index_of[x] for x in picture.unlabelled if x in self._index_of})
            ),
        )

    def _usable(
        self, image: Path, position: int, box: ListedBox, size_wh: tuple[int, int]
    ) -> Box | None:
        """The box inside the picture, or None for one that counts as fault or as left out."""
        if box.label not in self._index_of:
            self.left_out[box.label] += 1
            return None
        try:
            return inside(box.xyxy_px, size_wh)
        except ValueError as error:
            corners = ", ".join(f"{side:g}" for side in box.xyxy_px)
            self.faults.append(Fault(image, f"box {position}, {box.label} ({corners}): {error}"))
            return None


def _size(picture: ListedPicture) -> tuple[int, int]:
    """Raises PictureError, also where the boxes were made for a picture of another size."""
    size_wh = picture_size(picture.image)
    if picture.stated_wh not in (None, size_wh):
        stated = "×".join(map(str, picture.stated_wh or ()))
        msg = f"is {size_wh[0]}×{size_wh[1]}, its boxes are for {stated}"
        raise PictureError(msg)
    return size_wh


def inside(xyxy_px: Box, size_wh: tuple[int, int]) -> Box:
    """The part of a box inside the picture: at least half of it, or it is not meant for this one.
    Raises ValueError for a box that cannot be.
    """
    x1, y1, x2, y2 = xyxy_px
    if not all(map(math.isfinite, xyxy_px)):
        raise ValueError("not four finite numbers")
    if x2 < x1 or y2 < y1:
        raise ValueError("its end lies before its start")
    if min(x2 - x1, y2 - y1) < _THINNEST_PX:
        raise ValueError("it has no area")
    width, height = size_wh
    left, top, right, bottom = max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)
    visible = max(right - left, 0.0) * max(bottom - top, 0.0)
    if 2 * visible < (x2 - x1) * (y2 - y1):
        msg = f"it lies outside the picture of {width}×{height}"
        raise ValueError(msg)
    return left, top, right, bottom
