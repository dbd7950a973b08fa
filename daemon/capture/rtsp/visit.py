"""A visit to a camera, from its URL to media that flows: one connection, as FFmpeg makes it.

The one way that leads to more than one connection is a redirect to the same host, or a camera that
hangs up after it has asked for a login. Called by the capture thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import SupportsFloat

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.login import Challenge, Login
from daemon.capture.peer import TRUSTING, Trust, connect
from daemon.capture.rtsp.conversation import Conversation, HungUp, Moved
from daemon.capture.rtsp.datagrams import Datagrams
from daemon.capture.rtsp.description import Track, resolved
from daemon.capture.rtsp.messages import ProtocolError
from daemon.capture.rtsp.place import Place
from daemon.capture.rtsp.transport import TCP, udp

_MOST_REDIRECTS = 3
_NO_WORD = "it hung up without a word: is this a port of rtsps:, or are too many watching?"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to go, and what may be said and believed there. Never shown whole."""

    url: str = field(repr=False)
    transport: str
    login: Login | None = None
    trust: Trust = TRUSTING


@dataclass(frozen=True, slots=True)
class Playing:
    """A camera that sends. `channels` are those of RTP and RTCP, made up by us for UDP."""

    conversation: Conversation
    track: Track
    channels: tuple[int, int]
    datagrams: Datagrams | None

    def close(self) -> None:
        self.conversation.connection.close()
        if self.datagrams is not None:
            self.datagrams.close()


def visit(wanted: Wanted, remaining_s: SupportsFloat) -> Playing:
    """Raises CaptureError, and OSError, whose text may hold the host."""
    try:
        place = Place.of(wanted.url)
        challenge = None
        for _ in range(_MOST_REDIRECTS + 1):
            conversation = _arrive(place, wanted, remaining_s, challenge)
            try:
                return _begin(conversation, place, wanted)
            except BaseException as error:
                address = _end(conversation)
                if not isinstance(error, Moved | HungUp):
                    raise
                if isinstance(error, Moved):
                    place, challenge = place.followed(error.location, address), None
                else:
                    challenge = _login_first(conversation)
    except ProtocolError as error:
        detail = str(error)
    else:
        detail = "it redirects in circles"
    raise CaptureError(Cause.PROTOCOL, detail)


def _arrive(
    place: Place, wanted: Wanted, remaining_s: SupportsFloat, challenge: Challenge | None
) -> Conversation:
    scheme = "rtsps" if place.secured else "rtsp"
    connection = connect(
        place.host, place.port, float(remaining_s), scheme=scheme, trust=wanted.trust
    )
    return Conversation(connection, remaining_s, login=wanted.login, challenge=challenge)


def _begin(conversation: Conversation, place: Place, wanted: Wanted) -> Playing:
    description, base = conversation.describe(place.url)
    track = description.track
    control = resolved(base, track.control)
    if wanted.transport == "tcp":
        agreed = conversation.set_up(control, TCP, transport="tcp")
        conversation.play(base)
        return Playing(conversation, track, (agreed.rtp, agreed.rtcp), None)
    connection = conversation.connection
    datagrams = Datagrams(connection.getsockname()[0], connection.getpeername()[0])
    try:
        agreed = conversation.set_up(control, udp(datagrams.port), transport="udp")
        datagrams.agreed(agreed)
        conversation.play(base)
    except BaseException:
        datagrams.close()
        raise
    return Playing(conversation, track, (0, 1), datagrams)


def _end(conversation: Conversation) -> str:
    """Close the connection; the address that it led to."""
    try:
        address: str = conversation.connection.getpeername()[0]
    except OSError:
        address = ""
    conversation.connection.close()
    return address


def _login_first(conversation: Conversation) -> Challenge | None:
    """What to say at once, the next time, to a camera that hung up after it had asked for it."""
    if conversation.last_status == 401:
        return conversation.entrance.challenge
    raise CaptureError(Cause.EOF, "" if conversation.last_status else _NO_WORD)
