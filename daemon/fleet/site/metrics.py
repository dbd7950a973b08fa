"""What the fleet tells Prometheus, read from its view at scrape time (HTTP thread)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.registry import Collector

from daemon.fleet.view import CameraView, Cause, FleetView, NodeState, NodeView, Placement
from daemon.metrics.families import Family, counter, gauge


class FleetCollector(Collector):
    """`view` gives the newest view, at once."""

    def __init__(self, view: Callable[[], FleetView]) -> None:
        self._view = view

    def collect(self) -> Iterator[Family]:
        view = self._view()
        yield gauge(
            "fleet_director_up",
            "1 while the Director answers.",
            (),
            [((), view.director_since_ns is not None)],
        )
        yield from _nodes(view.nodes)
        yield from _cameras(view.cameras)
        yield counter(
            "fleet_movements",
            "Cameras that went to another node, or to none, by reason.",
            ("reason",),
            [((cause,), view.moves.get(cause, 0)) for cause in Cause],
        )
        yield gauge(
            "fleet_gateway_up",
            "1 while the gateway answers the Director.",
            ("gateway",),
            [((gateway.name,), gateway.up) for gateway in view.gateways],
        )


def _nodes(nodes: Sequence[NodeView]) -> Iterator[Family]:
    def per_node(name: str, text: str, value: Callable[[NodeView], float]) -> Family:
        return gauge(name, text, ("node",), [((node.name,), value(node)) for node in nodes])

    yield gauge(
        "fleet_node_state",
        "1 for the state the node is in, 0 for the others.",
        ("node", "state"),
        [((node.name, state), node.state is state) for node in nodes for state in NodeState],
    )
    yield per_node(
        "fleet_node_decode_cores", "Cores that decoding may take there.", lambda n: n.decode_cores
    )
    yield per_node(
        "fleet_node_decode_cores_used", "Cores that it takes.", lambda n: n.decode_cores_used
    )
    yield per_node(
        "fleet_node_pictures_per_second",
        "Pictures that its detector can answer.",
        lambda n: n.pictures_per_s,
    )
    yield per_node(
        "fleet_node_pictures_per_second_used",
        "Pictures that its cameras ask for.",
        lambda n: n.pictures_per_s_used,
    )


def _cameras(cameras: Sequence[CameraView]) -> Iterator[Family]:
    placed = Counter(camera.placement for camera in cameras)
    yield gauge(
        "fleet_cameras",
        "Cameras, by what became of them.",
        ("placement",),
        [((placement,), placed[placement]) for placement in Placement],
    )
    on_node = Counter(camera.node for camera in cameras if camera.node is not None)
    yield gauge(
        "fleet_node_cameras",
        "Cameras that a node has.",
        ("node",),
        [((node,), count) for node, count in sorted(on_node.items())],
    )
    yield gauge(
        "fleet_camera_parked",
        "1 for a camera that no node has room for; only those.",
        ("camera",),
        [((c.name,), 1) for c in cameras if c.placement is Placement.PARKED],
    )
