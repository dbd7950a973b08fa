from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from detector.api import ModelError
from detector.models import find_model
from detector.weights import article_h5
from detector.weights.article_h5 import read_article_h5
from tests.golden import article

NETWORKS = [
    *(f"efficientdet-d{size}" for size in range(8)),
    *(f"efficientnet-yolov3-b{size}" for size in range(8)),
]
SMALL = "efficientnet-yolov3-b0"


def zeros(network: str) -> dict[tuple[str, str], Any]:
    """No memory, whatever the shape."""
    return {
        key: np.broadcast_to(np.float32(0), shape)
        for key, shape in article.tensor_shapes(network).items()
    }


def numbered(network: str) -> dict[tuple[str, str], Any]:
    """Every tensor filled with a number of its own."""
    shapes = article.tensor_shapes(network)
    return {
        key: np.broadcast_to(np.float32(number), shape)
        for number, (key, shape) in enumerate(shapes.items())
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("article") / "yolo.h5"
    article.write_h5(path, numbered(SMALL))
    return path


def refusal(path: Path) -> str:
    """The one line that refuses the file."""
    with pytest.raises(ModelError) as caught:
        read_article_h5(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_is_recognised_by_names_and_shapes(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers: dict[str, dict[str, Any]] = {}
    for (layer, weight), array in zeros(network).items():
        part = weight.rpartition("/")[2].removesuffix(":0")
        layers.setdefault(layer, {})[part] = array
    monkeypatch.setattr(article_h5, "read_layers", lambda _: layers)
    found = read_article_h5(Path("weights.h5"))
    assert (found.architecture, found.dialect, found.num_classes) == (network, "article", 20)
    expected = find_model(network, "article").variables(20)
    assert {name: array.shape for name, array in found.arrays.items()} == expected


def test_layers_of_the_neck_are_taken_in_the_order_of_their_numbers(small: Path) -> None:
    """The file lists the head of the coarsest level last but two: conv2d_5 after conv2d_20."""
    keys = list(article.tensor_shapes(SMALL))
    arrays = read_article_h5(small).arrays
    for ours, theirs in {
        "yolo/p5/five_0/conv2d/kernel": "conv2d/kernel:0",
        "yolo/p5/head/conv2d/kernel": "conv2d_5/kernel:0",
        "yolo/p5/predict/bias": "conv2d_6/bias:0",
        "yolo/p4/reduce/bn/beta": "batch_normalization_6/beta:0",
        "yolo/p3/head/bn/gamma": "batch_normalization_19/gamma:0",
        "efficientnet-b0/blocks_0/conv2d/kernel": "block1a_project_conv/kernel:0",
        "efficientnet-b0/blocks_1/conv2d_1/kernel": "block2a_project_conv/kernel:0",
    }.items():
        number = keys.index((theirs.partition("/")[0], theirs))
        assert arrays[ours].max() == arrays[ours].min() == number


def test_a_model_saved_whole_and_numbered_from_elsewhere_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    article.write_h5(path, {later(key): array for key, array in numbered(SMALL).items()})
    with h5py.File(path, "a") as file:
        whole = file.create_group("model_weights")
        whole.attrs["layer_names"] = file.attrs["layer_names"]
        for layer in list(file):
            if layer != "model_weights":
                file.move(layer, f"model_weights/{layer}")
        del file.attrs["layer_names"]
    assert read_article_h5(path).architecture == SMALL


def later(key: tuple[str, str]) -> tuple[str, str]:
    """As a second model of the same session numbers its layers."""
    layer, weight = key
    kind, _, number = layer.rpartition("_")
    if layer in ("conv2d", "batch_normalization"):
        kind, number = layer, "0"
    if kind not in ("conv2d", "batch_normalization"):
        return key
    renamed = f"{kind}_{int(number) + 23}"
    return renamed, f"{renamed}/{weight.partition('/')[2]}"


def test_anchors_and_box_numbers_are_put_into_the_common_order() -> None:
    """Shapes are their outer order and our inner one, and x comes before y there."""
    theirs = np.arange(36, dtype=np.float32)
    ours = article_h5._reordered(theirs, (1, 0, 3, 2)).reshape(3, 3, 4)
    expected = theirs.reshape(3, 3, 4)
    for size in range(3):
        for ours_shape, their_shape in enumerate((1, 0, 2)):
            x, y, w, h = expected[their_shape, size]
            np.testing.assert_array_equal(ours[size, ours_shape], [y, x, h, w])


def test_a_network_of_no_known_size_is_refused_by_tensor(tmp_path: Path) -> None:
    tensors = numbered(SMALL) | {("stem_bn", "stem_bn/gamma:0"): np.zeros(33, np.float32)}
    path = tmp_path / "odd.h5"
    article.write_h5(path, tensors)
    assert refusal(path) == (
        "fits no size: for efficientnet-yolov3-b0 1 tensors are amiss,"
        " as backbone/stem/tpu_batch_normalization/gamma"
    )


def test_a_file_without_the_layers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    article.write_h5(path, {("stem", "stem/kernel:0"): np.zeros(3, np.float32)})
    assert refusal(path).startswith("is not laid out as the article's networks are")


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 99])
def test_what_is_no_hdf5_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    assert refusal(path).startswith("is no HDF5 file of Keras weights")


def test_a_truncated_file_is_refused(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    path.write_bytes(small.read_bytes()[:100_000])
    assert refusal(path).startswith("is no HDF5 file of Keras weights")


def test_tensors_kept_in_another_file_are_not_read(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "linking.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"stem_conv"]
        file["stem_conv"] = h5py.ExternalLink(os.fspath(small), "stem_conv")
    assert refusal(path) == "tensor stem_conv/kernel:0 is kept in another file: not read"
