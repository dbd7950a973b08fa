"""What a camera's configuration says of its topics, before anything was seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config.camera import CameraConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """The labels, zones and lines of a camera that have topics from the start."""

    labels: tuple[str, ...] = ()
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, camera: CameraConfig, usual: Sequence[str]) -> Plan:
        """`usual` are the labels where the camera names none. Nothing is counted without
        tracking.
        """
        if not camera.tracking.enabled:
            return cls()
        reported = tuple(camera.objects.labels or usual)
        return cls(
            reported,
            {name: tuple(zone.labels or reported) for name, zone in camera.zones.items()},
            {name: (line.left, line.right) for name, line in camera.lines.items()},
        )
