"""The detector's answers for the pictures of a data set, and its time for them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from detector.api import Detector
from detector.buckets import side_by_side
from detector.datasets.errors import Fault
from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox
from detector.pictures import Pixels, letterboxed, read_stored

_ROUNDS = 15
_MS = 1e3


@dataclass(frozen=True, slots=True)
class _Fitted:
    sample: Sample
    pixels: Pixels
    letterbox: Letterbox


def answers(
    detector: Detector, samples: Sequence[Sample], *, lost: Callable[[Fault], None]
) -> Iterator[tuple[Sample, Detections]]:
    """Every picture that can be decoded, with what was found in it, in source pixels and the
    detector's class ids; `lost` is given the others. Raises InferenceError.

    In batches as large as the detector takes; one is read while another one runs.
    """
    most = detector.buckets[-1]
    chunks = [samples[start : start + most] for start in range(0, len(samples), most)]
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as reading:
        coming = reading.submit(_read, chunks[0] if chunks else [], detector.input_spec, lost)
        for following in [*chunks[1:], []]:
            fitted = coming.result()
            coming = reading.submit(_read, following, detector.input_spec, lost)
            found = detector.detect(*_batch(detector, fitted))
            yield from zip((each.sample for each in fitted), found, strict=True)


def latency_ms(detector: Detector, samples: Sequence[Sample], batch: int) -> float:
    """Median per picture of whole runs over one batch of these, decoded and scaled beforehand.
    Raises InferenceError.
    """
    fitted = _read(samples[:batch], detector.input_spec, lambda _fault: None)
    fitted = (fitted * batch)[:batch]
    pixels, letterboxes = _batch(detector, fitted)
    times_ms = []
    for _ in range(_ROUNDS):
        started_s = time.perf_counter()
        detector.detect(pixels, letterboxes)
        times_ms.append((time.perf_counter() - started_s) * _MS)
    return statistics.median(times_ms) / batch


def _read(
    samples: Sequence[Sample], spec: InputSpec, lost: Callable[[Fault], None]
) -> list[_Fitted]:
    fitted = []
    for sample in samples:
        bgr = read_stored(sample.image, (sample.width, sample.height))
        if bgr is None:
            lost(Fault(sample.image, "cannot be decoded"))
            continue
        letterbox = Letterbox.fit((sample.width, sample.height), spec)
        fitted.append(_Fitted(sample, letterboxed(bgr, letterbox, spec), letterbox))
    return fitted


def _batch(detector: Detector, fitted: Sequence[_Fitted]) -> tuple[Pixels, list[Letterbox]]:
    pixels = side_by_side([each.pixels for each in fitted], detector.input_spec, detector.buckets)
    return pixels, [each.letterbox for each in fitted]
