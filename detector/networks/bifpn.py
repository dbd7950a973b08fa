"""The bidirectional feature pyramid: cells that pass features down the levels and up again."""

from __future__ import annotations

from dataclasses import dataclass

from detector.networks.ops import Ops, T
from detector.networks.sizes import DetectorSize


@dataclass(frozen=True, slots=True)
class _Node:
    """One sum of a cell: the level it belongs to (0 is the finest) and the ids of its inputs.

    Ids count through a cell: its input features first, then its nodes in order.
    """

    level: int
    inputs: tuple[int, ...]


def pyramid(ops: Ops[T], taps: list[T], spec: DetectorSize) -> list[T]:
    """P3 … P7 (P8) from C3, C4, C5."""
    features = [*taps, ops.max_pool(_match(ops, taps[-1], "resample_p6", spec.channels))]
    while len(features) < len(spec.levels):
        features.append(ops.max_pool(features[-1]))
    for cell in range(spec.cells):
        features = _cell(ops, features, f"fpn_cells/cell_{cell}", spec)
    return features


def _cell(ops: Ops[T], inputs: list[T], name: str, spec: DetectorSize) -> list[T]:
    levels = len(inputs)
    features = list(inputs)
    level_of = list(range(levels))
    for index, node in enumerate(_nodes(levels)):
        at = f"{name}/fnode{index}"
        own_id = len(features)
        xs = []
        for order, source in enumerate(node.inputs):
            edge = f"{at}/resample_{order}_{source}_{own_id}"
            x = _match(ops, features[source], edge, spec.channels)
            xs.append(ops.max_pool(x) if level_of[source] < node.level else x)
        if spec.fusion == "fast":
            xs = ops.weighted(xs, _weight_names(at, len(xs)))
        # Weighed before they are enlarged: the same numbers, a quarter of the work.
        x = ops.add(
            [
                ops.upsample(x, like=inputs[node.level]) if level_of[source] > node.level else x
                for source, x in zip(node.inputs, xs, strict=True)
            ]
        )
        after = f"{at}/op_after_combine{own_id}"
        x = ops.separable(
            ops.activate(x, spec.activation), f"{after}/conv", spec.channels, norm=f"{after}/bn"
        )
        features.append(x)
        level_of.append(node.level)
    return features[-levels:]


def _nodes(levels: int) -> list[_Node]:
    """Down from the coarsest level, then up from the finest; a level's last node is its output."""
    nodes = []
    newest = {level: level for level in range(levels)}
    for level in range(levels - 2, -1, -1):
        nodes.append(_Node(level, (level, newest[level + 1])))
        newest[level] = levels + len(nodes) - 1
    for level in range(1, levels):
        inputs = dict.fromkeys((level, newest[level], newest[level - 1]))
        nodes.append(_Node(level, tuple(inputs)))
        newest[level] = levels + len(nodes) - 1
    return nodes


def _weight_names(node: str, count: int) -> list[str]:
    return [f"{node}/WSM_{index}" if index else f"{node}/WSM" for index in range(count)]


def _match(ops: Ops[T], x: T, name: str, channels: int) -> T:
    if ops.channels(x) == channels:
        return x
    return ops.conv(x, f"{name}/conv2d", channels, bias=True, norm=f"{name}/bn")
