"""Where TF2's object-based checkpoints keep the variables of EfficientDet.

They name a variable by the attributes that lead to it, `backbone/_blocks/3/_expand_conv/kernel`,
not by its official name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_FIRST_LEVEL = 3
_BLOCK = re.compile(r"efficientnet-[^/]+/blocks_(\d+)/(.+)/(\w+)")
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"efficientnet-[^/]+/stem/conv2d/(.+)", r"backbone/_stem/_conv_stem/\1"),
        (r"efficientnet-[^/]+/stem/tpu_batch_normalization/(.+)", r"backbone/_stem/_bn/\1"),
        (r"resample_p6/(.+)", r"resample_layers/0/\1"),
        (
            r"fpn_cells/cell_(\d+)/fnode(\d+)/resample_(\d)_\d+_\d+/(.+)",
            r"fpn_cells/cells/\1/fnodes/\2/resample_layers/\3/\4",
        ),
        (
            r"fpn_cells/cell_(\d+)/fnode(\d+)/op_after_combine\d+/bn/(.+)",
            r"fpn_cells/cells/\1/fnodes/\2/op_after_combine/bn/\3",
        ),
        (
            r"fpn_cells/cell_(\d+)/fnode(\d+)/op_after_combine\d+/conv/(.+)",
            r"fpn_cells/cells/\1/fnodes/\2/op_after_combine/conv_op/\3",
        ),
        (r"fpn_cells/cell_(\d+)/fnode(\d+)/(WSM\w*)", r"fpn_cells/cells/\1/fnodes/\2/\3"),
        (r"class_net/class-predict/(.+)", r"class_net/classes/\1"),
        (r"box_net/box-predict/(.+)", r"box_net/boxes/\1"),
        (r"(class|box)_net/\1-(\d+)/(.+)", r"\1_net/conv_ops/\2/\3"),
    )
)
_HEAD_NORM = re.compile(r"(class|box)_net/\1-(\d+)-bn-(\d+)/(.+)")
_LISTED_WEIGHT = re.compile(r"(?<=/)vars/(\d+)$")
_BRANCHES = re.compile(r"(?:^|/)((?:backbone|resample_layers|fpn_cells|class_net|box_net)/.+)")
# Layers of one kind are numbered by use in official names: see `detector.networks.backbone`.
_EXPANDING = {
    "conv2d": "_expand_conv",
    "conv2d_1": "_project_conv",
    "tpu_batch_normalization": "_bn0",
    "tpu_batch_normalization_1": "_bn1",
    "tpu_batch_normalization_2": "_bn2",
}
_PLAIN = {
    "conv2d": "_project_conv",
    "tpu_batch_normalization": "_bn1",
    "tpu_batch_normalization_1": "_bn2",
}
_IN_BLOCK = {
    "depthwise_conv2d": "_depthwise_conv",
    "se/conv2d": "_se/_se_reduce",
    "se/conv2d_1": "_se/_se_expand",
}


def object_paths(names: Iterable[str]) -> dict[str, str]:
    """From the official names of a whole architecture to the paths of attributes."""
    names = list(names)
    expanding = {
        match[1] for name in names if (match := _BLOCK.fullmatch(name)) and match[2] == "conv2d_1"
    }
    return {name: _path(name, expanding) for name in names}


def variable_path(key: str) -> str | None:
    """The path of attributes of a checkpoint's key from EfficientDet on, None for anything else.

    The weights of a sum may be listed as `vars/0` or stand as `WSM` themselves; here as `WSM`.
    """
    found = _BRANCHES.search(key)
    if found is None:
        return None
    return _LISTED_WEIGHT.sub(lambda at: "WSM" if at[1] == "0" else f"WSM_{at[1]}", found[1])


def _path(name: str, expanding: set[str]) -> str:
    if match := _BLOCK.fullmatch(name):
        block, layer, variable = match.groups()
        layers = _IN_BLOCK | (_EXPANDING if block in expanding else _PLAIN)
        return f"backbone/_blocks/{block}/{layers[layer]}/{variable}"
    if match := _HEAD_NORM.fullmatch(name):
        kind, repeat, level, variable = match.groups()
        return f"{kind}_net/bns/{repeat}/{int(level) - _FIRST_LEVEL}/{variable}"
    for pattern, replacement in _RULES:
        if match := pattern.fullmatch(name):
            return match.expand(replacement)
    msg = f"{name} is not an official name"
    raise ValueError(msg)
