"""The clips of one camera in the making: from the film to files on its shelf. Recorder's thread."""

from __future__ import annotations

from config.camera import RecordConfig
from daemon.recording.film import CLIP_WIDTH, Film
from daemon.recording.shelf import Part, Shelf
from daemon.recording.tray import RecordingCounts
from daemon.seats.sight import Sight

MOST_RUNNING = 4  # of one camera at a time; other lives get their picture alone


class Clips:
    """What cannot be written raises OSError, after it was counted; it costs that clip."""

    def __init__(self, config: RecordConfig, shelf: Shelf, counts: RecordingCounts) -> None:
        self._film = Film(config)
        self._shelf = shelf
        self._counts = counts

    def see(self, sight: Sight) -> None:
        """A picture that may become part of clips, and does of those that run."""
        self.end_over(sight.captured_s)
        bgr = sight.picture.to_bgr(CLIP_WIDTH)
        self._film.remember(bgr, sight.captured_s)
        for name in self._film.running:
            try:
                self._film.add(name, bgr, sight.captured_s)
            except Exception:
                self._abandon(name)
                raise

    def begin(self, name: str, *, since_s: float, over_s: float) -> None:
        """With what is in memory since then, and what comes until it is over."""
        if len(self._film.running) >= MOST_RUNNING:
            return
        try:
            path = self._shelf.begin(name, Part.CLIP)
            self._film.begin(name, path, since_s=since_s, over_s=over_s)
        except Exception:
            self._abandon(name)
            raise

    def shorten(self, name: str, over_s: float) -> None:
        """A clip is over by then, if it runs."""
        self._film.shorten(name, over_s)

    def end_over(self, now_s: float) -> None:
        """Keep the clips that are over by now."""
        for name in self._film.over(now_s):
            self._end(name)

    def end_all(self) -> None:
        """Keep what there is of every clip."""
        for name in self._film.running:
            self._end(name)

    def _end(self, name: str) -> None:
        try:
            with self._counts.keeping(Part.CLIP):
                self._film.end(name)
                self._shelf.keep(name, Part.CLIP)
        except Exception:
            self._shelf.discard(name, Part.CLIP)
            raise

    def _abandon(self, name: str) -> None:
        """It could not be written: what there is of it goes."""
        self._film.forget(name)
        self._counts.failed += 1
        self._shelf.discard(name, Part.CLIP)
