"""One connection to an MQTT broker: a thin shell around paho's client, driven by our thread.

paho's own threads and its trying again are not used: they know no jitter, keep unbounded queues,
and wait for ever in a connection that takes nothing.

LinkError   the broker cannot be reached, refused us, or was lost
"""

from __future__ import annotations

import select
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from config.credentials import Credential
from config.mqtt import MqttConfig, MqttTlsConfig
from sinks.mqtt.outgoing import OFFLINE, Post

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage, SocketLike
    from paho.mqtt.reasoncodes import ReasonCode

CONNECT_S = 5.0  # for TCP, then TLS, then the broker's answer, each
DISCONNECT_S = 0.1
SEND_BUFFER_BYTES = 32_768  # the kernel takes twice as much
_KEEPALIVE = 141
_TAKEN_OVER = 142  # reason codes of MQTT 5, to which paho translates those of 3.1.1


class Reason(StrEnum):
    """Why there is no connection."""

    NAME = "name"  # the host's name is not known
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"  # no encrypted connection, or not with the one it should be
    LOGIN = "login"  # user or password are wrong, or may not come in
    CREDENTIAL = "credential"  # our own cannot be read
    REFUSED = "refused"  # for another reason of the broker's
    TAKEN_OVER = "taken_over"  # another client came with our name
    LOST = "lost"

    @property
    def is_stubborn(self) -> bool:
        """Somebody has to change something before trying again can help."""
        return self in (Reason.TLS, Reason.LOGIN, Reason.CREDENTIAL, Reason.REFUSED)


_REFUSALS = {
    134: Reason.LOGIN,  # bad user name or password
    135: Reason.LOGIN,  # not authorized
    138: Reason.LOGIN,  # banned
    136: Reason.UNREACHABLE,  # server unavailable
    137: Reason.UNREACHABLE,  # server busy
}


class LinkError(Exception):
    """`detail` is a sentence, without secrets."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that came; `retained` where the broker had kept it."""

    topic: str
    payload: bytes
    retained: bool


class Connection(Protocol):
    """What `Link` needs of a connection. Every method may raise LinkError."""

    heard: deque[Heard]
    confirmed: deque[int]

    @property
    def busy(self) -> bool:
        """Whether the broker takes nothing at the moment."""
        ...

    def publish(self, post: Post) -> int:
        """Returns the number under which it is confirmed, where that was asked for."""
        ...

    def subscribe(self, topic: str) -> None: ...

    def turn(self, wait_s: float, wake: int) -> None:
        """Wait until something comes, or `wake` (a descriptor) can be read; deal with it."""
        ...

    def close(self) -> None:
        """Say good-bye; the broker then publishes no will."""
        ...


