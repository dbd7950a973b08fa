"""What a new configuration means for a daemon that runs with another one. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from config.camera import CameraConfig, CameraFields, ObjectsConfig, RecordConfig
from config.checks import ONLY_FOR
from config.schema import Config, ModelConfig, SinksConfig
from config.urls import scheme_of
from config.zones import TrackingConfig
from daemon.seats.rules import lowest_scores, weakest_share


@dataclass(frozen=True, slots=True)
class CameraChanges:
    """Cameras by name, in the order of their file. One that is named nowhere is as it was."""

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()  # opened anew: what its stream depends on is different
    retuned: tuple[str, ...] = ()  # other rules or another priority; the stream goes on


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that has to be done; false where that is nothing."""

    cameras: CameraChanges = CameraChanges()
    sinks: tuple[str, ...] = ()  # names of those that change, come or go
    detector: bool = False  # another one must be built
    batching: bool = False
    recordings: bool = False
    http: bool = False
    log: bool = False

    def __bool__(self) -> bool:
        return self != Changes()

    def __str__(self) -> str:
        """For the log: `added=a,b restarted=c detector=changed`."""
        words = [
            f"{field.name}={','.join(names)}"
            for field in fields(self.cameras)
            if (names := getattr(self.cameras, field.name))
        ]
        words += [f"sinks={','.join(self.sinks)}"] if self.sinks else []
        sections = ("detector", "batching", "recordings", "http", "log")
        return " ".join([*words, *(f"{name}=changed" for name in sections if getattr(self, name))])


def diff(old: Config, new: Config, *, given_up: Collection[str] = ()) -> Changes:
    """What leads from `old` to `new`; cameras that have given up are tried again."""
    return Changes(
        cameras=_tuned(
            camera_changes(old.cameras, new.cameras, given_up=given_up),
            new,
            all_kept=old.model.score_threshold != new.model.score_threshold,
        ),
        sinks=tuple(
            name
            for name in SinksConfig.model_fields
            if getattr(old.sinks, name) != getattr(new.sinks, name)
        ),
        detector=_needs_other_detector(old, new),
        batching=old.batching != new.batching,
        recordings=old.recordings != new.recordings,
        http=old.http != new.http,
        log=old.log != new.log,
    )


def camera_changes(
    old: Mapping[str, CameraConfig],
    new: Mapping[str, CameraConfig],
    *,
    given_up: Collection[str] = (),
) -> CameraChanges:
    """What leads from these cameras to those."""
    kept = [name for name in new if name in old]
    restarted = [
        name for name in kept if name in given_up or _stream(old[name]) != _stream(new[name])
    ]
    return CameraChanges(
        removed=tuple(name for name in old if name not in new),
        added=tuple(name for name in new if name not in old),
        restarted=tuple(restarted),
        retuned=tuple(
            name
            for name in kept
            if name not in restarted and _rules(old[name]) != _rules(new[name])
        ),
    )


def _tuned(changes: CameraChanges, new: Config, *, all_kept: bool) -> CameraChanges:
    if not all_kept:
        return changes
    others = {*changes.added, *changes.restarted}
    return CameraChanges(
        changes.removed,
        changes.added,
        changes.restarted,
        tuple(name for name in new.cameras if name not in others),
    )


def _rules(camera: CameraConfig) -> tuple[object, ...]:
    """What may change while the stream goes on."""
    return (
        camera.objects,
        camera.tracking,
        camera.zones,
        camera.lines,
        camera.record,
        camera.detect.roi,
        camera.detect.crop,
        camera.detect.tiles,
        camera.priority,
    )


def _stream(camera: CameraConfig) -> CameraConfig:
    """The camera with all else set to its default, so that a field of the future restarts it."""
    if not camera.enabled:
        return CameraConfig(url="synthetic://disabled", enabled=False)
    idle = {
        name: CameraFields.model_fields[name].get_default(call_default_factory=True)
        for name, schemes in ONLY_FOR.items()
        if scheme_of(camera.url) not in schemes
    }
    detect = camera.detect.model_copy(update={"roi": None, "crop": None, "tiles": None})
    return camera.model_copy(
        update=idle
        | {
            "objects": ObjectsConfig(),
            "tracking": TrackingConfig(),
            "zones": {},
            "lines": {},
            "record": RecordConfig(),
            "detect": detect,
            "priority": 1,
        }
    )


def _needs_other_detector(old: Config, new: Config) -> bool:
    """A detector that keeps weaker boxes than are asked for now does as well: rules drop them."""

    def network(config: Config) -> tuple[ModelConfig, int]:
        return config.model.model_copy(update={"score_threshold": 0}), config.batching.max_batch

    return network(old) != network(new) or _weaker_wanted(old, new)


def _weaker_wanted(old: Config, new: Config) -> bool:
    """Whether a label may be wanted from a lower score than before. What the weights have for their
    own thresholds is not known here, so any change to or from those counts.
    """
    before, now = old.model.score_threshold, new.model.score_threshold
    if (before is None) is not (now is None):
        return True
    if before is not None and now is not None and now < before:
        return True
    if weakest_share(new.cameras.values()) < weakest_share(old.cameras.values()):
        return True
    kept, wanted = (lowest_scores(config.cameras.values()) for config in (old, new))
    usual = math.inf if before is None else before
    return any(score < min(usual, kept.get(label, usual)) for label, score in wanted.items())
