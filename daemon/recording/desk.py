"""One camera's recordings in the making: pictures, message and clip of an event. Recorder's thread.

Whatever cannot be written raises OSError, after it was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from config.camera import RecordConfig
from daemon.answers.annotate import annotate, encode_jpeg
from daemon.books.reports import Deletion, RecordingReport
from daemon.clock import Clock
from daemon.highlights.cabinet import Best
from daemon.highlights.develop import JpegPicture, close_up
from daemon.recording.calendar import DAY_NS, Calendar
from daemon.recording.chronicle import Chronicle
from daemon.recording.clips import Clips
from daemon.recording.film import CONFIRMED_S
from daemon.recording.inbox import Ending, Moment
from daemon.recording.shelf import Part, Shelf, name_of
from daemon.recording.tray import RecordingCounts
from daemon.seats.sight import Sight
from daemon.tracking.happenings import Box
from sinks.envelope import Envelope, stamped
from sinks.messages import DetectionMessage, json_line

THUMBNAIL_WIDTH = 320
QUALITY = 90
# For their age one look deletes no more: should the clock be wrong all the same, somebody sees it.
LEAST_PRUNED = 20
PRUNED_SHARE = 0.02


class Desk:
    """Takes what the recorder gets of one camera. `report` may be called from any thread."""

    def __init__(
        self,
        config: RecordConfig,
        shelf: Shelf,
        counts: RecordingCounts,
        *,
        clock: Clock,
        calendar: Calendar,
        best: Callable[[str], Best | None],
    ) -> None:
        self.config = config
        self.shelf = shelf
        self.counts = counts
        self._clock = clock
        self._calendar = calendar
        self._clips = Clips(config, shelf, counts)
        self._chronicle = Chronicle(self._write, best, clock)

    def take(self, moment: Moment) -> None:
        """Record an event, or a picture that belongs to a clip."""
        if self.config.clips:
            self._clips.see(moment.sight)
        if not moment.is_event:
            return
        at_s, life, clip = moment.sight.captured_s, moment.life, self.config.clip
        # By our own clock: that of a camera may be years off, and is in the message.
        name = self.shelf.free_name(self._calendar.wall_ns(at_s), life.id if life else "")
        if life is None:
            self._write(name, moment.sight, moment.message)
        else:
            self._chronicle.begin(name, moment)
        if self.config.clips:
            came_s = at_s if life is None else max(life.since_s, at_s - CONFIRMED_S)
            since_s = came_s - clip.before_s
            over_s = at_s + clip.after_s if life is None else since_s + clip.max_s
            self._clips.begin(name, since_s=since_s, over_s=over_s)
        self.make_room()

    def end_life(self, ending: Ending) -> None:
        """An object is gone: so are the seconds after it, soon."""
        if name := self._chronicle.name(ending.id):
            self._clips.shorten(name, ending.at_s + self.config.clip.after_s)
        self._chronicle.end(ending.id)

    def turn(self, silent_s: float) -> None:
        """Write what is due; clips are over that were to end by `silent_s`."""
        self._clips.end_over(silent_s)
        self._chronicle.turn()

    def close(self) -> None:
        """Keep what there is."""
        try:
            self._clips.end_all()
        finally:
            self._chronicle.close()

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

    def _write(
        self,
        name: str,
        sight: Sight,
        message: DetectionMessage,
        *,
        fresh: bool = True,
        box: Box | None = None,
    ) -> None:
        """The message comes last: with it the recording is complete. One that is not `fresh` was
        counted already. The thumbnail shows what is in the `box`.
        """
        files = dict(self._pictures(sight, box))
        sent = stamped(
            Envelope(message, sight.captured_s),
            wall_ns=self._clock.wall_ns(),
            now_s=self._clock.now_s(),
        )
        files[Part.MESSAGE] = json_line(sent)
        with self.counts.keeping(*(files if fresh else ())):
            self.shelf.write_all(name, files)

    def _pictures(self, sight: Sight, box: Box | None) -> Iterator[tuple[Part, bytes]]:
        picture = sight.picture
        if box is None:
            yield Part.THUMBNAIL, encode_jpeg(picture.to_bgr(THUMBNAIL_WIDTH))
        if box is None and not self.config.snapshots:
            return
        bgr = picture.to_bgr()
        if box is not None:
            shown = np.array(box) * (bgr.shape[1] / sight.source_wh[0])
            yield Part.THUMBNAIL, encode_jpeg(close_up(bgr, shown.tolist(), THUMBNAIL_WIDTH))
        if self.config.snapshots:
            kept = picture.jpeg if isinstance(picture, JpegPicture) else encode_jpeg(bgr, QUALITY)
            yield Part.PICTURE, kept
            yield Part.BOXES, encode_jpeg(annotate(bgr, sight.detections, sight.labels), QUALITY)
