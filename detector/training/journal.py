"""What a run writes down while it goes: one JSON line per point, and the same for TensorBoard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

FILE = "log.jsonl"
Point = dict[str, float]


class Journal:
    """Means of `every` steps. A run that goes on after step `done` forgets what came after it."""

    def __init__(
        self, folder: Path, *, done: int, every: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every = every
        self._clock = clock
        self._path = folder / FILE
        kept = [point for point in read(folder) if point["step"] <= done]
        self._path.write_text("".join(_line(point) for point in kept), encoding="utf-8")
        self._board = tf.summary.create_file_writer(str(folder / "tensorboard"))
        self._sums: Point = {}
        self._count = 0
        self._since_s = clock()

    def learnt(self, step: int, losses: Mapping[str, float], images: int) -> None:
        """After every step."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % self._every == 0:
            self._note_means(step, images)

    def end(self, step: int, images: int) -> None:
        """Of the steps since the last point too, of which a short run has no others."""
        if self._count:
            self._note_means(step, images)

    def _note_means(self, step: int, images: int) -> None:
        now_s = self._clock()
        means = {name: value / self._count for name, value in self._sums.items()}
        rate = self._count * images / max(1e-9, now_s - self._since_s)
        self.note(step, means | {"images_per_s": rate})
        self._sums, self._count, self._since_s = {}, 0, now_s

    def note(self, step: int, values: Mapping[str, float]) -> None:
        """One point, written through."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line({"step": step, **values}))
        with self._board.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self._board.flush()


def read(folder: Path) -> list[Point]:
    """All points, oldest first; a last line that was cut off by a crash is left out."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    points = []
    for line in lines:
        try:
            points.append(json.loads(line))
        except ValueError:
            break
    return points


def _line(point: Mapping[str, float]) -> str:
    return json.dumps({name: round(value, 6) for name, value in point.items()}) + "\n"
