"""What the article's two Keras projects computed, and their weights as they store them."""

from __future__ import annotations

import functools
import gzip
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import numpy.typing as npt

from detector.letterbox import InputSpec, Letterbox
from detector.weights.article_h5 import ArticleWeights, read_article_h5
from tests.golden.recorded import DATA, scene

Floats = npt.NDArray[np.float32]


@functools.cache
def weights(short: str) -> ArticleWeights:
    """`d0` or `yolo_b0`, by way of a file such as the project itself wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.h5"
        write_h5(path, _stored(short))
        return read_article_h5(path)


@functools.cache
def outputs(short: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(DATA / f"article_{short}_outputs.npz") as file:
        return dict(file)


def layers() -> dict[str, Any]:
    """Per network: its number of parameters, its layers with the shapes of their weights."""
    with gzip.open(DATA / "article_layers.json.gz", "rt") as file:
        networks: dict[str, Any] = json.load(file)
    return networks


def write_h5(path: Path, tensors: Mapping[tuple[str, str], Any]) -> None:
    """Arrays by layer and by weight, both as Keras lists them in the attributes of groups."""
    names: dict[str, list[str]] = {}
    with h5py.File(path, "w") as file:
        for (layer, weight), array in tensors.items():
            file.require_group(layer).create_dataset(weight, data=array)
            names.setdefault(layer, []).append(weight)
        for layer, listed in names.items():
            file[layer].attrs["weight_names"] = [name.encode() for name in listed]
        file.create_group("input_1").attrs["weight_names"] = np.zeros(0, np.float64)
        file.attrs["layer_names"] = [name.encode() for name in ("input_1", *names)]


def tensor_shapes(network: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Keys of `write_h5`; a fusion weight carries the whole name of its layer."""
    return {
        (layer, f"{layer}/{layer if name == 'add:0' else name.removesuffix(':0')}:0"): tuple(shape)
        for layer, listed in layers()[network]["layers"]
        for name, shape in listed
    }


def letterboxed(side: int) -> tuple[Floats, Letterbox]:
    """[1, H, W, 3]: the scene, scaled by PIL as in the project, on grey."""
    box = Letterbox.fit((scene().shape[1], scene().shape[0]), InputSpec(side, side, "center"))
    scaled = cv2.imread(str(DATA / f"scene_bicubic_{side}.png"))[..., ::-1]
    (x, y), (width, height) = box.offset_xy, box.scaled_wh
    pixels = np.full((1, side, side, 3), 128, np.float32)
    pixels[0, y : y + height, x : x + width] = scaled
    return pixels, box


def prepared(side: int, kind: str) -> Floats:
    """[1, H, W, 3]: the scene as the project gives it to its network, `letterbox` or `resize`."""
    if kind == "letterbox":
        return letterboxed(side)[0]
    return cv2.imread(str(DATA / f"scene_stretched_{side}.png"))[None, ..., ::-1].astype(np.float32)


def to_scene(xyxy: Floats, side: int, *, letterbox: bool) -> Floats:
    """y1, x1, y2, x2 in scene pixels by the project's own formula, which rounds where its scaling
    truncates; neither cut off.
    """
    size = np.float64(scene().shape[:2])
    yxyx = xyxy[:, [1, 0, 3, 2]].astype(np.float64) / side
    if not letterbox:
        return np.asarray(yxyx * np.tile(size, 2))
    new = np.round(size * (side / size).min())
    offset, scale = (side - new) / 2 / side, side / new
    return np.asarray((yxyx - np.tile(offset, 2)) * np.tile(scale * size, 2))


def _stored(short: str) -> dict[tuple[str, str], Floats]:
    with np.load(DATA / f"article_{short}_weights.npz") as file:
        arrays = {}
        for key in file["order"]:
            layer, _, weight = str(key).partition("|")
            array = (
                file[f"f/{key}"]
                if f"f/{key}" in file
                else file[f"q/{key}"].astype(np.float32) * file[f"s/{key}"]
            )
            arrays[layer, weight] = array
    return arrays
