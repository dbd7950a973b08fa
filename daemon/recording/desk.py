"""One camera's recordings in the making: pictures, message and clip of an event. Recorder's thread.

Whatever cannot be written raises OSError, after it was counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.camera import RecordConfig
from daemon.answers.annotate import annotate, encode_jpeg
from daemon.books.reports import Deletion, RecordingReport
from daemon.clock import Clock
from daemon.recording.calendar import DAY_NS, Calendar
from daemon.recording.film import CLIP_WIDTH, Film
from daemon.recording.inbox import Moment
from daemon.recording.shelf import Part, Shelf, name_of
from daemon.recording.tray import RecordingCounts
from daemon.seats.sight import Sight
from sinks.messages import Envelope, json_line, stamped

THUMBNAIL_WIDTH = 320
QUALITY = 90
# For their age one look deletes no more: should the clock be wrong all the same, somebody sees it.
LEAST_PRUNED = 20
PRUNED_SHARE = 0.02


class Desk:
    """Takes the moments of one camera. `report` may be called from any thread."""

    def __init__(
        self,
        config: RecordConfig,
        shelf: Shelf,
        counts: RecordingCounts,
        *,
        clock: Clock,
        calendar: Calendar,
    ) -> None:
        self.config = config
        self.shelf = shelf
        self.counts = counts
        self._clock = clock
        self._calendar = calendar
        self._film = Film(config.clip)
        self._filmed = ""  # name of the recording whose clip runs

    def take(self, moment: Moment) -> None:
        """Record an event, or a picture that belongs to a clip."""
        sight = moment.sight
        if self.config.clips:
            self.end_clip(sight.captured_s)
            self._film_on(sight)
        if moment.is_event:
            name = self._write(moment)
            if self.config.clips:
                self._begin_clip(name, sight.captured_s)
            self.make_room()

    def end_clip(self, now_s: float | None = None) -> None:
        """Keep the clip that runs if it is over by now; in any case where no time is given."""
        if not self._filmed or (now_s is not None and not self._film.is_over(now_s)):
            return
        name, self._filmed = self._filmed, ""
        try:
            with self.counts.keeping(Part.CLIP):
                self._film.end()
                self.shelf.keep(name, Part.CLIP)
        except Exception:
            self.shelf.discard(name, Part.CLIP)
            raise

    def tidy(self) -> None:
        """Remove what is too much, and what is too old where the clock may be believed; once a
        minute, with a line in the log where anything went since the last time.
        """
        self.make_room()
        if self._calendar.is_believed:
            kept_ns = int(self.config.keep_days * DAY_NS)
            pruned = self.shelf.prune(
                oldest=name_of(self._clock.wall_ns() - kept_ns),
                since_s=self._clock.now_s() - kept_ns / 1e9,
                at_most=max(LEAST_PRUNED, int(self.shelf.count * PRUNED_SHARE)),
            )
            self.counts.deleted(Deletion.AGE, pruned)
        self.counts.tell_deleted(self.shelf.folder.name)

    def make_room(self) -> None:
        """Remove what is more than `max_gb`."""
        future_ns = self._clock.wall_ns() + DAY_NS
        tomorrow = name_of(future_ns) if self._calendar.is_believed else "~"
        removed = self.shelf.make_room(self.config.max_gb * 1e9, tomorrow=tomorrow)
        self.counts.deleted(Deletion.SIZE, removed)

    def report(self, missed: int) -> RecordingReport:
        return RecordingReport(
            snapshots=self.counts.kept[Part.PICTURE],
            clips=self.counts.kept[Part.CLIP],
            failed=self.counts.failed,
            missed=missed,
            stored=self.shelf.count,
            stored_bytes=self.shelf.size,
            deleted=dict(self.counts.deletions),
        )

    def _film_on(self, sight: Sight) -> None:
        try:
            self._film.add(sight.picture.to_bgr(CLIP_WIDTH), sight.captured_s)
        except Exception:
            self._abandon_clip()
            raise

    def _begin_clip(self, name: str, at_s: float) -> None:
        self._filmed = name
        try:
            self._film.begin(self.shelf.begin(name, Part.CLIP), at_s)
        except Exception:
            self._abandon_clip()
            raise

    def _abandon_clip(self) -> None:
        """It could not be written: what there is of it goes."""
        name, self._filmed = self._filmed, ""
        self._film = Film(self.config.clip)
        if name:
            self.counts.failed += 1
            self.shelf.discard(name, Part.CLIP)

    def _write(self, moment: Moment) -> str:
        """The message is written last: with it the recording is complete."""
        pictures = list(self._pictures(moment.sight))
        envelope = Envelope(moment.message, moment.sight.captured_s)
        message = stamped(envelope, wall_ns=self._clock.wall_ns(), now_s=self._clock.now_s())
        # By our own clock: that of a camera may be years off, and is in the message.
        name = self.shelf.free_name(self._calendar.wall_ns(moment.sight.captured_s))
        files = [*pictures, (Part.MESSAGE, json_line(message))]
        with self.counts.keeping(*(part for part, _ in files)):
            for part, content in files:
                self.shelf.write(name, part, content)
        return name

    def _pictures(self, sight: Sight) -> Iterator[tuple[Part, bytes]]:
        yield Part.THUMBNAIL, encode_jpeg(sight.picture.to_bgr(THUMBNAIL_WIDTH))
        if self.config.snapshots:
            bgr = sight.picture.to_bgr()
            yield Part.PICTURE, encode_jpeg(bgr, QUALITY)
            yield Part.BOXES, encode_jpeg(annotate(bgr, sight.detections, sight.labels), QUALITY)
