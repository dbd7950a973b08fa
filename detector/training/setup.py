"""From settings to everything that a run needs: data, network, objective, examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from detector.datasets.samples import DataError, Dataset, Fault, Sample, join, open_dataset
from detector.models import Model, find_model
from detector.networks.backbone import stage_prefixes
from detector.networks.ops import Tensor
from detector.training.augmentation import Augmentation
from detector.training.automl import AutomlOptions
from detector.training.examples import Examples, read, repeat_weights
from detector.training.initial import Start, starting_point, usual_input_size
from detector.training.learner import Learner
from detector.training.objectives import objective_for
from detector.training.rates import Rates
from detector.training.settings import Settings

_AUTOML_DECAY, _YOLO_DECAY = 4e-5, 5e-4


@dataclass(frozen=True, slots=True)
class Setup:
    """Read, checked, and the same whenever it is made from the same settings and data."""

    settings: Settings
    model: Model
    data: Dataset
    dev: Dataset | None
    examples: Examples
    input_size: int

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.examples) // self.settings.batch)

    @property
    def steps(self) -> int:
        return max(1, round(self.settings.epochs * self.steps_per_epoch))

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.data.faults + (self.dev.faults if self.dev else ())


def prepare(settings: Settings) -> Setup:
    """Read the data. Raises DataError, ModelError."""
    model = find_model(settings.model, settings.chosen_dialect)
    data = _read(settings.data, settings.split, settings.classes)
    labels = data.labels
    dev = _read(settings.dev, settings.dev_split, labels) if settings.dev else None
    input_size = settings.input_size or usual_input_size(settings.model, settings.init, model)
    examples = Examples(
        data.samples,
        model.spec.pixels.input_spec(input_size),
        _augmentation(settings),
        seed=settings.seed,
        weights=repeat_weights(data.samples, len(labels), threshold=settings.rare),
        whole_from=_whole_from(settings, len(data.samples)),
    )
    if len(data.samples) < settings.batch:
        msg = f"{len(data.samples)} pictures are fewer than a batch of {settings.batch}"
        raise DataError(settings.data[0], msg)
    return Setup(settings, model, data, dev, examples, input_size)


def learner_for(setup: Setup) -> tuple[Learner, str]:
    """The network at its start, and where that comes from. Raises ModelError."""
    settings, labels = setup.settings, setup.data.labels
    start: Start = starting_point(setup.model, settings.model, labels, settings.init, settings.seed)
    objective = objective_for(
        settings.chosen_dialect,
        setup.model.spec,
        num_classes=len(labels),
        input_size=setup.input_size,
        options=_options(settings),
    )
    learner = Learner(
        setup.model.family(len(labels), setup.input_size),
        start.arrays,
        objective,
        _rates(setup),
        norm=settings.norm,
        frozen_prefixes=stage_prefixes(setup.model.spec.backbone, settings.frozen_stages),
        precision=settings.precision,
        penalty=_penalty(settings),
        strategy=_strategy(),
    )
    return learner, start.origin


def automl_penalty(variables: Mapping[str, Tensor]) -> Tensor:
    """What large kernels cost in google/automl: of every kernel, by name of variable."""
    kernels = [value for name, value in variables.items() if name.endswith("kernel")]
    return _AUTOML_DECAY * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])  # Σw² / 2


def yolo_penalty(variables: Mapping[str, Tensor]) -> Tensor:
    """What they cost in EfficientNet-YOLOv3: of the kernels after the backbone. The article's
    EfficientDet has no such part.
    """
    kernels = [v for k, v in variables.items() if k.startswith("yolo/") and k.endswith("kernel")]
    return 2 * _YOLO_DECAY * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])


def _strategy() -> tf.distribute.Strategy | None:
    """Every GPU takes its part of a batch, where there are several."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy(gpus) if len(gpus) > 1 else None


def _read(paths: Sequence[Path], split: str | None, labels: Sequence[str] | None) -> Dataset:
    """Only pictures that can be decoded: better to know before hours of training."""
    data = join([open_dataset(path, split=split, labels=labels) for path in paths])
    with ThreadPoolExecutor(thread_name_prefix="checking") as pool:
        whole = list(pool.map(_decodes, data.samples))
    kept = tuple(sample for sample, fine in zip(data.samples, whole, strict=True) if fine)
    broken = [
        Fault(sample.image, "cannot be decoded")
        for sample, fine in zip(data.samples, whole, strict=True)
        if not fine
    ]
    return replace(data, samples=kept, faults=(*data.faults, *broken))


def _decodes(sample: Sample) -> bool:
    try:
        read(sample)
    except OSError:
        return False
    return True


def _options(settings: Settings) -> AutomlOptions | None:
    if settings.is_yolo or not settings.chosen_dialect.startswith("automl"):
        return None
    return AutomlOptions(
        settings.matching, settings.label_smoothing, settings.iou_loss, settings.class_loss
    )


def _penalty(settings: Settings) -> Callable[[Mapping[str, Tensor]], Tensor] | None:
    if not settings.penalty:
        return None
    return yolo_penalty if settings.is_yolo else automl_penalty


def _whole_from(settings: Settings, pictures: int) -> int | None:
    """Number of the first example that is no mosaic, nor any after it."""
    if not settings.close_mosaic:
        return None
    return round((1 - settings.close_mosaic) * settings.epochs * pictures)


def _augmentation(settings: Settings) -> Augmentation:
    return Augmentation(
        scale=(settings.scale_min, settings.scale_max),
        aspect=settings.aspect,
        flip=settings.flip,
        mosaic=settings.mosaic,
        colour=settings.colour,
        degrade=settings.degrade,
        min_visible=settings.min_visible,
    )


def _rates(setup: Setup) -> Rates:
    settings = setup.settings

    def steps(epochs: float) -> int:
        return round(epochs * setup.steps_per_epoch)

    return Rates(
        steps=setup.steps,
        warmup_steps=steps(settings.warmup_epochs),
        peak=settings.learning_rate,
        backbone=settings.backbone_rate,
        backbone_from=steps(settings.freeze_epochs),
        optimizer=settings.optimizer,
        weight_decay=0.0 if settings.penalty else settings.weight_decay,
        clip_norm=settings.clip_norm,
        average=settings.average,
        accumulate=settings.accumulate,
        schedule=settings.schedule,
        epoch_steps=setup.steps_per_epoch,
    )
