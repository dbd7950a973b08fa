"""The endless sequence of training examples: number n is the same whoever asks, whenever.

So a run that is resumed at step k goes on with the very pictures that it would have seen, however
many threads prepare them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from detector.datasets.samples import Sample
from detector.letterbox import InputSpec
from detector.pictures import read_stored
from detector.training.augmentation import (
    Augmentation,
    Example,
    Labelled,
    Objects,
    augmented,
    mosaic,
)


class Examples:
    """Every epoch shows each picture as often as its weight says, in an order of its own.

    Thread-safe. Raises OSError with the path for a picture that cannot be read.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        spec: InputSpec,
        augmentation: Augmentation,
        *,
        seed: int,
        weights: npt.NDArray[np.float64] | None = None,
        whole_from: int | None = None,
    ) -> None:
        """From number `whole_from` on every example is one whole picture, not a mosaic: in the end
        the network should see what it will see in use (YOLOX, arXiv:2107.08430).
        """
        self._samples = samples
        self._spec = spec
        self._how = augmentation
        self._seed = seed
        self._whole_from = whole_from
        self._share = np.ones(len(samples)) if weights is None else weights
        self._order = lru_cache(maxsize=2)(self._epoch)

    def __len__(self) -> int:
        """Examples in an epoch."""
        return len(self._samples)

    def __getitem__(self, number: int) -> Example:
        epoch, place = divmod(number, len(self._samples))
        first = read(self._samples[self._order(epoch)[place]])
        rng = np.random.default_rng([self._seed, 1, number])
        closed = self._whole_from is not None and number >= self._whole_from
        if rng.random() >= self._how.mosaic or closed:
            return augmented(first, self._spec, rng, self._how)
        others = rng.choice(self._order(epoch), 3)
        pictures = [first, *(read(self._samples[index]) for index in others)]
        return mosaic(pictures, self._spec, rng, self._how)

    def _epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        """Indices of its pictures: evenly spaced over the summed weights, then shuffled."""
        rng = np.random.default_rng([self._seed, 0, epoch])
        ends = np.cumsum(self._share)
        at = (np.arange(len(ends)) + rng.random()) * ends[-1] / len(ends)
        return rng.permutation(np.searchsorted(ends, at, side="right"))


def read(sample: Sample) -> Labelled:
    """Decode the picture. Raises OSError."""
    bgr = read_stored(sample.image, (sample.width, sample.height))
    if bgr is None:
        msg = f"{sample.image}: cannot be decoded"
        raise OSError(msg)
    pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    objects = Objects(sample.xyxy_px, sample.classes, sample.ignored)
    return Labelled(pixels, objects, sample.unlabelled)


def repeat_weights(
    samples: Sequence[Sample], num_classes: int, *, threshold: float
) -> npt.NDArray[np.float64]:
    """How often to show each picture, so that rare classes are seen: max over its classes of
    √(threshold / share of the pictures that have the class), at least 1 (LVIS, arXiv:1908.03195).
    """
    present = np.zeros((len(samples), num_classes), bool)
    for row, sample in enumerate(samples):
        present[row, sample.classes[~sample.ignored]] = True
    share = np.maximum(present.mean(axis=0), 1 / max(1, len(samples)))
    wanted = np.maximum(1.0, np.sqrt(threshold / share))
    weights: npt.NDArray[np.float64] = np.where(present, wanted, 1.0).max(axis=1)
    return weights
