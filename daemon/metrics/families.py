"""Families of series as collectors give them to Prometheus at scrape time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sinks.crowd import Attendance

Family = CounterMetricFamily | GaugeMetricFamily
F = TypeVar("F", CounterMetricFamily, GaugeMetricFamily)
Rows = Iterable[tuple[tuple[str, ...], float | None]]


def process_series(registry: CollectorRegistry) -> None:
    """What is known of the process; no series with times of creation."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # would double the counters
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)


def registry_of(collector: Collector) -> CollectorRegistry:
    """With what is known of the process."""
    registry = CollectorRegistry()
    process_series(registry)
    registry.register(collector)
    return registry


def gauge(name: str, text: str, labels: Iterable[str], rows: Rows) -> GaugeMetricFamily:
    """`vedette_NAME`; rows without a value are left out."""
    return _filled(GaugeMetricFamily(f"vedette_{name}", text, labels=tuple(labels)), rows)


def counter(name: str, text: str, labels: Iterable[str], rows: Rows) -> CounterMetricFamily:
    """`vedette_NAME_total`; rows without a value are left out."""
    return _filled(CounterMetricFamily(f"vedette_{name}", text, labels=tuple(labels)), rows)


def connections(attendances: Sequence[Attendance]) -> Iterator[Family]:
    """Of every listener of the process."""
    yield gauge(
        "connections",
        "Connections that are open.",
        ("listener",),
        [((a.listener,), a.connections) for a in attendances],
    )
    yield gauge(
        "connections_limit",
        "Beyond so many, those that wait longest have to go.",
        ("listener",),
        [((a.listener,), a.limit) for a in attendances],
    )
    yield counter(
        "connections_closed",
        "Connections that a listener closed, by reason.",
        ("listener", "reason"),
        [((a.listener, why), n) for a in attendances for why, n in a.closed.items()],
    )


def _filled(family: F, rows: Rows) -> F:
    for values, value in rows:
        if value is not None:
            family.add_metric(values, float(value))
    return family
