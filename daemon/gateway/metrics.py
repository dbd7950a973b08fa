"""What a gateway tells Prometheus, read from its books at scrape time (HTTP thread)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from platform import python_version

from prometheus_client.registry import Collector

from daemon.gateway.relay import RelayReport
from daemon.metrics.families import Family, connections, counter, gauge


class GatewayCollector(Collector):
    """`islands` counts the nodes that ask because no Director answers them."""

    def __init__(self, report: Callable[[], RelayReport], islands: Callable[[], int]) -> None:
        self._report = report
        self._islands = islands

    def collect(self) -> Iterator[Family]:
        report = self._report()
        build = {"version": version("vedette"), "python": python_version()}
        yield gauge(
            "gateway_build_info", "What runs here; always 1.", build, [(tuple(build.values()), 1)]
        )
        yield counter(
            "gateway_messages",
            "Messages that were passed on, by kind.",
            ("kind",),
            [((kind,), count) for kind, count in report.passed.items()],
        )
        yield counter(
            "gateway_bytes", "Topics and payloads of them.", (), [((), report.passed_bytes)]
        )
        yield counter(
            "gateway_refused",
            "Messages that were not passed on, by reason.",
            ("reason",),
            [((reason,), count) for reason, count in report.refused.items()],
        )
        yield counter(
            "gateway_grants_rejected",
            "Messages with an older grant than the newest of their camera; only cameras that had"
            " some.",
            ("camera",),
            [((camera,), count) for camera, count in report.late.items()],
        )
        yield gauge("gateway_nodes", "Nodes whose heartbeats come.", (), [((), len(report.nodes))])
        yield gauge("gateway_cameras", "Cameras that were heard of.", (), [((), report.cameras)])
        yield gauge(
            "gateway_islands",
            "Nodes that go on without a Director: they ask here whether they may.",
            (),
            [((), self._islands())],
        )
        yield from connections(report.attendances)
