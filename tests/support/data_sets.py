"""Small data sets, written as other people's tools write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48


def make_picture(path: Path, value: int = 90, wh: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((wh[1], wh[0], 3), value, np.uint8))
    return path


def coco_document(boxes: Sequence[Sequence[float]], **fields: Any) -> dict[str, Any]:
    """One picture `a.jpg`, number 7, of persons at [x, y, width, height]; category ids 3 and 90."""
    annotations = [
        {"id": number, "image_id": 7, "category_id": 90, "bbox": list(box), "iscrowd": 0}
        for number, box in enumerate(boxes, start=1)
    ]
    images = [{"id": 7, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}]
    categories = [{"id": 90, "name": "person"}, {"id": 3, "name": "car"}]
    return {"images": images, "annotations": annotations, "categories": categories} | fields


def write_coco(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def voc_object(name: str, corners: Sequence[object], difficult: int = 0) -> str:
    sides = "".join(
        f"<{side}>{value}</{side}>"
        for side, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    return (
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        f"<bndbox>{sides}</bndbox>{part}</object>"
    )


def write_voc(
    year: Path, name: str, *objects: str, split: str = "trainval", prolog: str = "", size: str = ""
) -> None:
    """One more picture with its annotation and its line in the split."""
    make_picture(year / "JPEGImages" / f"{name}.jpg")
    size = size or f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    annotations, splits = year / "Annotations", year / "ImageSets" / "Main"
    for folder in (annotations, splits):
        folder.mkdir(parents=True, exist_ok=True)
    (annotations / f"{name}.xml").write_text(
        f"{prolog}<annotation>{size}{''.join(objects)}</annotation>"
    )
    with (splits / f"{split}.txt").open("a") as file:
        file.write(f"{name}\n")
