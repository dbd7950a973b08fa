"""Reads what the originals computed, and prepares pictures exactly as they did."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.letterbox import InputSpec, Letterbox
from detector.networks.sizes import DetectorSize

DATA = Path(__file__).parent / "data"
INTERIM = DATA / "interim.safetensors"  # trained weights that are bundled no more
CLIP = Path(__file__).parents[2] / "config" / "demo" / "street.mp4"

Floats = npt.NDArray[np.float32]


@functools.cache
def weights(short: str) -> dict[str, Floats]:
    file = np.load(DATA / f"{short}_weights.npz")
    arrays = {}
    for key in file.files:
        kind, _, name = key.partition("/")
        if kind == "f":
            arrays[name] = file[key]
        elif kind == "q":
            arrays[name] = file[key].astype(np.float32) * file[f"s/{name}"]
    return arrays


@functools.cache
def outputs(short: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(DATA / f"{short}_outputs.npz") as file:
        return dict(file)


@functools.cache
def training(short: str) -> dict[str, npt.NDArray[Any]]:
    """Targets, losses and learning rates."""
    with np.load(DATA / f"{short}_training.npz") as file:
        return dict(file)


def original_variables() -> dict[str, Any]:
    with gzip.open(DATA / "variables.json.gz", "rt") as file:
        models: dict[str, Any] = json.load(file)
    return models


def street() -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((DATA / "street.json").read_text())
    return recorded


def scene(name: str = "scene") -> npt.NDArray[np.uint8]:
    """uint8 RGB."""
    return np.ascontiguousarray(cv2.imread(str(DATA / f"{name}.png"))[..., ::-1])


@functools.cache
def clip_frames(every: int) -> list[npt.NDArray[np.uint8]]:
    """uint8 RGB frames of the demonstration clip, up to the 200th."""
    frames = []
    with av.open(str(CLIP)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            if index > 200:
                break
            if index % every == 0:
                frames.append(frame.to_ndarray(format="rgb24"))
    return frames


def letterboxed(picture: npt.NDArray[np.uint8], spec: InputSpec) -> tuple[Floats, Letterbox]:
    """Scaled as the original scales, without rounding to whole numbers: float32 [H, W, 3]."""
    box = Letterbox.fit((picture.shape[1], picture.shape[0]), spec)
    width, height = box.scaled_wh
    padding = [[0, spec.height - height], [0, spec.width - width], [0, 0]]
    scaled = tf.image.resize(picture, (height, width))
    return tf.pad(scaled, padding, constant_values=200.0).numpy(), box


def original_input(spec: DetectorSize, name: str = "scene") -> Floats:
    """[1, H, W, 3] of a scene in the original's order: normalised, then scaled, then padded."""
    picture, side = scene(name), spec.input_size
    width, height = Letterbox.fit(
        (picture.shape[1], picture.shape[0]), InputSpec(side, side)
    ).scaled_wh
    x = (picture.astype(np.float32) - np.float32(spec.pixels.mean_rgb)) / np.float32(
        spec.pixels.std_rgb
    )
    x = tf.image.resize(x[None], (height, width))
    return np.asarray(tf.pad(x, [[0, 0], [0, side - height], [0, side - width], [0, 0]]))


def content_xyxy(boxes: list[Letterbox]) -> npt.NDArray[np.int32]:
    return np.array([[0, 0, *box.scaled_wh] for box in boxes], np.int32)


def iou(a: Floats, b: Floats) -> Floats:
    """Of every pair of xyxy boxes, [len(a), len(b)]."""
    low, high = (
        np.maximum(a[:, None, :2], b[None, :, :2]),
        np.minimum(a[:, None, 2:], b[None, :, 2:]),
    )
    shared = np.clip(high - low, 0, None).prod(-1)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(-1) for box in (a, b))
    return np.asarray(shared / (area_a[:, None] + area_b[None] - shared), np.float32)
