"""A camera's changes of state, noted and, once each, logged."""

from __future__ import annotations

import logging
import time

from daemon.books.states import CameraState, CameraStatus, Status, StreamInfo, Tampering
from daemon.capture.errors import CaptureError, Cause

log = logging.getLogger(__name__)


class CameraLog:
    """Speaks for one camera, from its thread. A camera that stays lost is not news: the log
    hears of it again only when the reason changes.
    """

    def __init__(self, camera: str, status: Status) -> None:
        self.camera = camera
        self._status = status
        self._logged_reason = ""
        self._told_unfit = False  # of this stream

    def connecting(self) -> None:
        self._status.change(CameraState.CONNECTING)

    def awaiting_keyframe(self, timeout_s: float) -> None:
        """Pictures come that build on one that was sent before we joined."""
        if self._status.now().reason == Cause.NO_KEYFRAME.value:
            return
        self._status.change(CameraState.CONNECTING, reason=Cause.NO_KEYFRAME.value)
        log.info(
            "camera sends pictures, waiting for a keyframe camera=%s state=connecting"
            " keyframe_timeout_s=%g",
            self.camera,
            timeout_s,
        )

    def arrived(self, now_s: float, wall_ns: int) -> None:
        """A frame came; ends a stall that somebody else has noted."""
        self._status.frame_arrived(now_s, wall_ns)
        if self._status.state is CameraState.STALLED:
            self._status.change(CameraState.STREAMING)

    def judged(self, tampering: Tampering | None) -> None:
        """What the newest look at an open stream's pictures found wrong with them, if anything."""
        state = self._status.state
        if tampering is not None and state.is_up:
            known = self._status.now()
            if known.reason == tampering.value:
                return
            self._status.change(CameraState.TAMPERED, reason=tampering.value)
            log.warning(
                "camera tampered with camera=%s state=tampered reason=%s",
                self.camera,
                tampering.value,
            )
        elif tampering is None and state is CameraState.TAMPERED:
            self._status.change(CameraState.STREAMING)
            log.info("camera shows its usual view again camera=%s state=streaming", self.camera)

    def streaming(self, stream: StreamInfo, *, wanted_decoder: str) -> None:
        self._status.change(CameraState.STREAMING, stream=stream)
        self._logged_reason = ""
        self._told_unfit = False
        log.info(
            "camera streaming camera=%s state=streaming codec=%s size=%dx%d fps=%s transport=%s"
            " decoder=%s",
            self.camera,
            stream.codec,
            stream.width,
            stream.height,
            "?" if stream.fps is None else f"{stream.fps:g}",
            stream.transport,
            stream.decoder,
        )
        if wanted_decoder != "none" and stream.decoder == "software":
            log.warning(
                "no hardware decoder, decoding in software camera=%s hwaccel=%s",
                self.camera,
                wanted_decoder,
            )

    def unfit(self, error: Exception) -> None:
        """A picture cannot be made the detector's input; the first of a stream is told."""
        if not self._told_unfit:
            self._told_unfit = True
            log.warning(
                'picture left out camera=%s reason=preprocess_error detail="%s"',
                self.camera,
                str(error) or type(error).__name__,
            )

    def lost(self, error: CaptureError, retry_s: float) -> None:
        self._status.change(
            CameraState.BACKOFF, reason=error.kind.value, retry_s=retry_s, detail=error.detail
        )
        known = error.kind.value == self._logged_reason
        self._logged_reason = error.kind.value
        log.log(
            logging.DEBUG if known else logging.WARNING,
            "camera lost camera=%s state=backoff reason=%s retry_s=%.1f no_picture_since=%s%s",
            self.camera,
            error.kind.value,
            retry_s,
            last_picture(self._status.now()),
            _detail(error),
        )

    def failed(self, error: CaptureError) -> None:
        self._status.change(CameraState.FAILED, reason=error.kind.value, detail=error.detail)
        log.error(
            "camera failed camera=%s state=failed reason=%s%s",
            self.camera,
            error.kind.value,
            _detail(error),
        )

    def played(self, error: CaptureError) -> None:
        """A file that is not looped came to its end."""
        self._status.change(CameraState.FINISHED, reason=error.kind.value)
        log.info(
            "camera played to its end camera=%s state=finished reason=%s",
            self.camera,
            error.kind.value,
        )


def last_picture(status: CameraStatus) -> str:
    """When the newest picture came, as local time to the second; `start`: there was none yet."""
    if status.last_frame_ns is None:
        return "start"
    return time.strftime("%H:%M:%S", time.localtime(status.last_frame_ns / 1e9))


def _detail(error: CaptureError) -> str:
    return f' detail="{error.detail}"' if error.detail else ""
