"""Whether the labels that cameras name are labels of the model, once its weights are known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from config.errors import ConfigError, Fault, KeyPath
from config.loader import Loaded


def label_faults(loaded: Loaded, labels: Sequence[str]) -> list[Fault]:
    """A fault for every label of a camera that the model cannot report."""
    faults = []
    places: list[tuple[KeyPath, str]]
    for name, camera in loaded.config.cameras.items():
        base = ("cameras", name, "objects")
        places = [
            ((*base, "labels", n), label) for n, label in enumerate(camera.objects.labels or ())
        ]
        places += [((*base, "filters", label), label) for label in camera.objects.filters]
        record = ("cameras", name, "record", "on")
        places += [((*record, n), label) for n, label in enumerate(camera.record.on or ())]
        for kind, zones_or_lines in (("zones", camera.zones), ("lines", camera.lines)):
            for place, given in zones_or_lines.items():
                at = ("cameras", name, kind, place)
                places += [
                    ((*at, "labels", n), label) for n, label in enumerate(given.labels or ())
                ]
                places += [((*at, "filters", label), label) for label in given.filters]
        faults += [
            loaded.fault(path, _message(label, labels))
            for path, label in places
            if label not in labels
        ]
    # A label that came from `defaults` stands in the file once, however many cameras inherit it.
    return list(dict.fromkeys(faults))


def check_labels(loaded: Loaded, labels: Sequence[str]) -> None:
    """Raises ConfigError with every such fault."""
    if faults := label_faults(loaded, labels):
        raise ConfigError(tuple(faults))


def _message(label: str, labels: Sequence[str]) -> str:
    near = get_close_matches(label, labels, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(labels[:12])}"
    return f"the model has no label {label} ({hint})"
