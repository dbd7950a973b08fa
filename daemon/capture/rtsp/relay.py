"""Between a camera and FFmpeg: the only reader of what the camera says.

    camera ══RTSP══▶ visit (capture thread) ──then──▶ relay:NAME ══RTSP of ours══▶ FFmpeg

FFmpeg's own reader follows redirects to any host and logs in there, knows no SHA-256, gathers what
arrives without a bound, and would make a second visit of every look at the answers. So it is
given a server on loopback that offers one track; the packets of that track, and reports, are all
that reaches it (docs/adr/0002-one-reader-of-rtsp.md).
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import threading
import time
import traceback
from typing import SupportsFloat

from daemon.capture.errors import CaptureError, Cause, classify
from daemon.capture.rtsp.budget import Budget
from daemon.capture.rtsp.conversation import reply
from daemon.capture.rtsp.datagrams import Datagrams, Order
from daemon.capture.rtsp.description import told
from daemon.capture.rtsp.messages import Media, ProtocolError, Reader, Request
from daemon.capture.rtsp.reception import Reception
from daemon.capture.rtsp.units import in_packet
from daemon.capture.rtsp.visit import Playing, Wanted, visit

log = logging.getLogger(__name__)

_CHUNK = 262_144
_MOST_BLOCKED_S = 30.0  # FFmpeg reads nothing: its thread is gone
_FAREWELL_S = 0.5
_JOIN_S = 2.0
_TEXT_BYTES = 500  # what an answer or a question counts as
_TICK_S = 0.05  # how often UDP packets that wait for a late one are looked at


class Relay:
    """One camera's. Opened and closed by the capture thread, which hands `address` to FFmpeg; the
    rest happens in a thread of its own. Raises CaptureError, and OSError of connecting.
    """

    def __init__(self, wanted: Wanted, remaining_s: SupportsFloat) -> None:
        self._failure: CaptureError | None = None
        self.budget = Budget()
        self._playing = visit(wanted, remaining_s)
        try:
            self._reception = Reception()
        except BaseException:
            self._playing.close()
            raise
        self._lasts_s = float(remaining_s)
        name = threading.current_thread().name.rpartition(":")[2]
        self._thread = threading.Thread(target=self._run, name=f"relay:{name}", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._reception.close()
            self._playing.close()
            raise

    @property
    def address(self) -> str:
        """Where FFmpeg finds the stream; good for one visitor, once."""
        return self._reception.address

    @property
    def failure(self) -> CaptureError | None:
        """Why the camera's side ended; a new one each time, for raising it adds to it."""
        return None if self._failure is None else self._failure.bare()

    def close(self) -> None:
        """Call when FFmpeg has closed its end, or has not come."""
        self._reception.close()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        playing = self._playing
        visitor: socket.socket | None = None
        try:
            control = "track"
            admitted = self._reception.admit(
                told(playing.track, control), playing.channels, self._lasts_s
            )
            if admitted is not None:
                visitor, reader = admitted
                self._failure = _ended(_Flow(playing, visitor, reader, self.budget))
        finally:
            if visitor is not None:
                visitor.close()
            playing.close()


def _ended(flow: _Flow) -> CaptureError | None:
    """Relay until either side ends: why, if it was the camera's."""
    try:
        flow.run()
    except CaptureError as error:
        return error.bare()
    except ssl.SSLError:
        kind = Cause.RESET
    except OSError as error:
        kind = classify(error, medium="network", opening=False, elapsed_s=0.0, timeout_s=1.0)
    except Exception as error:
        # Where it happened, without the exception's text: it might hold a URL with its password.
        where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
        _log_crash(type(error).__name__, where)
        kind = Cause.INTERNAL
    else:
        return None
    return CaptureError(kind)


def _log_crash(error: str, where: str) -> None:
    log.error("relay crashed error=%s\n%s", error, where)


