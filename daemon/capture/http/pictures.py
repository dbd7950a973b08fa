"""The pictures of a web address: the parts of one endless answer, or the same question again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.client import Answer, Client, Question
from daemon.capture.http.multipart import MOST_PART, Part, Parts, boundary_of
from daemon.capture.sample import Pause
from daemon.clock import Clock

MOST_FPS = 240  # pictures a second that are read: twice the highest detect.fps
QUESTION = Question(accept="multipart/x-mixed-replace, image/jpeg, */*;q=0.5")

_CLUMP_S = 0.1  # pictures of so long a time may come at once
_JPEG = b"\xff\xd8"
_JPEG_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg"})
_PLAYLIST_TYPES = frozenset(
    {
        "application/vnd.apple.mpegurl",
        "application/x-mpegurl",
        "application/mpegurl",
        "audio/mpegurl",
        "audio/x-mpegurl",
    }
)
_SAFE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}")


class Kind(Enum):
    """What a web address turned out to be; the value is the `transport` of its stream."""

    STREAM = "http"  # pictures one after the other in one answer
    STILL = "http_still"  # one picture for each question
    PLAYLIST = "hls"


@dataclass(frozen=True, slots=True)
class Jpeg:
    """One picture as it came; `taken_s` is the camera's own time, where it tells."""

    data: bytes = field(repr=False)
    taken_s: float | None = None


class Pictures:
    """Iterate once; ends where the other side ends a stream. One thread.

    Raises CaptureError, and OSError, as its client does.
    """

    def __init__(
        self, client: Client, answer: Answer, kind: Kind, *, clock: Clock, pause: Pause
    ) -> None:
        self._client = client
        self._answer = answer
        self._kind = kind
        self._clock = clock
        self._pause = pause

    def come(self, *, every_s: float, within_s: float) -> Iterator[Jpeg]:
        """A still picture is asked for every `every_s`; each picture has `within_s` to come."""
        patience, place = self._client.patience, self._answer.place
        brake = _Brake(self._clock)
        due_s = self._clock.now_s()
        while True:
            count = 0
            patience.allow(within_s)
            for jpeg in self._answered():
                count += 1
                yield jpeg
                if (wait_s := brake.passed()) and self._pause(wait_s):
                    return
                patience.allow(within_s)
            # Some end their stream after each picture.
            if self._kind is Kind.STREAM and count != 1:
                return
            now_s = self._clock.now_s()
            due_s = max(now_s, due_s + every_s)
            if self._pause(due_s - now_s):
                return
            patience.allow(within_s)
            self._answer = self._client.ask(place, QUESTION)
            self._kind = kind_of(self._answer)

    def _answered(self) -> Iterator[Jpeg]:
        if self._kind is Kind.STILL:
            yield Jpeg(self._answer.whole(MOST_PART))
        elif self._kind is Kind.STREAM:
            yield from self._streamed()

    def _streamed(self) -> Iterator[Jpeg]:
        parts = Parts(boundary_of(self._answer.content_type))
        try:
            while data := self._answer.some():
                parts.feed(data)
                while (part := parts.take()) is not None:
                    if _may_be_picture(part):
                        yield _jpeg_of(part)
        except TimeoutError:
            if not parts.begun:
                raise
            raise CaptureError(Cause.TIMEOUT, "a picture has begun and does not end") from None
        last = parts.rest()
        if last is not None and last.body.startswith(_JPEG):
            yield _jpeg_of(last)


class _Brake:
    """Who sends pictures as fast as the network takes them waits: reading them takes a core that
    others need. One thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_s = clock.now_s()  # of the next picture at that pace

    def passed(self) -> float:
        """One more picture; how long to wait before the next, mostly 0."""
        now_s = self._clock.now_s()
        self._due_s = max(self._due_s, now_s - _CLUMP_S) + 1 / MOST_FPS
        return max(0.0, self._due_s - now_s)


def kind_of(answer: Answer) -> Kind:
    """By its content type; where that says nothing, by its first bytes. Raises CaptureError for
    what holds no pictures that are known here.
    """
    said = answer.content_type.partition(";")[0].strip().lower()
    if said.startswith("multipart/"):
        return Kind.STREAM
    if said in _JPEG_TYPES:
        return Kind.STILL
    if said in _PLAYLIST_TYPES or answer.place.is_playlist:
        return Kind.PLAYLIST
    begin = answer.peek()
    if begin.startswith(_JPEG):
        return Kind.STILL
    if begin.startswith(b"--"):
        return Kind.STREAM
    if begin.startswith(b"#EXTM3U"):
        return Kind.PLAYLIST
    if said in ("text/html", "application/xhtml+xml"):
        raise CaptureError(Cause.NO_VIDEO, "it answers with a web page, not with a picture")
    if not begin:
        raise CaptureError(Cause.NO_VIDEO, "its answer is empty")
    named = said if _SAFE.fullmatch(said) else "something unnamed"
    raise CaptureError(Cause.CODEC, f"it sends {named}, not JPEG, MJPEG or HLS")


def _may_be_picture(part: Part) -> bool:
    """Streams hold notes in text too, and some name no type."""
    said = part.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said in _JPEG_TYPES or part.body.startswith(_JPEG)


def _jpeg_of(part: Part) -> Jpeg:
    said = part.headers.get("x-timestamp", "")
    known = re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", said)
    return Jpeg(part.body, float(said) if known else None)