class _TlsLine(ssl.SSLSocket):
    """Closes itself where no encryption comes about, which paho leaves to the collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def context_of(tls: MqttTlsConfig) -> ssl.SSLContext:
    """Raises OSError, of which ssl.SSLError is one."""
    context = ssl.create_default_context(cafile=tls.ca)
    context.sslsocket_class = _TlsLine
    if tls.certificate is not None and tls.key is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


class PahoConnection:
    """Connected and let in when constructed, which takes seconds at most, except that nothing
    bounds the system's look-up of the host's name. Raises LinkError.
    """

    def __init__(
        self, config: MqttConfig, *, client_id: str, will: str | None, login: Credential | None
    ) -> None:
        self.heard: deque[Heard] = deque()
        self.confirmed: deque[int] = deque()
        self._place = f"{config.host}:{config.broker_port}"
        self._accepted = False
        self._why: LinkError | None = None
        self._client = self._made(config, client_id, will, login)
        self._poll = select.poll()
        try:
            self._client.connect(config.host, config.broker_port, keepalive=config.keepalive_s)
        except (OSError, ValueError) as error:  # ValueError: a name that is none
            raise _unreached(error, self._place) from error
        try:
            self._await_answer()
        except LinkError:
            self._drop()
            raise

    @property
    def busy(self) -> bool:
        return bool(self._client.want_write())

    def publish(self, post: Post) -> int:
        info = self._client.publish(post.topic, post.payload, post.qos, post.retain)
        self._check()
        return info.mid

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic)
        self._check()

    def turn(self, wait_s: float, wake: int) -> None:
        line = self._line()
        wants = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
        self._poll.register(line, wants)
        self._poll.register(wake, select.POLLIN)
        waiting = line.pending() if isinstance(line, ssl.SSLSocket) else 0
        ready = dict(self._poll.poll(0 if waiting else int(wait_s * 1e3)))
        self._poll.unregister(line)
        events = ready.get(line.fileno(), 0)
        if waiting or events & ~select.POLLOUT:
            self._client.loop_read()
        if events & select.POLLOUT:
            self._client.loop_write()
        self._client.loop_misc()
        self._check()

    def close(self) -> None:
        try:
            self._client.disconnect()
            line = self._client.socket()
            if line is not None and self._client.want_write():
                _ready(line, select.POLLOUT, DISCONNECT_S)
                self._client.loop_write()
        finally:
            self._drop()

    def _made(
        self, config: MqttConfig, client_id: str, will: str | None, login: Credential | None
    ) -> Client:
        five = config.protocol == 5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else True,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        if will is not None:
            client.will_set(will, OFFLINE, qos=1, retain=True)
        if login is not None:
            client.username_pw_set(login.user, login.password.get_secret_value())
        if config.tls is not None:
            try:
                client.tls_set_context(context_of(config.tls))
            except OSError as error:
                detail = f"tls files cannot be used: {error.strerror}"
                raise LinkError(Reason.TLS, detail) from error
        client.on_socket_open = _keep_little
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _await_answer(self) -> None:
        """The broker's, whether it lets us in."""
        while not self._accepted:
            if not _ready(self._line(), select.POLLIN, CONNECT_S):
                raise LinkError(Reason.TIMEOUT, f"{self._place} does not answer")
            self._client.loop_read()
            self._check()

    def _line(self) -> SocketLike:
        line = self._client.socket()
        if line is None:
            raise self._why or LinkError(Reason.LOST, f"{self._place} hung up")
        return line

    def _check(self) -> None:
        if self._why is not None:
            raise self._why
        self._line()

    def _drop(self) -> None:
        """Without a word, if the client still holds its line."""
        line = self._client.socket()
        if line is not None:
            line.close()

    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._accepted = not code.is_failure
        if code.is_failure:
            self._why = _refused(code, self._place)

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._why is None:
            told = flags.is_disconnect_packet_from_server
            reason = Reason.TAKEN_OVER if told and code.value == _TAKEN_OVER else Reason.LOST
            why = f": {code}" if told or code.value == _KEEPALIVE else ""
            self._why = LinkError(reason, f"{self._place}: the connection was lost{why}")

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.heard.append(Heard(message.topic, bytes(message.payload), bool(message.retain)))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, _code: Any, _properties: Any
    ) -> None:
        self.confirmed.append(mid)


def _keep_little(_client: Client, _data: Any, line: SocketLike) -> None:
    """What the kernel has taken is late when the broker is slow, and no newer one takes its
    place.
    """
    if isinstance(line, socket.socket):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def _ready(line: SocketLike, events: int, wait_s: float) -> bool:
    """Whether that can be done now, or within so long; select() knows no descriptor above 1023."""
    if events == select.POLLIN and isinstance(line, ssl.SSLSocket) and line.pending():
        return True
    poll = select.poll()
    poll.register(line, events)
    return bool(poll.poll(int(wait_s * 1e3)))


def _unreached(error: OSError | ValueError, place: str) -> LinkError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return LinkError(Reason.TLS, f"{place}: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return LinkError(Reason.TLS, f"{place}: {error.reason or error.strerror}")
    if isinstance(error, socket.gaierror | ValueError):
        return LinkError(Reason.NAME, f"{place}: the host's name is not known")
    if isinstance(error, TimeoutError):
        return LinkError(Reason.TIMEOUT, f"{place} does not answer")
    return LinkError(Reason.UNREACHABLE, f"{place}: {error.strerror or error}")


def _refused(code: ReasonCode, place: str) -> LinkError:
    reason = _REFUSALS.get(code.value, Reason.REFUSED)
    return LinkError(reason, f"{place} refused us: {code}")
