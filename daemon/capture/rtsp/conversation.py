"""One visit to a camera: what it is asked until its media flows, and what keeps it flowing.

The capture thread asks and waits; once media flows the relay's thread sends what is due and hears
the answers. The order of questions, and what is forgiven, are those of FFmpeg's own reader.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import SupportsFloat

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.login import Challenge, Entrance, Login
from daemon.capture.rtsp.description import Description, parse
from daemon.capture.rtsp.messages import Answer, Media, ProtocolError, Reader, Request, text
from daemon.capture.rtsp.refusals import check
from daemon.capture.rtsp.transport import Agreed, agreed

_CHUNK = 65_536
_MOST_EARLY = 4_000_000  # bytes of media before the answer to PLAY
_UNIMPORTANT = frozenset({400, 404, 405, 454, 501, 551})  # of OPTIONS, which not all know
_NOWHERE = "it redirects to nowhere"
_SESSION_S = 60.0  # where the camera says nothing
_SHORTEST_S = 2.0  # between two signs of life


class Moved(Exception):  # noqa: N818
    """The camera leads elsewhere."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


class HungUp(Exception):  # noqa: N818
    """The camera ended the connection instead of answering."""


class Conversation:
    """Questions and answers on one connection. One thread at a time."""

    def __init__(
        self,
        connection: socket.socket,
        remaining_s: SupportsFloat,
        *,
        login: Login | None,
        challenge: Challenge | None = None,
    ) -> None:
        self.connection = connection
        self.reader = Reader()
        self.early: list[Media] = []  # media that came before the answer to PLAY
        self.entrance = Entrance(login, challenge)
        self.last_status = 0  # of the newest answer; 0 before the first
        self.alive_s = _SESSION_S / 2  # the camera wants to hear of us at least this often
        self._remaining_s = remaining_s
        self._early_bytes = 0
        self._number = 0
        self._session: str | None = None
        self._alive = ("OPTIONS", "")  # how it is told

    def describe(self, url: str) -> tuple[Description, str]:
        """What the camera has, and the URL that its tracks are relative to; raises Moved, HungUp,
        ProtocolError and CaptureError, as every question here does.
        """
        options = self._ask("OPTIONS", url)
        named = " ".join(options.all("public") + options.all("allow")).upper()
        self._alive = ("GET_PARAMETER" if "GET_PARAMETER" in named else "OPTIONS", url)
        if 300 <= options.status < 400 and (location := options.header("location")):
            raise Moved(location)
        if 300 <= options.status < 400:
            raise ProtocolError(_NOWHERE)
        if options.status not in _UNIMPORTANT:
            check(options, "OPTIONS")
        answer = self.ask("DESCRIBE", url, {"Accept": "application/sdp"})
        base = answer.header("content-base") or answer.header("content-location") or url
        description = parse(answer.body)
        if "://" in description.control:
            base = description.control
        return description, base if "://" in base else url

    def set_up(self, url: str, wanted: str, *, transport: str) -> Agreed:
        """Ask for one track over `transport`; `wanted` is the header that says so."""
        answer = self._ask("SETUP", url, {"Transport": wanted})
        check(answer, "SETUP", transport=transport)
        session, _, rest = (answer.header("session") or "").partition(";")
        self._session = session.strip() or None
        name, _, seconds = rest.strip().partition("=")
        if name.strip().lower() == "timeout" and seconds.strip().isdecimal() and int(seconds):
            self.alive_s = max(_SHORTEST_S, min(_SESSION_S, int(seconds)) / 2)
        return agreed(answer.header("transport"), transport)

    def play(self, url: str) -> None:
        self.ask("PLAY", url, {"Range": "npt=0.000-"})
        self._alive = (self._alive[0], url)

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer that is none of the refusals."""
        answer = self._ask(method, url, headers)
        if 300 <= answer.status < 400 and method == "DESCRIBE":
            if location := answer.header("location"):
                raise Moved(location)
            raise ProtocolError(_NOWHERE)
        check(answer, method)
        return answer

    def sign_of_life(self) -> bytes:
        """What is sent every `alive_s`; its answer comes between the media."""
        return self.question(*self._alive)

    def login_again(self, answer: Answer) -> bytes | None:
        """The sign of life again, where its answer brought a new nonce; None to let it be."""
        if answer.status == 401 and self.entrance.later(answer.all("www-authenticate")):
            return self.sign_of_life()
        return None

    def farewell(self) -> bytes:
        return self.question("TEARDOWN", self._alive[1])

    def question(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        self._number += 1
        said = {"CSeq": str(self._number), "User-Agent": "vedette", **(headers or {})}
        if self._session is not None:
            said["Session"] = self._session
        if self.entrance.challenge is not None:
            said["Authorization"] = self.entrance.challenge.authorization(method, url)
        return text(f"{method} {url} RTSP/1.0", said)

    def _ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        while (answer := self._exchange(method, url, headers)).status == 401:
            self.entrance.refused(answer.all("www-authenticate"))
        self.entrance.admitted()
        return answer

    def _exchange(self, method: str, url: str, headers: Mapping[str, str] | None) -> Answer:
        try:
            self.connection.settimeout(float(self._remaining_s))
            self.connection.sendall(self.question(method, url, headers))
            while True:
                answer = self._next_answer()
                if answer is not None:
                    self.last_status = answer.status
                    return answer
                self.connection.settimeout(float(self._remaining_s))
                data = self.connection.recv(_CHUNK)
                if not data:
                    raise HungUp
                self.reader.feed(data)
        except TimeoutError:
            detail = f"no answer to {method}"
        except ConnectionError:
            if self.last_status not in (0, 401):
                raise
            raise HungUp from None
        raise CaptureError(Cause.TIMEOUT, detail)

    def _next_answer(self) -> Answer | None:
        while (message := self.reader.take()) is not None:
            if isinstance(message, Answer):
                if message.status >= 200:
                    return message
            elif isinstance(message, Request):
                self.connection.sendall(reply(message))
            else:
                self.early.append(message)
                self._early_bytes += len(message.data)
                if self._early_bytes > _MOST_EARLY:
                    raise CaptureError(Cause.FLOOD, "media without end before any answer")
        return None


def reply(request: Request) -> bytes:
    """To a question of the camera's own."""
    known = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
    status = "200 OK" if known else "501 Not Implemented"
    return text(f"RTSP/1.0 {status}", {"CSeq": request.header("cseq") or "0"})
