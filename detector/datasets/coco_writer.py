"""COCO JSON as annotation tools import it: `instances.json` with its pictures in `images/`.

Written as it comes, so that a million pictures take no more memory than one: the annotations lie in
a file of their own until the images are all there.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from detector.datasets.samples import Box

PICTURES = "images"
INSTANCES = "instances.json"
MOST_CATEGORIES = 1000
_DECIMALS = 2  # of a pixel
_MODE = 0o640  # as recordings: who was seen is nobody else's business


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """An object, `xyxy_px` inside its picture. The score goes into a field of that name, which is
    not COCO's own: tools leave it out or show it.
    """

    label: str
    xyxy_px: Box
    score: float


class CocoWriter:
    """A context, of one thread; the file is whole after `finish`. Every call raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.categories: dict[str, int] = {}  # number by label, as they were met
        self.images = 0
        self.boxes = 0
        self._path = folder / INSTANCES
        self._open_files = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._file: IO[str] = stack.enter_context(self._path.open("x", encoding="utf-8"))
            self._path.chmod(_MODE)
            self._annotations: IO[str] = stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._path.parent)
            )
            self._open_files = stack.pop_all()
        self._file.write('{"images": [')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open_files.close()

    def knows(self, label: str) -> bool:
        """Whether a box of this label can be added: there is room for so many labels only."""
        return label in self.categories or len(self.categories) < MOST_CATEGORIES

    def add(
        self,
        file_name: str,
        size_wh: tuple[int, int],
        boxes: Sequence[LabelledBox],
        about: Mapping[str, Any],
    ) -> None:
        """A picture that lies in `images/`. `about` is what else is known of it."""
        self.images += 1
        width, height = size_wh
        image = {"id": self.images, "file_name": file_name, "width": width, "height": height}
        self._file.write(f"{_comma(self.images)}\n{json.dumps(image | dict(about))}")
        for box in boxes:
            self.boxes += 1
            self._annotations.write(f"{_comma(self.boxes)}\n{json.dumps(self._annotation(box))}")

    def finish(self) -> None:
        self._file.write('\n],\n"annotations": [')
        self._annotations.seek(0)
        shutil.copyfileobj(self._annotations, self._file)
        categories = [{"id": number, "name": name} for name, number in self.categories.items()]
        self._file.write(f'\n],\n"categories": {json.dumps(categories)}}}\n')
        self._file.flush()

    def _annotation(self, box: LabelledBox) -> dict[str, Any]:
        x1, y1, x2, y2 = box.xyxy_px
        width, height = x2 - x1, y2 - y1
        return {
            "id": self.boxes,
            "image_id": self.images,
            "category_id": self.categories.setdefault(box.label, len(self.categories) + 1),
            "bbox": [round(side, _DECIMALS) for side in (x1, y1, width, height)],
            "area": round(width * height, _DECIMALS),
            "segmentation": [],
            "iscrowd": 0,
            "score": box.score,
        }


def _comma(number: int) -> str:
    return "," if number > 1 else ""
