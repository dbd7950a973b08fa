"""The annotated file and the record beside it; a writer is used by one thread.

WriteError   a file cannot be written
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, Self, TextIO

import av
import av.container
import cv2
import numpy as np
import numpy.typing as npt

from daemon.answers.annotate import annotate
from daemon.answers.records import detection_records
from daemon.offline.following import Following, write_mot
from daemon.offline.jobs import Job
from daemon.offline.shots import Shot
from detector.detections import Detections


class WriteError(Exception):
    """The file `path` cannot be written."""

    def __init__(self, path: Path, error: Exception | None = None) -> None:
        reason = getattr(error, "strerror", None) or "the format refuses the picture"
        super().__init__(f"{path} cannot be written: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Model:
    """What a record says of the detector."""

    name: str
    labels: Sequence[str]


class Writer(Protocol):
    """Where answered pictures go, in their order. `write` and leaving it may raise WriteError."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def write(self, shot: Shot, detections: Detections) -> None: ...


def record(
    shot: Shot, detections: Detections, model: Model, numbers: Sequence[int | None] = ()
) -> dict[str, Any]:
    """What is written of one picture; `pts_s` only for a picture of a video, `track` only for an
    object that has one of `numbers`.
    """
    # JSON has no way to write a name's bytes that are no text.
    name = os.fsencode(shot.source.name).decode("utf-8", "backslashreplace")
    entry: dict[str, Any] = {"source": name}
    if shot.pts_s is not None:
        entry["pts_s"] = round(shot.pts_s, 6)
    entry["size"] = list(shot.wh)
    entry["model"] = model.name
    rows = detection_records(detections, model.labels)
    for row, number in zip(rows, numbers, strict=False):
        if number is not None:
            row["track"] = number
    entry["detections"] = rows
    return entry


class ImageWriter:
    """Still images: each one's job is found by its source."""

    def __init__(self, jobs: Sequence[Job], model: Model) -> None:
        self._jobs = {job.source: job for job in jobs}
        self._model = model

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, shot: Shot, detections: Detections) -> None:
        job = self._jobs[shot.source]
        drawn = annotate(shot.bgr, detections, self._model.labels)
        text = json.dumps(record(shot, detections, self._model), indent=1)
        try:
            job.picture.parent.mkdir(parents=True, exist_ok=True)
            job.picture.write_bytes(_encoded(drawn, job.picture))
            job.record.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise WriteError(job.picture, error) from error


def _encoded(bgr: npt.NDArray[np.uint8], path: Path) -> bytes:
    """In the format that the name's ending says; the name itself may hold any bytes."""
    try:
        done, data = cv2.imencode(path.suffix.lower(), bgr)
    except cv2.error:
        done = False
    if not done:
        raise WriteError(path)
    return data.tobytes()


class VideoWriter:
    """An H.264 video of the same size, with the same timestamps, and one JSON line per frame; with
    `following` also whose each box is, and NAME.mot.txt.
    """

    def __init__(
        self, job: Job, fps: Fraction, model: Model, following: Following | None = None
    ) -> None:
        self._following = following
        self._job = job
        self._fps = fps
        self._model = model
        self._files = ExitStack()
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._lines: TextIO | None = None

    def __enter__(self) -> Self:
        job = self._job
        try:
            job.picture.parent.mkdir(parents=True, exist_ok=True)
            self._lines = self._files.enter_context(job.record.open("w", encoding="utf-8"))
            self._container = self._files.enter_context(av.open(f"file:{job.picture}", "w"))
        except (OSError, av.FFmpegError) as error:
            self._files.close()
            raise WriteError(job.picture, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with self._files:
                if self._container is not None and self._stream is not None:
                    self._container.mux(self._stream.encode())
            if self._following is not None:
                write_mot(self._job.record.with_suffix(".mot.txt"), self._following.rows())
        except (OSError, av.FFmpegError) as error:
            raise WriteError(self._job.picture, error) from error

    def write(self, shot: Shot, detections: Detections) -> None:
        if self._container is None or self._lines is None:
            raise RuntimeError("write outside of the with block")
        if self._stream is None:
            self._stream = self._open_stream(self._container, shot)
        numbers: Sequence[int | None] = ()
        if self._following is not None:
            detections, numbers = self._following.look(
                detections,
                frame=shot.number,
                at_s=shot.pts_s or 0.0,
                size=shot.wh,
            )
        drawn = annotate(shot.bgr, detections, self._model.labels, numbers=numbers)
        stream = self._stream
        frame = av.VideoFrame.from_ndarray(drawn, "bgr24").reformat(
            stream.width, stream.height, "yuv420p"
        )
        frame.pts, frame.time_base = shot.pts, shot.time_base
        try:
            self._container.mux(stream.encode(frame))
            self._lines.write(json.dumps(record(shot, detections, self._model, numbers)) + "\n")
        except (OSError, av.FFmpegError) as error:
            raise WriteError(self._job.picture, error) from error

    def _open_stream(self, container: av.container.OutputContainer, first: Shot) -> av.VideoStream:
        width, height = first.wh
        stream = container.add_stream("libx264", rate=self._fps, options={"crf": "20"})
        stream.width, stream.height = width - width % 2, height - height % 2  # as 4:2:0 wants it
        stream.pix_fmt = "yuv420p"
        if first.time_base is not None:
            stream.codec_context.time_base = first.time_base
        return stream
