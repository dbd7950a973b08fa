"""One training example from labelled pictures: placed, cut, mirrored, coloured. NumPy and OpenCV.

Pure: what comes out depends on what goes in and on the random generator alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detector.letterbox import InputSpec

Pixels = npt.NDArray[np.uint8]  # [H, W, 3] RGB
_MIN_SIDE_PX = 2.0  # smaller boxes cannot be seen by the network, nor held against it


class Objects(NamedTuple):
    """What is in a picture. `ignored` ones are neither objects nor background."""

    xyxy_px: npt.NDArray[np.float32]  # [N, 4]
    classes: npt.NDArray[np.int32]  # [N]
    ignored: npt.NDArray[np.bool_]  # [N]


class Labelled(NamedTuple):
    pixels: Pixels
    objects: Objects
    unlabelled: tuple[int, ...] = ()  # classes that nobody looked for in it


class Example(NamedTuple):
    """A network's input and what it shows; `content_xyxy` is the rectangle that is picture.
    `unlabelled` are classes that nobody looked for in one of its pictures.
    """

    pixels: Pixels
    content_xyxy: npt.NDArray[np.int32]  # [4]
    objects: Objects
    unlabelled: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far examples may stray from the pictures.

    `scale` is a range around the size that just fits the input, as in EfficientDet's scale jitter;
    `aspect` the largest change of width to height; chances are from 0 to 1; `colour` is the largest
    change of contrast, brightness and saturation; an object of which less than `min_visible` is
    left in the input is ignored.
    """

    scale: tuple[float, float] = (0.1, 2.0)
    aspect: float = 0.0
    flip: float = 0.5
    mosaic: float = 0.0
    colour: float = 0.0
    degrade: float = 0.0
    min_visible: float = 0.3


def augmented(
    picture: Labelled, spec: InputSpec, rng: np.random.Generator, how: Augmentation
) -> Example:
    """One picture at a random size; larger than the input it is cut, smaller it lies anywhere."""
    canvas = _canvas(spec)
    window = (0, 0, spec.width, spec.height)
    scaled_wh = _random_size(picture, window, rng, how)
    offset = tuple(
        int(rng.integers(min(0, room), max(0, room) + 1))
        for room in (spec.width - scaled_wh[0], spec.height - scaled_wh[1])
    )
    objects = _Placement(scaled_wh, offset, window).put(canvas, picture, how.min_visible)
    left, top = max(0, offset[0]), max(0, offset[1])
    right = min(spec.width, offset[0] + scaled_wh[0])
    bottom = min(spec.height, offset[1] + scaled_wh[1])
    content = np.array([left, top, right, bottom], np.int32)
    return _finished(Example(canvas, content, objects, picture.unlabelled), rng, how)


