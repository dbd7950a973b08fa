"""The pictures of objects' best moments, as sinks may ask for them: values and protocols.

The daemon keeps them only while somebody is subscribed. See `daemon.highlights`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Look:
    """How a subscriber wants its pictures: the whole picture, `width` pixels wide at most, with
    the object's own box and label on it if `boxed`; a JPEG of `most_bytes` at most, at the price
    of its quality, and then of its size.
    """

    width: int = 640
    boxed: bool = True
    most_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Highlight:
    """The picture of one object's best moment so far: the most certain one.

    `id`, `track` and `label` are those of its events; `box` is in pixels of the source picture,
    which was of `size`; `ended`: the object is gone, so no better one will come.
    """

    id: str
    camera: str
    track: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    captured_ns: int
    ended: bool
    jpeg: bytes


class Subscription(Protocol):
    """Lasts until it is closed. Any thread."""

    def of(self, object_id: str, *, wait_s: float = 0.0) -> Highlight | None:
        """The object's best picture so far, for the `id` of its events: there from its event `new`
        until a minute after its `end`. It takes up to a second after `new` until it was encoded:
        wait for it that long if need be, in a thread that may wait. None for an object that is not
        known (any more), that began before the subscription, or whose picture was given up as too
        many waited. Takes some ms: the picture is drawn in the calling thread.
        """
        ...

    def close(self) -> None:
        """The listener is not called any more once this returns; may be called again."""
        ...


Listener = Callable[[Highlight], None]


class Highlights(Protocol):
    """Where sinks get the best pictures of objects."""

    def subscribe(self, look: Look, listener: Listener | None = None) -> Subscription:
        """From now on keep the best picture of every object of every camera. Any thread.

        `listener` is called in the thread `highlights` for each object: soon after its event
        `new`; whenever a better picture came, at most once a second; and after its `end`, with
        `ended`. It must not wait: who sends puts it into a queue, the newest of each camera and
        label taking the place of the one before. What it raises is logged and costs that picture.
        """
        ...


class _Nothing:
    def of(self, object_id: str, *, wait_s: float = 0.0) -> Highlight | None:
        return None

    def close(self) -> None:
        pass


class NoHighlights:
    """Where no pictures are to be had."""

    def subscribe(self, look: Look, listener: Listener | None = None) -> Subscription:
        return _Nothing()
