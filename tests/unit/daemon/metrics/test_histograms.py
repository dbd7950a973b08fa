from __future__ import annotations

import threading
from math import inf

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client import Histogram as Reference

from daemon.metrics.histograms import MOST_NOTED, Histogram, Histograms

BOUNDS = (0.001, 0.25, 1, 2.5)


def families(registry: CollectorRegistry) -> Histograms:
    return Histograms("wait_seconds", "How long.", BOUNDS, ("camera",), registry=registry)


def test_the_page_is_prometheus_clients_own_to_the_letter() -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # as the daemon does
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    family = families(ours)
    reference = Reference(
        "vedette_wait_seconds", "How long.", ["camera"], registry=theirs, buckets=BOUNDS
    )
    series, wanted = family.labels("yard"), reference.labels("yard")
    for value in (0.0, 0.001, 0.0011, 0.25, 0.5, 1.0, 2.5, 2.6, 1e9, -1.0):
        series.observe(value)
        wanted.observe(value)
    family.labels('a "quiet" one')
    reference.labels('a "quiet" one')
    assert generate_latest(ours) == generate_latest(theirs)


def test_one_without_labels_is_there_at_zero() -> None:
    registry = CollectorRegistry()
    Histograms("batch_size", "Rows.", (1, 2), registry=registry).labels()
    assert registry.get_sample_value("vedette_batch_size_count") == 0
    assert registry.get_sample_value("vedette_batch_size_bucket", {"le": "1.0"}) == 0


def test_a_registry_refuses_a_second_family_of_the_same_name() -> None:
    registry = CollectorRegistry()
    families(registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        families(registry)


@pytest.mark.parametrize("number", [MOST_NOTED - 1, MOST_NOTED, 3 * MOST_NOTED + 7])
def test_nothing_is_lost_and_little_is_kept_where_nobody_scrapes(number: int) -> None:
    series = Histogram(BOUNDS)
    values = np.random.default_rng(number).uniform(-1, 4, number).tolist()
    for value in values:
        series.observe(value)
        assert len(series._noted) < MOST_NOTED
    numbers, total = series.read()
    assert numbers == [sum(value <= bound for value in values) for bound in (*BOUNDS, inf)]
    assert total == pytest.approx(sum(values))


def test_many_threads_and_a_scrape_between_them_lose_nothing() -> None:
    series = Histogram(BOUNDS)
    threads = [
        threading.Thread(target=lambda: [series.observe(0.5) for _ in range(2000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    read = [series.read()[0][-1] for _ in range(50)]
    for thread in threads:
        thread.join()
    assert read == sorted(read)
    assert series.read() == ([0, 0, 8000, 8000, 8000], 4000.0)


def test_a_camera_that_left_is_not_on_the_page_and_may_go_on_observing() -> None:
    registry = CollectorRegistry()
    family = families(registry)
    gone, there = family.labels("gone"), family.labels("there")
    family.remove_by_labels({"camera": "gone"})
    gone.observe(1)
    there.observe(1)
    page = generate_latest(registry).decode()
    assert "gone" not in page
    assert 'vedette_wait_seconds_count{camera="there"} 1.0' in page