class _Flow:
    """What goes to and fro between the two, in one thread."""

    def __init__(
        self, playing: Playing, visitor: socket.socket, questions: Reader, budget: Budget
    ) -> None:
        self._conversation = playing.conversation
        self._camera = playing.conversation.connection
        self._datagrams = playing.datagrams
        self._rtp, self._rtcp = playing.channels
        self._codec = playing.track.codec
        self._visitor = visitor
        self._questions = questions
        self._budget = budget
        self._order = Order()

    def run(self) -> None:
        """Until FFmpeg leaves. Raises CaptureError(eof) where the camera does, and OSError."""
        self._camera.settimeout(_MOST_BLOCKED_S)
        self._visitor.settimeout(_MOST_BLOCKED_S)
        poll = select.poll()
        poll.register(self._camera, select.POLLIN)
        poll.register(self._visitor, select.POLLIN)
        if self._datagrams is not None:
            poll.register(self._datagrams.rtp, select.POLLIN)
            poll.register(self._datagrams.rtcp, select.POLLIN)
        self._pass(self._conversation.early)
        self._hear_camera(b"")
        alive_s = time.monotonic() + self._conversation.alive_s
        while True:
            left_s = alive_s - time.monotonic()
            if left_s <= 0:
                self._camera.sendall(self._conversation.sign_of_life())
                alive_s += self._conversation.alive_s
                continue
            wait_s = min(left_s, _TICK_S) if self._order.waits else left_s
            ready = {descriptor for descriptor, _ in poll.poll(1 + wait_s * 1000)}
            if self._visitor.fileno() in ready and not self._hear_visitor():
                self._take_leave()
                return
            if self._datagrams is not None:
                self._hear_datagrams(self._datagrams)
            if self._camera.fileno() in ready:
                self._receive()

    def _receive(self) -> None:
        data = self._camera.recv(_CHUNK)
        if not data:
            raise CaptureError(Cause.EOF)
        while isinstance(self._camera, ssl.SSLSocket) and self._camera.pending():
            data += self._camera.recv(self._camera.pending())
        self._hear_camera(data)

    def _hear_camera(self, data: bytes) -> None:
        """Sort what came: media of the track goes on, questions and answers end here."""
        reader = self._conversation.reader
        reader.feed(data)
        media: list[Media] = []
        while True:
            try:
                message = reader.take()
            except ProtocolError:
                passed = reader.resync(frozenset((self._rtp, self._rtcp)))
                self._budget.strays(passed, time.monotonic())
                continue
            if message is None:
                break
            if isinstance(message, Media):
                media.append(message)
                continue
            self._budget.strays(_TEXT_BYTES, time.monotonic())
            if isinstance(message, Request):
                self._camera.sendall(reply(message))
            elif (again := self._conversation.login_again(message)) is not None:
                self._camera.sendall(again)
        self._pass(media)

    def _pass(self, media: list[Media]) -> None:
        """Give FFmpeg what is its own."""
        pictures = [packet.data for packet in media if packet.channel == self._rtp]
        others = sum(len(packet.data) for packet in media if packet.channel != self._rtp)
        if others:
            self._budget.strays(others, time.monotonic())
        if pictures:
            units = sum(in_packet(packet, self._codec) for packet in pictures)
            self._budget.media(units, sum(map(len, pictures)))
        wanted = (self._rtp, self._rtcp)
        if not all(packet.channel in wanted for packet in media):
            self._budget.elsewhere = True
        data = b"".join(packet.data for packet in media if packet.channel in wanted)
        if data:
            self._visitor.sendall(data)

    def _hear_datagrams(self, datagrams: Datagrams) -> None:
        now_s = time.monotonic()
        pictures = self._order.due(now_s)
        for packet in datagrams.received(datagrams.rtp):
            pictures += self._order.put(packet, now_s)
        reports = datagrams.received(datagrams.rtcp)
        self._pass(
            [_framed(self._rtp, packet) for packet in pictures]
            + [_framed(self._rtcp, report) for report in reports]
        )

    def _hear_visitor(self) -> bool:
        """FFmpeg's reports go to the camera, its questions end here; False once it leaves."""
        with contextlib.suppress(ConnectionError):
            data = self._visitor.recv(_CHUNK)
            if data:
                self._questions.feed(data)
                return self._answer_visitor()
        return False

    def _answer_visitor(self) -> bool:
        while (message := self._questions.take()) is not None:
            if isinstance(message, Request):
                if message.method == "TEARDOWN":
                    return False
                self._visitor.sendall(reply(message))
            elif isinstance(message, Media):
                self._report(message)
        return True

    def _report(self, report: Media) -> None:
        if self._datagrams is not None:
            self._datagrams.report(report.data[4:])
        else:
            self._camera.sendall(report.data)

    def _take_leave(self) -> None:
        """As much as can be said at once."""
        with contextlib.suppress(OSError):
            self._camera.settimeout(_FAREWELL_S)
            self._camera.sendall(self._conversation.farewell())


def _framed(channel: int, packet: bytes) -> Media:
    return Media(channel, b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet)
