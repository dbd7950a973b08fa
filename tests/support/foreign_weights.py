"""Writes weights as other projects write them, from arrays by official name.

TensorFlow is imported when a checkpoint is written, not before.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from detector.networks.efficientdet import variables
from detector.networks.sizes import SIZES

Arrays = Mapping[str, npt.NDArray[Any]]


def random_arrays(model: str = "efficientdet-lite0", num_classes: int = 2) -> dict[str, Any]:
    """Numbers that float16 holds exactly, so that they survive being stored."""
    rng = np.random.default_rng(7)
    return {
        name: rng.integers(1, 100, shape).astype(np.float32) / 64
        for name, shape in variables(SIZES[model], num_classes).items()
    }


def write_tensors(prefix: Path, tensors: Arrays) -> Path:
    """A Saver V2 bundle of exactly these keys."""
    import tensorflow as tf

    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(array) for array in tensors.values()],
    )
    return prefix


def with_averages(arrays: Arrays) -> dict[str, Any]:
    """What a training run stores: raw values (here all zero, a trap), averages, slots, counter."""
    stored: dict[str, Any] = {"global_step": np.int64(1)}
    for name, array in arrays.items():
        stored[name] = stored[f"{name}/Momentum"] = np.zeros_like(array)
        stored[f"{name}/ExponentialMovingAverage"] = array
    return stored


def write_checkpoint(folder: Path, arrays: Arrays) -> Path:
    """A name-based checkpoint in a folder, as it is published."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "model", with_averages(arrays))
    (folder / "checkpoint").write_text('model_checkpoint_path: "model"\n')
    return folder


def write_tar(path: Path, folder: Path) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(folder, folder.name)
    return path


def write_hostile_tar(path: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    """An archive of one member, whatever its header claims."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        member.size = len(content) or member.size
        archive.addfile(member, io.BytesIO(content) if content else None)
    return path


def write_npz(path: Path, arrays: Arrays) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def write_hdf5(path: Path, arrays: Arrays) -> Path:
    """As Keras saves: a group for each layer of the model, full names inside it."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            layer = name.partition("/")[0]
            file.create_dataset(f"{layer}/{name}:0", data=array)
        file.create_group("top_level_model_weights")
    return path


def write_object_checkpoint(prefix: Path, arrays: Arrays, *, wrapped: bool = False) -> Path:
    """As TF-Keras saves a model whose layers are attributes named as in the original's code.

    `wrapped` puts it below another object, as training does.
    """
    import tensorflow as tf

    net = _object_tree(arrays)
    if wrapped:
        checkpoint = tf.train.Checkpoint(model=net, epoch=tf.Variable(3))
    else:
        checkpoint = tf.train.Checkpoint(net)
    checkpoint.write(str(prefix))
    return prefix


def _object_tree(arrays: Arrays) -> Any:
    import tensorflow as tf

    def layer(name: str) -> Any:
        """Every variable directly below `name`."""
        module = tf.Module()
        for key, array in arrays.items():
            scope, _, variable = key.rpartition("/")
            if scope == name:
                setattr(module, variable, tf.Variable(array))
        return module

    net = tf.Module()
    net.backbone = _backbone(arrays, layer)
    net.resample_layers = [layer("resample_p6"), tf.Module()]
    net.resample_layers[0].conv2d = layer("resample_p6/conv2d")
    net.resample_layers[0].bn = layer("resample_p6/bn")
    net.fpn_cells = tf.Module()
    net.fpn_cells.cells = [
        _cell(arrays, layer, cell) for cell in range(_count(arrays, "fpn_cells/cell_{}/"))
    ]
    for kind, predict in (("class", "classes"), ("box", "boxes")):
        head = tf.Module()
        repeats = range(_count(arrays, f"{kind}_net/{kind}-{{}}/"))
        levels = [
            int(name.split("-bn-")[1][0])
            for name in arrays
            if name.startswith(f"{kind}_net/{kind}-0-bn-")
        ]
        head.conv_ops = [layer(f"{kind}_net/{kind}-{i}") for i in repeats]
        head.bns = [
            [layer(f"{kind}_net/{kind}-{i}-bn-{level}") for level in sorted(set(levels))]
            for i in repeats
        ]
        setattr(head, predict, layer(f"{kind}_net/{kind}-predict"))
        setattr(net, f"{kind}_net", head)
    return net


def _backbone(arrays: Arrays, layer: Any) -> Any:
    import tensorflow as tf

    name = next(key for key in arrays if key.startswith("efficientnet-")).partition("/")[0]
    backbone = tf.Module()
    backbone._stem = tf.Module()
    backbone._stem._conv_stem = layer(f"{name}/stem/conv2d")
    backbone._stem._bn = layer(f"{name}/stem/tpu_batch_normalization")
    backbone._blocks = []
    for index in range(_count(arrays, f"{name}/blocks_{{}}/")):
        at = f"{name}/blocks_{index}"
        block = tf.Module()
        convs = [layer(f"{at}/conv2d"), layer(f"{at}/conv2d_1")]
        norms = [layer(f"{at}/tpu_batch_normalization{i}") for i in ("", "_1", "_2")]
        if f"{at}/conv2d_1/kernel" in arrays:
            block._expand_conv, block._bn0 = convs.pop(0), norms.pop(0)
        block._depthwise_conv = layer(f"{at}/depthwise_conv2d")
        block._bn1, block._project_conv, block._bn2 = norms[0], convs[0], norms[1]
        if f"{at}/se/conv2d/kernel" in arrays:
            block._se = tf.Module()
            block._se._se_reduce = layer(f"{at}/se/conv2d")
            block._se._se_expand = layer(f"{at}/se/conv2d_1")
        backbone._blocks.append(block)
    return backbone


def _cell(arrays: Arrays, layer: Any, cell: int) -> Any:
    """Weights of a sum stand both in a list and as attributes, as a Keras layer has them."""
    import tensorflow as tf

    module = tf.Module()
    module.fnodes = []
    nodes = _count(arrays, f"fpn_cells/cell_{cell}/fnode{{}}/")
    for index in range(nodes):
        at = f"fpn_cells/cell_{cell}/fnode{index}"
        node = layer(at)
        node.vars = [
            getattr(node, name) for name in ("WSM", "WSM_1", "WSM_2") if hasattr(node, name)
        ]
        edges = sorted({key.split("/")[3] for key in arrays if key.startswith(f"{at}/resample_")})
        node.resample_layers = [tf.Module() for _ in range(3)]
        for edge in edges:
            resample = node.resample_layers[int(edge.split("_")[1])]
            resample.conv2d, resample.bn = layer(f"{at}/{edge}/conv2d"), layer(f"{at}/{edge}/bn")
        after = f"{at}/op_after_combine{index + nodes // 2 + 1}"
        node.op_after_combine = tf.Module()
        node.op_after_combine.conv_op = layer(f"{after}/conv")
        node.op_after_combine.bn = layer(f"{after}/bn")
        module.fnodes.append(node)
    return module


def _count(arrays: Arrays, pattern: str) -> int:
    """How many of the scopes `pattern` with 0, 1, 2 … there are."""
    index = 0
    while any(key.startswith(pattern.format(index)) for key in arrays):
        index += 1
    return index
