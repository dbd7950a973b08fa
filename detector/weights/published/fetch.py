"""`vedette weights fetch`: download, compare with what was received before, convert, keep."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from detector.api import ModelError
from detector.weights.description import unusable
from detector.weights.foreign.classes import LabelsError
from detector.weights.foreign.importer import Wanted, import_weights, write
from detector.weights.foreign.matching import Track
from detector.weights.published import cache
from detector.weights.published.download import (
    FetchError,
    Meter,
    Patience,
    discard,
    download,
)
from detector.weights.published.table import BASE_URL, Published

_TRAINING_DATA = (
    "COCO 2017 (labels CC BY 4.0, COCO Consortium; pictures under their Flickr authors' licences,"
    " some of them non-commercial)"
)
_LICENCE = (
    "Apache-2.0, as google/automl; for the licences of the training pictures see training_data"
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Weights that are now in the cache."""

    path: Path
    pin: cache.Pin
    first: bool  # nothing had been received under this name before


def fetch(
    published: Published,
    *,
    meter: Meter,
    track: Track = iter,
    base_url: str = BASE_URL,
    patience: Patience | None = None,
) -> Fetched:
    """Into the cache; `meter` sees bytes come, `track` tensors.

    Raises FetchError, ModelError for content that is no such model, and OSError.
    """
    url = _below(base_url, published.path)
    folder = cache.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        pin = cache.read_pin(published.name)
        archive = folder / f"{published.name}.part"
        download(url, archive, meter=meter, patience=patience)
        try:
            received = _compared(archive, url, published.name, pin)
            _convert(archive, published, received, track)
        except (FetchError, ModelError):
            discard(archive)
            raise
        if pin is None:
            cache.write_pin(published.name, received)
        discard(archive)
    return Fetched(cache.weights_file(published.name), received, pin is None)


def _compared(archive: Path, url: str, name: str, pin: cache.Pin | None) -> cache.Pin:
    """What was received, if it is what was received before. Raises FetchError."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if pin is not None and pin.sha256 != digest:
        msg = (
            f"SHA-256 is {digest}, but {pin.sha256} was received before:"
            f" remove {cache.pin_file(name)} if the change is meant"
        )
        raise FetchError(msg)
    return cache.Pin(digest, archive.stat().st_size, url)


def _convert(archive: Path, published: Published, received: cache.Pin, track: Track) -> None:
    wanted = Wanted(published.architecture, input_size=published.input_size)
    try:
        imported = import_weights(archive, wanted, track)
    except LabelsError as error:  # not COCO's classes
        raise unusable(archive, str(error)) from None
    description = replace(
        imported.description,
        training_data=_TRAINING_DATA,
        licence=_LICENCE,
        source=f"{received.url} (SHA-256 {received.sha256}, {imported.kind})",
    )
    write(cache.weights_file(published.name), replace(imported, description=description))


def _below(base_url: str, path: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise FetchError("the base URL must be http(s)://HOST/… without user and password")
    return f"{base_url.rstrip('/')}/{path}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two fetches at once would write into the same unfinished file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError("another fetch is running") from None
        yield
    finally:
        os.close(handle)
