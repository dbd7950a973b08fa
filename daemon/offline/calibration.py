"""Pictures that a network is measured on: of files, of labelled data, of cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from config.camera import CameraConfig
from config.hints import did_you_mean
from config.loader import load
from daemon.capture.errors import CaptureError
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, OpenSource
from daemon.capture.source import open_source as open_by_url
from daemon.clock import Clock, SystemClock
from daemon.offline.jobs import IMAGE_SUFFIXES
from daemon.seats.view import View
from detector.datasets.samples import DataError as DataError
from detector.datasets.samples import Dataset, join, open_dataset
from detector.letterbox import InputSpec, Letterbox
from detector.pictures import Pixels, letterboxed, read_stored

_FPS = 1.0  # of a camera: pictures of the same second tell nothing new
_Told = Callable[[str], None]


class NoPicturesError(Exception):
    """The pictures that were asked for are not there, or of no use; its text says why."""


@dataclass(frozen=True, slots=True)
class Material:
    """Pictures, and labels of those that have some."""

    pictures: tuple[Path, ...] = ()
    data: Dataset | None = None
    names: tuple[str, ...] = ()

    def chosen(self, most: int) -> Sequence[Path]:
        """Evenly, `most` of them."""
        count = len(self.pictures)
        if count <= most:
            return self.pictures
        return [self.pictures[number * count // most] for number in range(most)]


@dataclass(frozen=True, slots=True)
class Camera:
    name: str
    config: CameraConfig = field(repr=False)


def open_material(paths: Sequence[Path], *, split: str | None) -> Material:
    """Of pictures, folders of pictures, and labelled data. Raises DataError, NoPicturesError."""
    loose: list[Path] = []
    datasets: list[Dataset] = []
    for path in paths:
        found = _pictures_of(path)
        if found:
            loose += found
        else:
            datasets.append(open_dataset(path, split=split))
    data = join(datasets) if datasets else None
    labelled = [sample.image for sample in data.samples] if data else []
    names = tuple(
        dict.fromkeys(path.parent.name if path.is_file() else path.name for path in paths)
    )
    return Material((*loose, *labelled), data, names)


def _pictures_of(path: Path) -> list[Path]:
    """A picture, or those of a folder that holds nothing else; none for anything else."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [path]
    if not path.is_dir() or any((path / name).is_dir() for name in ("Annotations", "annotations")):
        return []
    if any(path.glob("*.json")):
        return []
    files = (file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(file for file in files if file.is_file())


def read_pictures(
    paths: Iterable[Path], spec: InputSpec, lost: _Told
) -> Iterator[tuple[Pixels, Letterbox]]:
    """As the detector is shown them; `lost` is given those that cannot be decoded."""
    for path in paths:
        bgr = read_stored(path)
        if bgr is None:
            lost(f"{path} cannot be decoded")
            continue
        letterbox = Letterbox.fit((bgr.shape[1], bgr.shape[0]), spec)
        yield letterboxed(bgr, letterbox, spec), letterbox


def open_cameras(stated: Sequence[str]) -> list[Camera]:
    """Of CONFIG or CONFIG:NAME. Raises ConfigError, NoPicturesError."""
    cameras = []
    for each in stated:
        path, _, name = (each, "", "") if Path(each).exists() else each.rpartition(":")
        config = load(Path(path or each)).config
        if name and name not in config.cameras:
            msg = f"--camera {each}: there is no camera {name}{did_you_mean(name, config.cameras)}"
            raise NoPicturesError(msg)
        cameras += [
            Camera(key, camera)
            for key, camera in config.cameras.items()
            if key == name or (not name and camera.enabled)
        ]
    return cameras


def frames_of(
    camera: Camera,
    spec: InputSpec,
    most: int,
    *,
    clock: Clock | None = None,
    open_source: OpenSource = open_by_url,
) -> Iterator[tuple[Pixels, Letterbox]]:
    """One a second, until there are `most` or the stream ends. Raises NoPicturesError where the
    camera gives none; waits no longer than the camera's own timeouts.
    """
    clock = clock or SystemClock()
    view = View.of(camera.config.detect)
    seen = 0
    try:
        with closing(
            open_source(camera.config, input_spec=spec, clock=clock, pause=threading.Event().wait)
        ) as source:
            live = source.info.transport != "file"
            pacer = Pacer(_FPS, live=live)
            samples = (each for each in source.samples(pacer) if not isinstance(each, Lost))
            wanted = (each for each in samples if pacer.take(each.pts_s, clock.now_s()))
            for sample in islice(wanted, most):
                seen += 1
                yield sample.scale(view.part(sample.wh))
    except CaptureError as error:
        if seen == 0:
            msg = f"camera {camera.name} gives no picture: {error}"
            raise NoPicturesError(msg) from None
