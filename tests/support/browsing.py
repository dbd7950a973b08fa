"""What tests of the pages in a browser share: cameras that deliver, recordings, messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import numpy as np

from config.camera import RecordConfig
from daemon.answers.annotate import encode_jpeg
from daemon.recording.film import Film
from daemon.recording.shelf import Part, Shelf, name_of
from sinks.envelope import Envelope
from sinks.messages import Detection, DetectionMessage, LatencyMs, json_line
from tests.support.browser import Chromium
from tests.support.pictures import PaintedPicture
from tests.support.site import Site
from tests.support.waiting import until

CAMERAS = ("gate", "yard", "dock", "hall", "roof")


@contextmanager
def filming(site: Site, cameras: Sequence[str] = CAMERAS) -> Iterator[None]:
    """Every camera delivers ten pictures a second, each of another shade."""
    over = threading.Event()

    def film() -> None:
        shade = 0
        while not over.wait(0.1):
            shade = (shade + 40) % 240
            for camera in cameras:
                site.see(camera, picture=PaintedPicture(shade, 320, 240))

    thread = threading.Thread(target=film, name="filming")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_changing(browser: Chromium, selector: str) -> bool:
    """Whether three different pictures come, one after the other."""
    seen: set[tuple[int, ...]] = set()

    def another() -> bool:
        width, pixels = browser.picture(selector)
        if width > 0:
            seen.add(tuple(pixels))
        return len(seen) >= 3

    with suppress(AssertionError):
        until(another, 10)
    return len(seen) >= 3


def tile(camera: str, part: str) -> str:
    return f'[data-camera="{camera}"] {part}'


def detection(camera: str, *labels: str) -> Envelope:
    found = tuple(Detection(label, 0, 0.91, (1.0, 2.0, 30.0, 40.0)) for label in labels)
    message = DetectionMessage(
        epoch="9f3c",
        node="lodge",
        camera=camera,
        seq=1,
        status="ok",
        captured_ns=1_795_000_000_000_000_000,
        time_source="wallclock",
        pts_s=None,
        size=(64, 48),
        model="fake",
        latency_ms=LatencyMs(1.0, 2.0),
        detections=found,
    )
    return Envelope(message, time.monotonic())


def film_clip(path: Path) -> None:
    film = Film(RecordConfig(clips=True))
    film.begin("clip", path, since_s=0.0, over_s=1.0)
    for n in range(5):
        film.add("clip", np.full((120, 160, 3), n * 50, np.uint8), n * 0.2)
    film.end("clip")


class Tape:
    """Recordings of one camera, a second apart."""

    def __init__(
        self, site: Site, camera: str, folder: Path, size: tuple[int, int] = (160, 90)
    ) -> None:
        self.shelf = site.shelves[camera] = Shelf(folder / camera)
        self._camera = camera
        self._jpeg = encode_jpeg(np.full((size[1], size[0], 3), 90, np.uint8))

    def record(self, seconds: int, label: str = "person") -> str:
        name = name_of(1_795_000_000_000_000_000 + seconds * 10**9)
        for part in (Part.THUMBNAIL, Part.PICTURE, Part.BOXES):
            self.shelf.write(name, part, self._jpeg)
        message = msgspec.structs.replace(
            detection(self._camera, label).message,
            captured_ns=1_795_000_000_000_000_000 + seconds * 10**9,
        )
        self.shelf.write(name, Part.MESSAGE, json_line(message))
        return name
