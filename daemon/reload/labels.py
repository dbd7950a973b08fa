"""Whether the labels that cameras name are labels of the model, once its weights are known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from config.errors import ConfigError, Fault, KeyPath
from config.loader import Loaded

Places = list[tuple[KeyPath, str]]


def label_faults(loaded: Loaded, labels: Sequence[str]) -> list[Fault]:
    """A fault for every label of a camera or a webhook that the model cannot report."""
    faults: list[Fault] = []
    places: Places
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
        faults += _unknown(loaded, places, labels)
    for hook, config in loaded.config.sinks.webhook.items():
        for n, rule in enumerate(config.rules):
            rules: KeyPath = ("sinks", "webhook", hook, "rules", n, "labels")
            named: Places = [((*rules, m), label) for m, label in enumerate(rule.labels or ())]
            faults += _unknown(loaded, named, labels)
    # A label that came from `defaults` stands in the file once, however many cameras inherit it.
    return list(dict.fromkeys(faults))


def check_labels(loaded: Loaded, labels: Sequence[str]) -> None:
    """Raises ConfigError with every such fault."""
    if faults := label_faults(loaded, labels):
        raise ConfigError(tuple(faults))


def _unknown(loaded: Loaded, places: Places, labels: Sequence[str]) -> list[Fault]:
    return [
        loaded.fault(path, _message(label, labels)) for path, label in places if label not in labels
    ]


def _message(label: str, labels: Sequence[str]) -> str:
    near = get_close_matches(label, labels, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(labels[:12])}"
    return f"the model has no label {label} ({hint})"
