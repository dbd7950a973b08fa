"""Detections as plain values for JSON that people and programs read: the API, `vedette detect`."""

from __future__ import annotations

from collections.abc import Sequence

from detector.detections import Detections


def detection_records(detections: Detections, labels: Sequence[str]) -> list[dict[str, object]]:
    """Fields as in the messages: `box` is x1, y1, x2, y2 in source pixels."""
    rows = zip(
        detections.class_id.tolist(),
        detections.score.tolist(),
        detections.xyxy_px.tolist(),
        strict=True,
    )
    return [
        {
            "label": labels[class_id],
            "class_id": class_id,
            "score": round(score, 4),
            "box": [round(side, 1) for side in box],
        }
        for class_id, score, box in rows
    ]
