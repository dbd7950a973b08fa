"""Detections as the rows that leave the daemon: on the wire, in the API, from `vedette detect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from detector.detections import Detections
from sinks.messages import Detection, Lasting


def wire_rows(
    found: Detections, labels: Sequence[str], objects: Sequence[Lasting | None] = ()
) -> tuple[Detection, ...]:
    """One object each, in their order; class ids index `labels`. `objects` says whose each box is,
    where that is known.
    """
    rows = zip(
        found.class_id.tolist(),
        found.score.tolist(),
        found.xyxy_px.tolist(),
        objects or (None,) * len(found),
        strict=True,
    )
    return tuple(
        Detection.rounded(labels[class_id], class_id, score, box, lasting)
        for class_id, score, box, lasting in rows
    )


def detection_records(
    found: Detections, labels: Sequence[str], objects: Sequence[Lasting | None] = ()
) -> list[dict[str, Any]]:
    """The same as plain values, for JSON that people and programs read."""
    records: list[dict[str, Any]] = msgspec.to_builtins(list(wire_rows(found, labels, objects)))
    return records
