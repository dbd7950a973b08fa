"""The int8 form of a weights file: measured on pictures, with layers kept where that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detector.api import ModelError
from detector.batched import BatchedDetector
from detector.boxes.selection import Selection
from detector.buckets import buckets_up_to
from detector.build import open_weights
from detector.graph.lanes import available_cores
from detector.int8.agreement import SHOWN, agreement, answers_of
from detector.int8.assembly import assemble
from detector.int8.calibration import RangeMeter, widened
from detector.int8.engine import LiteRtEngine
from detector.letterbox import InputSpec, Letterbox
from detector.networks.backbone import stage_prefixes
from detector.pictures import Pixels
from detector.weights.int8_form import Int8Form, efficientdet_of, read_form

Picture = tuple[Pixels, Letterbox]
Layers = tuple[str, ...]
_COMPARED = 48  # pictures that decide which layers are kept
_GOOD = 0.9  # agreement with float32 that leaves nothing to be mended
_WORTH = 0.01  # of agreement, that layers in float32 must bring
_BATCH = 8
_WEAKEST = 0.01


@dataclass(frozen=True, slots=True)
class Choice:
    """Layers that stay in float32, and how far the network agrees with itself in float32 then."""

    kept: Layers
    agreement: float


class Quantizer:
    """One weights file, being measured. Raises ModelError for weights that have no int8 form."""

    def __init__(self, path: Path) -> None:
        self._model, self._loaded = open_weights(path)
        self._spec = efficientdet_of(self._model)
        self.description = self._loaded.description
        self._cores = available_cores()

    @property
    def input_spec(self) -> InputSpec:
        """What pictures must look like."""
        return self._spec.pixels.input_spec(self.description.input_size)

    def earlier(self) -> Int8Form:
        """The form that the file has. Raises ModelError where it has none."""
        form = read_form(self.description)
        if form is None:
            raise ModelError("there is no earlier int8 form to widen")
        return form

    def measure(self, pictures: Iterable[Picture], about: str) -> Int8Form:
        """A form with every layer in int8. Raises InferenceError."""
        meter = RangeMeter(
            self._spec,
            self._loaded.arrays,
            num_classes=len(self.description.labels),
            input_size=self.description.input_size,
            threads=self._cores,
        )
        count = 0
        for pixels, letterbox in pictures:
            meter.see(pixels, np.array(letterbox.content_xyxy, np.int32))
            count += 1
        return Int8Form(
            tensors_sha256=self.description.sha256,
            input_size=self.description.input_size,
            pictures=count,
            calibration=about,
            kept=(),
            ranges=meter.ranges,
        )

    def choices(self, form: Int8Form, pictures: Sequence[Picture]) -> Iterator[Choice]:
        """What keeping layers in float32 is worth: none, and as long as that hurts one group after
        the other, beside those that were worth it.
        """
        step = max(1, len(pictures) // _COMPARED)
        some = pictures[::step][:_COMPARED]
        exact = answers_of(self.detector(None, least_score=SHOWN), some)

        def tried(kept: Layers) -> Choice:
            detector = self.detector(replace(form, kept=kept), least_score=SHOWN)
            return Choice(kept, agreement(exact, answers_of(detector, some)))

        best = tried(())
        yield best
        for group in self._groups():
            if best.agreement >= _GOOD:
                return
            choice = tried((*best.kept, *group))
            yield choice
            if worth_it(choice, best):
                best = choice

    def detector(self, form: Int8Form | None, *, least_score: float = _WEAKEST) -> BatchedDetector:
        """In int8, or without a form in float32, that reports even weak boxes."""
        labels = self.description.labels
        assembly = assemble(
            self._spec,
            self._loaded.arrays,
            num_classes=len(labels),
            input_size=self.description.input_size,
            form=form,
        )
        groups = self.description.group_numbers()
        selection = Selection(least_score, 0.5, 100, nms="grouped", groups=groups)
        return BatchedDetector(
            LiteRtEngine(assembly, selection, cores=self._cores, max_batch=_BATCH),
            name=self.description.architecture,
            precision="float32" if form is None else "int8",
            labels=labels,
            thresholds=(least_score,) * len(labels),
            weights_sha256=self._loaded.sha256,
            input_spec=self.input_spec,
            buckets=buckets_up_to(_BATCH),
        )

    def _groups(self) -> list[Layers]:
        """Layers that rounding is known to hurt: box edges, scores, and what sees single edges."""
        first_stage = stage_prefixes(self._spec.backbone, 2)
        return [("box_net/box-predict",), ("class_net/class-predict",), first_stage]


def worth_it(choice: Choice, before: Choice) -> bool:
    return choice.agreement - before.agreement >= _WORTH


def best_of(choices: Iterable[Choice], told: Callable[[Choice], None]) -> Choice:
    """The one to take; `told` is given each."""
    best: Choice | None = None
    for choice in choices:
        told(choice)
        if best is None or worth_it(choice, best):
            best = choice
    assert best is not None  # noqa: S101 - keeping none is always tried
    return best


def joined(form: Int8Form, earlier: Int8Form) -> Int8Form:
    """What was measured now and before, together."""
    return Int8Form(
        tensors_sha256=form.tensors_sha256,
        input_size=form.input_size,
        pictures=form.pictures + earlier.pictures,
        calibration=f"{earlier.calibration}; {form.calibration}",
        kept=(),
        ranges=widened(form.ranges, earlier.ranges),
    )
