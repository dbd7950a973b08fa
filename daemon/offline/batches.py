"""Reading, detecting and writing overlap: a thread before the detector and one behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from daemon.offline.outputs import Writer
from daemon.offline.rows import each_row, together
from daemon.offline.shots import Shot, UnreadableError
from detector.api import Detector
from detector.detections import Detections

_MOST_BYTES = 512 * 2**20  # of pictures that were read together, or that wait to be written


def process(
    detector: Detector, shots: Iterable[Shot], writer: Writer
) -> Generator[Detections, None, None]:
    """Answer every shot and have it written; yields the answers in order, as they are handed on.

    Raises InferenceError, WriteError, and UnreadableError where the shots do; what was read before
    that is answered and written.
    """
    most = detector.buckets[-1]
    unwritten: deque[tuple[Future[None], int]] = deque()
    held = 0  # bytes of their pictures
    error = None
    with (
        ThreadPoolExecutor(1, thread_name_prefix="writing") as writing,
        closing(answered(detector, shots)) as answers,
    ):
        try:
            for shot, found in answers:
                unwritten.append((writing.submit(writer.write, shot, found), shot.bgr.nbytes))
                held += shot.bgr.nbytes
                yield found
                while len(unwritten) > 2 * most or (unwritten and held > _MOST_BYTES):
                    future, size = unwritten.popleft()
                    future.result()
                    held -= size
        except UnreadableError as unreadable:
            error = unreadable
    for future, _ in unwritten:
        future.result()
    if error is not None:
        raise error


def answered(
    detector: Detector, shots: Iterable[Shot]
) -> Generator[tuple[Shot, Detections], None, None]:
    """Every shot with its answer, in order; see `answered_rows`."""
    with closing(answered_rows(detector, shots)) as answers:
        for shot, rows in answers:
            yield shot, together(detector.labels, shot.rows, rows)


def answered_rows(
    detector: Detector, shots: Iterable[Shot]
) -> Generator[tuple[Shot, Sequence[Detections]], None, None]:
    """Every shot with what is in each of its rows, in order; one batch is read while another one
    runs. Raises InferenceError, and UnreadableError where the shots do, once what was read before
    is answered.
    """
    most = detector.buckets[-1]
    source = iter(shots)
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as reading:
        coming = reading.submit(_take, source, most)
        while (taken := coming.result()).shots:
            coming = reading.submit(_take, source, most)
            yield from zip(taken.shots, _detect(detector, taken.shots), strict=True)
            if taken.error is not None:
                break
    if taken.error is not None:
        raise taken.error


@dataclass(slots=True)
class _Taken:
    shots: list[Shot] = field(default_factory=list)
    error: UnreadableError | None = None


def _take(source: Iterator[Shot], most: int) -> _Taken:
    taken = _Taken()
    try:
        for shot in islice(source, most):
            taken.shots.append(shot)  # not extend(): an error must not lose those before it
            if sum(shot.bgr.nbytes for shot in taken.shots) > _MOST_BYTES:
                break  # a smaller batch: a picture may have 600 MB
    except UnreadableError as error:
        taken.error = error
    return taken


def _detect(detector: Detector, shots: Sequence[Shot]) -> list[list[Detections]]:
    answers = iter(each_row(detector, [row for shot in shots for row in shot.rows]))
    return [list(islice(answers, len(shot.rows))) for shot in shots]
