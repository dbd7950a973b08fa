"""Pictures of coloured rectangles on noise: every box is known to the pixel, and easy to learn."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from detector.datasets.samples import Sample
from detector.training.augmentation import Labelled, Objects

COLOURS_RGB = ((250, 30, 30), (30, 30, 250))
LABELS = ("red", "blue")


def drawn(seed: int, wh: tuple[int, int] = (160, 120), boxes: int = 2) -> Labelled:
    """Rectangles that do not touch, side by side; class = index of the colour."""
    rng = np.random.default_rng(seed)
    width, height = wh
    pixels = rng.integers(70, 120, (height, width, 3), np.uint8)
    column = width // boxes
    corners, classes = [], []
    for index in range(boxes):
        w, h = rng.integers(column // 3, column - 8), rng.integers(height // 3, height - 8)
        x, y = index * column + rng.integers(2, column - w - 2), rng.integers(2, height - h - 2)
        kind = int(rng.integers(len(COLOURS_RGB)))
        pixels[y : y + h, x : x + w] = COLOURS_RGB[kind]
        corners.append([x, y, x + w, y + h])
        classes.append(kind)
    objects = Objects(
        np.array(corners, np.float32), np.array(classes, np.int32), np.zeros(boxes, bool)
    )
    return Labelled(pixels, objects)


def write_drawn(folder: Path, count: int, wh: tuple[int, int] = (160, 120)) -> Path:
    """A COCO file with its pictures beside it, lossless."""
    images, annotations = [], []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels, objects, _ = drawn(number, wh)
        name = f"{number}.png"
        cv2.imwrite(str(folder / name), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        images.append({"id": number, "file_name": name, "width": wh[0], "height": wh[1]})
        for (x1, y1, x2, y2), kind in zip(
            objects.xyxy_px.tolist(), objects.classes.tolist(), strict=True
        ):
            box = [x1, y1, x2 - x1, y2 - y1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": kind + 1,
                    "bbox": box,
                }
            )
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(LABELS)]
    path = folder / "train.json"
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return path


def write_samples(folder: Path, count: int) -> list[Sample]:
    """The same as `open_dataset` would give them."""
    from detector.datasets.samples import open_dataset

    return list(open_dataset(write_drawn(folder, count)).samples)
