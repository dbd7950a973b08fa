"""The second engine: LiteRT for the network, NumPy for what is before and behind it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import numpy.typing as npt

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.selection import Selection
from detector.int8.assembly import Assembly
from detector.int8.interpreter import NetworkRun
from detector.int8.suppression import select


class LiteRtEngine:
    """`detector.engine.Engine` with a picture for each core, and all cores for a picture alone.

    Every interpreter has one thread but the one for pictures that come alone: what cores do side by
    side needs no waiting for each other.
    """

    def __init__(
        self, assembly: Assembly, selection: Selection, *, cores: int, max_batch: int
    ) -> None:
        self._assembly = assembly
        self._selection = selection
        side_by_side = min(cores, max_batch)
        self._alone = assembly.run(threads=cores)
        self._lanes = (
            [assembly.run(threads=1) for _ in range(side_by_side)] if side_by_side > 1 else []
        )
        self._threads = ThreadPoolExecutor(max(1, side_by_side - 1), thread_name_prefix="lane")

    @property
    def trace_count(self) -> int:
        """Interpreters, which are all made at the beginning."""
        return 1 + len(self._lanes)

    def run(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> Kept:
        """See `detector.engine.Engine`."""
        found: list[Candidates | None] = [None] * len(pixels)
        together = self._together(len(pixels))
        coming = itertools.count()

        def work(network: NetworkRun) -> None:
            while (number := next(coming)) < together:
                found[number] = self._answer(network, pixels[number], content_xyxy[number])

        if together:
            first, *others = self._lanes[:together]
            waiting = [self._threads.submit(work, lane) for lane in others]
            try:
                work(first)
            finally:
                wait(waiting)
            for future in waiting:
                future.result()
        for number in range(together, len(pixels)):
            found[number] = self._answer(self._alone, pixels[number], content_xyxy[number])
        return _stacked([each for each in found if each is not None])

    def _together(self, count: int) -> int:
        """How many of so many pictures go side by side: none or all, or all but one that would be
        left for one core while the others are idle.
        """
        if not self._lanes or count == 1:
            return 0
        return count - 1 if count % len(self._lanes) == 1 else count

    def _answer(
        self,
        network: NetworkRun,
        pixels: npt.NDArray[np.uint8],
        content_xyxy: npt.NDArray[np.int32],
    ) -> Candidates:
        code = self._assembly.pixel_code
        outputs = network(lambda out: code.write(pixels, content_xyxy, out))
        found = self._assembly.candidates(outputs, self._selection)
        return select(found, self._selection)


def _stacked(found: Sequence[Candidates]) -> Kept:
    """Pictures one after the other, with room for the most boxes that any has."""
    counts = np.array([len(each.score) for each in found], np.int32)
    rows = (len(found), int(counts.max(initial=0)))
    kept = Kept(
        np.zeros((*rows, 4), np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.int32),
        counts,
    )  # fmt: skip
    for number, each in enumerate(found):
        for room, values in zip(kept, each, strict=False):
            room[number, : counts[number]] = values
    return kept