def mosaic(
    pictures: Sequence[Labelled],
    spec: InputSpec,
    rng: np.random.Generator,
    how: Augmentation,
) -> Example:
    """Four pictures around a random point (YOLOv4, arXiv:2004.10934), each filling its quarter."""
    canvas = _canvas(spec)
    x, y = (int(side * rng.uniform(0.3, 0.7)) for side in (spec.width, spec.height))
    quarters = (
        (0, 0, x, y), (x, 0, spec.width, y),
        (0, y, x, spec.height), (x, y, spec.width, spec.height),
    )  # fmt: skip
    found = []
    for picture, window in zip(pictures, quarters, strict=True):
        left, top, right, bottom = window
        whole = (0, 0, spec.width, spec.height)
        scaled = _random_size(picture, whole, rng, replace(how, scale=_halved(how.scale)))
        grow = max(1.0, (right - left) / scaled[0], (bottom - top) / scaled[1])
        size = (int(np.ceil(scaled[0] * grow)), int(np.ceil(scaled[1] * grow)))
        offset = (
            left - int(rng.integers(0, size[0] - (right - left) + 1)),
            top - int(rng.integers(0, size[1] - (bottom - top) + 1)),
        )
        found.append(_Placement(size, offset, window).put(canvas, picture, how.min_visible))
    objects = Objects(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    content = np.array([0, 0, spec.width, spec.height], np.int32)
    unlabelled = tuple(sorted({number for each in pictures for number in each.unlabelled}))
    return _finished(Example(canvas, content, objects, unlabelled), rng, how)


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where a picture goes: scaled to `size_wh`, its corner at `offset_xy` of the canvas, seen
    through `window` x1, y1, x2, y2 of it.
    """

    size_wh: tuple[int, int]
    offset_xy: tuple[int, ...]
    window: tuple[int, int, int, int]

    def put(self, canvas: Pixels, picture: Labelled, min_visible: float) -> Objects:
        """Draw the visible part; its objects in pixels of the canvas."""
        height, width = picture.pixels.shape[:2]
        (x, y), (w, h) = self.offset_xy, self.size_wh
        left, top, right, bottom = self.window
        left, top, right, bottom = max(left, x), max(top, y), min(right, x + w), min(bottom, y + h)
        shrinks = w < width / 2 or h < height / 2
        scaled = cv2.resize(
            picture.pixels, (w, h), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        canvas[top:bottom, left:right] = scaled[top - y : bottom - y, left - x : right - x]
        factor = np.array([w / width, h / height] * 2, np.float32)
        moved = picture.objects.xyxy_px * factor + np.array([x, y] * 2, np.float32)
        return _cut(
            picture.objects._replace(xyxy_px=moved), (left, top, right, bottom), min_visible
        )


def _cut(objects: Objects, window: tuple[int, int, int, int], min_visible: float) -> Objects:
    """What of the objects lies in the window; those of which little is left are ignored."""
    left, top, right, bottom = window
    boxes = objects.xyxy_px
    low, high = np.array([left, top] * 2, np.float32), np.array([right, bottom] * 2, np.float32)
    clipped = np.clip(boxes, low, high)
    sides, full = clipped[:, 2:] - clipped[:, :2], boxes[:, 2:] - boxes[:, :2]
    seen = sides.prod(axis=1) / np.maximum(full.prod(axis=1), 1e-6)
    faint = (seen < min_visible) | (sides.min(axis=1, initial=np.inf) < _MIN_SIDE_PX)
    there = (sides > 0).all(axis=1)
    return Objects(clipped[there], objects.classes[there], (objects.ignored | faint)[there])


def _finished(example: Example, rng: np.random.Generator, how: Augmentation) -> Example:
    pixels, content, objects, unlabelled = example
    if rng.random() < how.flip:
        width = pixels.shape[1]
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        boxes = objects.xyxy_px[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
        objects = objects._replace(xyxy_px=boxes.astype(np.float32))
        content = np.array([width - content[2], content[1], width - content[0], content[3]])
    if how.colour:
        pixels = _coloured(pixels, rng, how.colour)
    if rng.random() < how.degrade:
        pixels = _degraded(pixels, rng)
    return Example(pixels, content.astype(np.int32), objects, unlabelled)


def _coloured(pixels: Pixels, rng: np.random.Generator, most: float) -> Pixels:
    """Contrast, brightness and saturation by one matrix per picture; one in ten becomes grey."""
    contrast, saturation = rng.uniform(1 - most, 1 + most, 2)
    if rng.random() < 0.1:
        saturation = 0.0
    tint = 1 + rng.uniform(-most, most, 3) * 0.2
    grey = np.tile(np.array([0.299, 0.587, 0.114]), (3, 1)) * (1 - saturation)
    matrix = contrast * tint[:, None] * (grey + np.eye(3) * saturation)
    shift = 127 * (1 - contrast) + 127 * rng.uniform(-most, most) * 0.5
    changed = cv2.transform(pixels, np.column_stack([matrix, np.full(3, shift)]))
    return np.asarray(changed, np.uint8)


def _degraded(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """As a cheap camera would: soft, noisy or compressed too much."""
    kind = rng.integers(3)
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    if kind == 1:
        noise = rng.normal(0, rng.uniform(3, 14), pixels.shape[:2])[..., None]
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    quality = int(rng.integers(15, 60))
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _random_size(
    picture: Labelled,
    window: tuple[int, int, int, int],
    rng: np.random.Generator,
    how: Augmentation,
) -> tuple[int, int]:
    height, width = picture.pixels.shape[:2]
    fit = min((window[2] - window[0]) / width, (window[3] - window[1]) / height)
    factor = fit * rng.uniform(*how.scale)
    stretch = np.sqrt(1 + rng.uniform(0, how.aspect)) ** rng.choice([-1, 1])
    return max(1, round(width * factor * stretch)), max(1, round(height * factor / stretch))


def _halved(scale: tuple[float, float]) -> tuple[float, float]:
    """Of a mosaic's pictures: about half the size, so that objects keep theirs in the mean."""
    return max(0.25, scale[0] / 2), max(0.5, scale[1] / 2)


def _canvas(spec: InputSpec) -> Pixels:
    return np.full((spec.height, spec.width, 3), spec.fill, np.uint8)
