from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detector.api import ModelError
from detector.graph.layers import LayerOps
from detector.networks.backbone import backbone
from detector.networks.sizes import SIZES
from detector.weights import imagenet
from detector.weights.imagenet import imagenet_backbone
from detector.weights.published.download import Patience
from detector.weights.torch_file import read_torch
from tests.golden.article import write_h5
from tests.support.weight_server import WeightServer, serving

ONCE = Patience(timeout_s=5, tries=1)
TAPS = ("block3b_add", "block5c_add", "block7a_project_bn")


def test_lite0_is_the_packages_file_under_our_names() -> None:
    arrays = imagenet_backbone("efficientnet-lite0")
    stored = read_torch(imagenet._lite_file("efficientnet-lite0").read_bytes())
    assert len(arrays) == 240
    for ours, theirs, axes in (
        ("stem/conv2d/kernel", "_conv_stem.weight", "oihw->hwio"),
        ("blocks_0/conv2d/kernel", "_blocks.0._project_conv.weight", "oihw->hwio"),
        ("blocks_15/conv2d/kernel", "_blocks.15._expand_conv.weight", "oihw->hwio"),
        ("blocks_15/conv2d_1/kernel", "_blocks.15._project_conv.weight", "oihw->hwio"),
        ("blocks_3/depthwise_conv2d/depthwise_kernel", "_blocks.3._depthwise_conv.weight",
         "cihw->hwci"),
    ):  # fmt: skip
        kernel = arrays[f"efficientnet-lite0/{ours}"]
        np.testing.assert_array_equal(kernel, np.einsum(axes, stored[theirs]))
    for ours, theirs in (
        ("stem/tpu_batch_normalization/gamma", "_bn0.weight"),
        ("blocks_0/tpu_batch_normalization/beta", "_blocks.0._bn1.bias"),
        ("blocks_0/tpu_batch_normalization_1/moving_mean", "_blocks.0._bn2.running_mean"),
        ("blocks_5/tpu_batch_normalization/moving_variance", "_blocks.5._bn0.running_var"),
        ("blocks_5/tpu_batch_normalization_2/gamma", "_blocks.5._bn2.weight"),
    ):
        np.testing.assert_array_equal(arrays[f"efficientnet-lite0/{ours}"], stored[theirs])


@pytest.mark.parametrize("size", ["lite1", "lite2"])
def test_larger_sizes_are_packages_too(size: str) -> None:
    arrays = imagenet_backbone(f"efficientnet-{size}")
    assert len(arrays) == 315
    kernel = arrays[f"efficientnet-{size}/stem/conv2d/kernel"]
    stored = read_torch(imagenet._lite_file(f"efficientnet-{size}").read_bytes())
    np.testing.assert_array_equal(kernel, np.einsum("oihw->hwio", stored["_conv_stem.weight"]))


def test_a_missing_package_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="not installed: install vedette with its extra `train`"):
        imagenet_backbone("efficientnet-lite0")


def test_another_file_in_its_place_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pth"
    other.write_bytes(imagenet._lite_file("efficientnet-lite0").read_bytes() + b"\0")
    monkeypatch.setattr(imagenet, "_lite_file", lambda _: other)
    with pytest.raises(ModelError, match=r"other\.pth: SHA-256 is"):
        imagenet_backbone("efficientnet-lite0")


def test_a_backbone_without_known_weights_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(ModelError, match=r"lite3 are known, only of efficientnet-lite0, .*-b7"):
        imagenet_backbone("efficientnet-lite3")


@pytest.fixture(scope="module")
def keras_b0() -> Any:
    """Nothing in it is one or zero."""
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.applications.EfficientNetB0(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def keras_file(keras_b0: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Laid out as the files that Keras publishes, with the names that weights had then."""
    path = tmp_path_factory.mktemp("keras") / "b0.h5"
    depthwise = tf.keras.layers.DepthwiseConv2D
    tensors = {
        (
            layer.name,
            f"{layer.name}/{'depthwise_' * isinstance(layer, depthwise)}{variable.name}:0",
        ): variable.numpy()
        for layer in keras_b0.layers
        for variable in layer.weights
    }
    write_h5(path, tensors)
    return path.read_bytes()


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Keras would keep the file."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models" / "efficientnetb0_notop.h5"


def test_keras_features_are_the_same_number_by_number(
    keras_b0: Any, keras_file: bytes, cached: Path
) -> None:
    cached.parent.mkdir()
    cached.write_bytes(keras_file)
    arrays = imagenet_backbone("efficientnet-b0")
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    taps = [keras_b0.get_layer(name).output for name in TAPS]
    theirs = tf.keras.Model(keras_b0.input, taps)(pixels, training=False)
    # Without trained weights Keras's own normalisation is a division by 255.
    ours = backbone(LayerOps(arrays), pixels / 255, SIZES["efficientdet-d0"].backbone)
    for our, their in zip(ours, theirs, strict=True):
        assert np.std(their) > 0.01
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-4 * np.abs(their).max())


def test_a_file_of_another_size_is_refused(keras_file: bytes, cached: Path) -> None:
    other = cached.with_name("efficientnetb1_notop.h5")
    other.parent.mkdir()
    other.write_bytes(keras_file)
    with pytest.raises(ModelError, match=r"is no efficientnet-b1: \d+ tensors are amiss"):
        imagenet_backbone("efficientnet-b1")


def test_without_a_network_the_message_says_where_to_put_the_file(cached: Path) -> None:
    with pytest.raises(ModelError, match=rf"cannot be had \(.+\); put the file at {cached}$"):
        imagenet_backbone("efficientnet-b0", base_url="http://127.0.0.1:9", patience=ONCE)
    assert not cached.exists()


@pytest.fixture
def server(keras_file: bytes) -> Iterator[WeightServer]:
    with serving(keras_file) as running:
        yield running


def test_a_download_is_kept_for_keras_too(
    server: WeightServer, keras_file: bytes, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    md5 = hashlib.md5(keras_file).hexdigest()
    monkeypatch.setitem(imagenet._KERAS_MD5, "efficientnet-b0", md5)
    assert imagenet_backbone("efficientnet-b0", base_url=server.url.rstrip("/"), patience=ONCE)
    assert cached.read_bytes() == keras_file
    assert [path.name for path in cached.parent.iterdir()] == [cached.name]


def test_a_download_with_another_checksum_is_thrown_away(
    server: WeightServer, cached: Path
) -> None:
    with pytest.raises(ModelError, match=r"MD5 of .*efficientnetb0_notop\.h5 is"):
        imagenet_backbone("efficientnet-b0", base_url=server.url.rstrip("/"), patience=ONCE)
    assert not list(cached.parent.iterdir())
