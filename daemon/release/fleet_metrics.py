"""docs/fleet-metrics.md, made from the series themselves.

Run as `python -m daemon.release.fleet_metrics > docs/fleet-metrics.md`; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from prometheus_client.registry import Collector

from daemon.fleet.site.metrics import FleetCollector
from daemon.fleet.view import (
    CameraView,
    FleetView,
    GatewayView,
    NodeState,
    NodeView,
    Placement,
)
from daemon.gateway.fence import Refusal
from daemon.gateway.metrics import GatewayCollector
from daemon.gateway.relay import RelayReport
from sinks.crowd import Attendance, HangUp
from sinks.messages import Kind

HEAD = """\
# Metrics of a fleet

What the fleet's address and the gateways tell at `/metrics`, beside `process_*` and `python_gc_*`;
the servers' own daemons have those of [metrics.md](metrics.md). Written by
`python -m daemon.release.fleet_metrics`; do not edit.

`node` and `gateway` are names from the fleet's configuration, `camera` those of its cameras.
"""
TABLE = """
## {title}

| Series | Type | Labels | Meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """All of it."""
    fleet, gateway = FleetCollector(_view), GatewayCollector(_report, lambda: 0)
    parts = {"The fleet's address": fleet, "A gateway": gateway}
    return HEAD + "".join(
        TABLE.format(title=title) + "".join(_rows(part)) for title, part in parts.items()
    )


def _rows(collector: Collector) -> Iterator[str]:
    for family in sorted(collector.collect(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels)
        shown = ", ".join(f"`{label}`" for label in labels)
        yield f"| `{name}` | {family.type} | {shown} | {family.documentation} |\n"


def _view() -> FleetView:
    """With one of everything, so that every family shows its labels."""
    node = NodeView("alder", NodeState.UP, 1, "10.0.0.1:9464", 1.0, 0.0, 1.0, 0.0)
    parked = CameraView("roof", Placement.PARKED, 1, "alder", 1, 1, 0.0, 5.0)
    gateway = GatewayView("one", "10.0.0.1:9465", up=True)
    return FleetView(1, 1, nodes=(node,), cameras=(parked,), gateways=(gateway,))


def _report() -> RelayReport:
    return RelayReport(
        dict.fromkeys(Kind, 0),
        0,
        dict.fromkeys(Refusal, 0),
        {"gate": 1},
        frozenset(),
        0,
        [Attendance("publishers", 0, 1, dict.fromkeys(HangUp, 0))],
    )


if __name__ == "__main__":
    sys.stdout.write(page())
