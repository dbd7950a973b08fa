"""The pictures with the most mistakes on one sheet, for people to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.evaluation.measuring import Measurement
from detector.pictures import Pixels, read_stored

_CELL_WH = (480, 360)
_CAPTION_PX = 24
_COLUMNS = 4
_DASH_PX = 6
_NAMED_PX = 30  # names of smaller objects would hide them
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GREY, _WHITE, _YELLOW = (150, 150, 150), (255, 255, 255), (0, 220, 255)  # BGR
_GREEN, _RED = (80, 200, 60), (60, 60, 255)
_LEGEND = (
    ("dashed: truth (found)", _WHITE),
    ("missed", _YELLOW),
    ("ignored", _GREY),
    ("solid: detections (right)", _GREEN),
    ("false alarm", _RED),
)
Colour = tuple[int, int, int]


def save_worst(path: Path, measured: Measurement, *, count: int) -> None:
    """PNG of the `count` pictures with the most misses and false alarms at the thresholds that
    hold by default. Raises OSError.
    """
    mistakes = [
        _missed(measured, number).sum() + _false(measured, number).sum()
        for number in range(len(measured.samples))
    ]
    worst = np.argsort(-np.array(mistakes), kind="stable")[:count]
    cells = [_cell(measured, int(number)) for number in worst]
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % _COLUMNS)
    rows = [np.hstack(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)]
    sheet = np.vstack([_legend(rows[0].shape[1]), *rows])
    path.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())


def _missed(measured: Measurement, number: int) -> npt.NDArray[np.bool_]:
    sample, verdict = measured.samples[number], measured.scores.verdicts[number]
    missed: npt.NDArray[np.bool_] = verdict.found_at < _least(measured, sample.classes)
    return missed & ~sample.ignored


def _false(measured: Measurement, number: int) -> npt.NDArray[np.bool_]:
    verdict = measured.scores.verdicts[number]
    return _shown(measured, number) & ~verdict.right & ~verdict.neutral


def _shown(measured: Measurement, number: int) -> npt.NDArray[np.bool_]:
    found = measured.found[number]
    shown: npt.NDArray[np.bool_] = found.score >= _least(measured, found.class_id)
    return shown


def _least(measured: Measurement, class_id: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    return np.array(measured.thresholds, np.float64)[class_id]


def _cell(measured: Measurement, number: int) -> Pixels:
    sample, found = measured.samples[number], measured.found[number]
    missed, false = _missed(measured, number), _false(measured, number)
    shown = _shown(measured, number)
    bgr = read_stored(sample.image)
    scale = min(_CELL_WH[0] / sample.width, _CELL_WH[1] / sample.height)
    cell = np.zeros((_CELL_WH[1] + _CAPTION_PX, _CELL_WH[0], 3), np.uint8)
    if bgr is not None:  # it was there a moment ago
        scaled_wh = (max(1, int(sample.width * scale)), max(1, int(sample.height * scale)))
        scaled = cv2.resize(bgr, scaled_wh, interpolation=cv2.INTER_AREA)
        cell[: scaled.shape[0], : scaled.shape[1]] = scaled
    for box, ignored, was_missed in zip(sample.xyxy_px, sample.ignored, missed, strict=True):
        colour = _GREY if ignored else _YELLOW if was_missed else _WHITE
        _dashed(cell, _corners(box * scale), colour)
    for box, is_shown, is_false in zip(found.xyxy_px, shown, false, strict=True):
        if is_shown:
            x1, y1, x2, y2 = _corners(box * scale)
            cv2.rectangle(cell, (x1, y1), (x2, y2), _RED if is_false else _GREEN, 1 + is_false)
    for xyxy_px, class_id in zip(sample.xyxy_px[missed], sample.classes[missed], strict=True):
        x1, y1, x2, _ = _corners(xyxy_px * scale)
        if x2 - x1 >= _NAMED_PX:
            _write(cell, measured.labels[class_id], (x1, y1), _YELLOW)
    for index in np.flatnonzero(false):
        text = f"{measured.labels[found.class_id[index]]} {found.score[index]:.0%}"
        x1, _, _, y2 = _corners(found.xyxy_px[index] * scale)
        _write(cell, text, (x1, y2), _RED)
    text = f"{sample.image.name}: {missed.sum()} missed, {false.sum()} false"
    _write(cell, text, (2, _CELL_WH[1] + _CAPTION_PX - 6), _WHITE)
    return cell


def _corners(xyxy: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (round(float(side)) for side in xyxy)
    return x1, y1, x2, y2


def _dashed(canvas: Pixels, corners: tuple[int, int, int, int], colour: Colour) -> None:
    x1, y1, x2, y2 = corners
    for x in range(x1, x2, 2 * _DASH_PX):
        for y in (y1, y2):
            cv2.line(canvas, (x, y), (min(x + _DASH_PX, x2), y), colour, 2)
    for y in range(y1, y2, 2 * _DASH_PX):
        for x in (x1, x2):
            cv2.line(canvas, (x, y), (x, min(y + _DASH_PX, y2)), colour, 2)


def _write(canvas: Pixels, text: str, at: tuple[int, int], colour: Colour) -> int:
    """On black, inside the canvas; returns where the text ends."""
    (width, height), below = cv2.getTextSize(text, _FONT, 0.4, 1)
    x = max(0, min(at[0], canvas.shape[1] - width))
    y = max(height, min(at[1], canvas.shape[0] - below))
    cv2.rectangle(canvas, (x, y - height), (x + width, y + below - 1), (0, 0, 0), cv2.FILLED)
    cv2.putText(canvas, text, (x, y), _FONT, 0.4, colour, 1, cv2.LINE_AA)
    return int(x + width)


def _legend(width: int) -> Pixels:
    row = np.zeros((_CAPTION_PX, width, 3), np.uint8)
    x = _write(row, "at the thresholds that hold by default", (4, 16), _WHITE)
    for text, colour in _LEGEND:
        x = _write(row, text, (x + 24, 16), colour)
    return row
