"""The thread of one camera: open, stream, lose, wait, try again, until told to stop."""

from __future__ import annotations

import logging
import random as random_module
import threading
import traceback
from collections.abc import Callable

from daemon.capture.backoff import BackOff
from daemon.capture.camera_log import CameraLog
from daemon.capture.errors import FINAL, CaptureError, Cause
from daemon.capture.intake import FrameSink, Intake
from daemon.capture.sample import OpenSource, Source
from daemon.capture.source import open_source as open_by_url
from daemon.clock import Clock
from daemon.seats.seat import Seat
from detector.letterbox import InputSpec

log = logging.getLogger(__name__)


class CameraWorker:
    """Keep the newest frame of one camera in its slot; reconnect until told to stop.

    Whatever happens to a camera stays in its thread: it costs that camera a wait, and nobody else
    anything. All its methods may be called from any thread.
    """

    def __init__(
        self,
        seat: Seat,
        *,
        input_spec: InputSpec,
        slot: FrameSink,
        clock: Clock,
        open_source: OpenSource = open_by_url,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        camera = self._camera = seat.config
        self._stopping = threading.Event()
        self._open: Callable[[InputSpec], Source] = lambda spec: open_source(
            camera, input_spec=spec, clock=clock, pause=self._stopping.wait
        )
        self._backoff = BackOff(camera.reconnect, random)
        self._log = CameraLog(seat.name, seat.status)
        self._intake = Intake(
            seat,
            input_spec=input_spec,
            slot=slot,
            camera_log=self._log,
            clock=clock,
        )
        # A daemon thread: FFmpeg cannot be interrupted before its deadline, and a process that was
        # told to stop does not wait for it longer than `join` is given.
        self._thread = threading.Thread(target=self._run, name=f"capture:{seat.name}", daemon=True)

    def start(self) -> None:
        """Begin to connect; a machine out of threads fails this camera, not the process."""
        try:
            self._thread.start()
        except RuntimeError:
            self._log.failed(CaptureError(Cause.RESOURCES, "no thread could be started"))

    def use_input(self, spec: InputSpec) -> None:
        """The detector wants its pictures like this from now on; the stream goes on."""
        self._intake.use_input(spec)

    def request_stop(self) -> None:
        """Ends every wait of ours at once; a call into FFmpeg ends at its own deadline."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; False if it is still blocked after `timeout_s`."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            error = self._stream()
            if self._stopping.is_set():
                return
            if error.kind is Cause.EOF and self._camera.url.startswith("file:"):
                self._log.played(error)
                return
            if error.kind in FINAL:
                self._log.failed(error)
                return
            self._backoff.streamed(self._intake.streamed_s)
            retry_s = self._backoff.next_s(error.kind)
            self._log.lost(error, retry_s)
            self._stopping.wait(retry_s)

    def _stream(self) -> CaptureError:
        """One connection, from open to loss: why it ended."""
        try:
            self._intake.consume(self._open, self._stopping)
        except CaptureError as error:
            return error.bare()  # it is kept until the next one: without the stream that was lost
        except MemoryError:  # what this camera held is given back now
            return CaptureError(Cause.RESOURCES, "out of memory")
        except Exception as error:
            _log_crash(self._log.camera, error)
            return CaptureError(Cause.INTERNAL, type(error).__name__)
        return CaptureError(Cause.EOF)


def _log_crash(camera: str, error: Exception) -> None:
    """Where it happened, without the exception's text: it might hold a URL with its password."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    log.error("capture crashed camera=%s error=%s\n%s", camera, type(error).__name__, where)
