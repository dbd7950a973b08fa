"""Series of objects that last: who is there, who came, dwell times, crossings.

The number of series is bounded by the configuration: zones and lines by name, labels by the model;
one that never had anything to tell is not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from daemon.tracking.happenings import Counts, Happening

_DWELL_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class ObjectFamilies:
    """Of all cameras."""

    def __init__(self, registry: CollectorRegistry) -> None:
        zone = ("camera", "zone", "label")
        self.present = Gauge(
            "vedette_objects_present",
            "Objects in the picture.",
            ("camera", "label"),
            registry=registry,
        )
        self.started = Counter(
            "vedette_tracks_started_total",
            "Objects that came; many more than passed by means that they are lost and found.",
            ("camera", "label"),
            registry=registry,
        )
        self.in_zone = Gauge("vedette_zone_objects", "Objects in a zone.", zone, registry=registry)
        self.entries = Counter(
            "vedette_zone_entries_total", "Objects that entered a zone.", zone, registry=registry
        )
        self.dwell = Histogram(
            "vedette_zone_dwell_seconds",
            "How long objects that left a zone had been in it.",
            zone,
            buckets=_DWELL_S,
            registry=registry,
        )
        self.crossings = Counter(
            "vedette_line_crossings_total",
            "Objects that crossed a line, by the side they went to.",
            ("camera", "line", "label", "direction"),
            registry=registry,
        )

    def remove(self, camera: str) -> None:
        for family in (
            self.present,
            self.started,
            self.in_zone,
            self.entries,
            self.dwell,
            self.crossings,
        ):
            family.remove_by_labels({"camera": camera})


class ObjectSeries:
    """Of one camera; whoever holds its seat."""

    def __init__(self, camera: str, families: ObjectFamilies) -> None:
        self._camera = camera
        self._families = families
        self._shown: set[tuple[str, ...]] = set()  # (label,) and (zone, label) with a gauge

    def happened(self, happening: Happening) -> None:
        of, families, label = self._camera, self._families, happening.of.label
        place = happening.place or ""
        if happening.phase == "new":
            families.started.labels(of, label).inc()
        elif happening.phase == "entered":
            families.entries.labels(of, place, label).inc()
        elif happening.phase == "left":
            families.dwell.labels(of, place, label).observe(happening.duration_s)
        elif happening.phase == "crossed":
            families.crossings.labels(of, place, label, happening.direction or "").inc()

    def counted(self, counts: Counts) -> None:
        numbers: dict[tuple[str, ...], int] = {
            (label,): number for label, number in counts.present.items()
        }
        for zone, labels in counts.zones.items():
            numbers |= {(zone, label): number for label, number in labels.items()}
        self._show(numbers)

    def _show(self, numbers: Mapping[tuple[str, ...], int]) -> None:
        self._shown |= numbers.keys()
        for names in self._shown:
            family = self._families.present if len(names) == 1 else self._families.in_zone
            family.labels(self._camera, *names).set(numbers.get(names, 0))
