"""Which file is read and what is written for it: everything is refused before anything is done.

UsageError   the inputs or the output folder cannot be meant
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.files import reason

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class UsageError(Exception):
    """`what` is wrong with `subject`: a path or an option."""

    def __init__(self, subject: Path | str, what: str) -> None:
        super().__init__(f"{subject}: {what}")
        self.subject = subject


@dataclass(frozen=True, slots=True)
class Job:
    """One input: `picture` is the annotated image or video, `record` the JSON beside it."""

    source: Path
    picture: Path
    record: Path

    @property
    def is_image(self) -> bool:
        return self.source.suffix.lower() in IMAGE_SUFFIXES


def plan(inputs: Sequence[Path], out: Path) -> list[Job]:
    """Jobs in the order of `inputs`; a folder stands for all images in and below it, sorted, and
    keeps its structure. Raises UsageError.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(out, "is a file; -o takes the folder to write into")
    jobs = _jobs([(file, out / name) for path in inputs for file, name in _files(path)])
    sources = {job.source.resolve() for job in jobs}
    written: dict[Path, Path] = {}
    for job in jobs:
        for target in (job.picture, job.record):
            if target.resolve() in sources:
                raise UsageError(job.source, "would be overwritten; choose another -o")
            other = written.setdefault(target, job.source)
            if other is not job.source:
                raise UsageError(target, f"would be written for both {other} and {job.source}")
    return jobs


def _files(path: Path) -> Iterator[tuple[Path, Path]]:
    """Each file with its place below the output folder."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(path, "does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        raise UsageError(path, f"cannot be read: {reason(error)}") from None
    if not is_folder:
        yield path, Path(path.name)
        return
    images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise UsageError(path, "holds no images")
    for image in images:
        yield image, image.relative_to(path)


def _jobs(files: Sequence[tuple[Path, Path]]) -> list[Job]:
    """Names are kept whole where two would differ only in an ending that is replaced."""
    counts = Counter(_stem(target) for target in {target for _, target in files})
    return [_job(file, target, whole=counts[_stem(target)] > 1) for file, target in files]


def _stem(target: Path) -> tuple[bool, Path]:
    return target.suffix.lower() in IMAGE_SUFFIXES, target.with_suffix("")


def _job(source: Path, target: Path, *, whole: bool) -> Job:
    stem = target.name if whole else target.stem
    if source.suffix.lower() in IMAGE_SUFFIXES:
        return Job(source, target, target.with_name(f"{stem}.json"))
    return Job(source, target.with_name(f"{stem}.mp4"), target.with_name(f"{stem}.jsonl"))
