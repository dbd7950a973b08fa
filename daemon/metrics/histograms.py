"""Histograms of the hot path.

Every frame is observed half a dozen times. prometheus_client's own histogram walks through its
bounds and takes two locks each time: in the daemon, between all else that it does, 25 µs of a
frame. Here a value is noted, and counted together with others later.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

MOST_NOTED = 256  # values that wait to be counted


class Histogram:
    """How many values were at most as large as each bound. Any thread may call any method."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` rise; what is larger than the last one is counted beyond it."""
        self._bounds = np.array(bounds, np.float64)
        self._noted: deque[float] = deque()
        self._lock = threading.Lock()  # of what follows
        self._numbers = np.zeros(len(bounds) + 1, np.int64)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One more; costs next to nothing."""
        self._noted.append(value)
        if len(self._noted) >= MOST_NOTED:
            with self._lock:
                self._count()

    def read(self) -> tuple[list[int], float]:
        """How many were at most as large as each bound, and then all of them; and their sum."""
        with self._lock:
            self._count()
            return np.cumsum(self._numbers).tolist(), self._sum

    def _count(self) -> None:
        """What is noted meanwhile by other threads waits for the next time."""
        noted = self._noted
        values = np.array([noted.popleft() for _ in range(len(noted))], np.float64)
        places = np.searchsorted(self._bounds, values)
        self._numbers += np.bincount(places, minlength=len(self._numbers))
        self._sum += float(values.sum())


class Histograms(Collector):
    """`vedette_NAME`: a histogram for each set of values that its labels have."""

    def __init__(
        self,
        name: str,
        text: str,
        bounds: Sequence[float],
        labels: Sequence[str] = (),
        *,
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._text = f"vedette_{name}", text
        self._bounds = tuple(bounds)
        self._shown = [*(str(float(bound)) for bound in bounds), "+Inf"]
        self._label_names = tuple(labels)
        self._lock = threading.Lock()
        self._series: dict[tuple[str, ...], Histogram] = {}  # guarded by it
        registry.register(self)

    def labels(self, *values: str) -> Histogram:
        """The one with these values; it is there, at zero, from then on."""
        with self._lock:
            if values not in self._series:
                self._series[values] = Histogram(self._bounds)
            return self._series[values]

    def remove_by_labels(self, labels: Mapping[str, str]) -> None:
        """Those go away that have all of these; what they still observe is seen by nobody."""
        wanted = [(self._label_names.index(name), value) for name, value in labels.items()]
        with self._lock:
            self._series = {
                values: series
                for values, series in self._series.items()
                if not all(values[place] == value for place, value in wanted)
            }

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """So that a registry knows the name."""
        yield HistogramMetricFamily(self._name, self._text, labels=self._label_names)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family as it is now."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._label_names)
        with self._lock:
            series = list(self._series.items())
        for values, one in series:
            numbers, total = one.read()
            family.add_metric(values, list(zip(self._shown, numbers, strict=True)), total)
        yield family
