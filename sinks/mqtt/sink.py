"""Messages to an MQTT broker. A broker that is away keeps nobody waiting, and no start."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping

from config.camera import CameraConfig
from config.credentials import Credential, credentials_directory, resolve
from config.errors import CredentialError
from config.mqtt import MqttConfig
from sinks.clock import Clock
from sinks.envelope import Envelope, stamped
from sinks.highlights import Highlights, Look, NoHighlights, Subscription
from sinks.links import LinkReport, Told
from sinks.messages import Kind
from sinks.mqtt.broker import Connection, Heard, LinkError, PahoConnection, Reason, context_of
from sinks.mqtt.link import Link
from sinks.mqtt.outgoing import Outgoing
from sinks.mqtt.scribe import Scribe
from sinks.mqtt.snapshots import Snapshots
from sinks.mqtt.topics import Topics
from sinks.seldom import Seldom
from sinks.sink import SinkCounts, SinkError

log = logging.getLogger(__name__)

STOP_S = 0.45  # of the half second that a sink is given to close


class MqttSink:
    """`open` and `use_cameras` run in the main thread, the rest in the sink's own; the connection
    has the thread `mqtt:link`. `turn` pauses and resumes a camera, in that thread. `connect` makes
    a connection, `chance` is in [0, 1).
    """

    name = "mqtt"

    def __init__(
        self,
        config: MqttConfig,
        clock: Clock,
        *,
        node: str,
        cameras: Mapping[str, CameraConfig],
        highlights: Highlights | None = None,
        turn: Callable[[str, bool], None] = lambda _camera, _on: None,
        connect: Callable[[], Connection] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._clock = clock
        self._turn = turn
        self._highlights = highlights or NoHighlights()
        asked = {Kind.DETECTION} if config.detections else set()
        self.kinds = frozenset({Kind.STATUS, Kind.EVENT, Kind.COUNT} | asked)
        self._pictures: Subscription | None = None
        self._snapshots = Snapshots(config.snapshots.every_s if config.snapshots else 0.0)
        self._wanted = cameras
        self._used: Mapping[str, CameraConfig] | None = None
        topics = self._topics = Topics(config.topic_prefix, node)
        self._name = config.client_id or f"{config.topic_prefix.replace('/', '-')}-{node}"
        self._outgoing = Outgoing(
            available=topics.available, manifest=topics.retained, wake=self._wake
        )
        self._unknown = Seldom(clock.now_s)  # commands that are none
        self._scribe = Scribe(config, topics, self._outgoing, clock.now_s)
        devices = self._scribe.devices
        self._link = Link(
            connect or self._connect,
            self._outgoing,
            topics,
            clock,
            place=f"{config.host}:{config.broker_port}",
            name=self._name,
            random=chance,
            roots=[f"{topics.base}/", *([devices.root] if devices else [])],
            subscriptions=[
                *([devices.status] if devices else []),
                *([topics.commands] if config.commands else []),
            ],
            hear=self._hear,
        )

    @property
    def link(self) -> LinkReport:
        """How it stands with the broker. Any thread."""
        return self._link.report

    @property
    def told(self) -> Told:
        """What is kept at the broker, and which events were not sent. Any thread."""
        load = self._outgoing.load()
        held = {reason.value: number for reason, number in self._scribe.gate.held.items()}
        return Told(held, load.retained, load.refused)

    def later(self) -> SinkCounts:
        """What became of messages that `write` took to be sent later. Any thread."""
        load = self._outgoing.load()
        return SinkCounts(dict(load.published), load.sent_bytes, dict(load.lost), load.waiting)

    def open(self) -> None:
        """Look whether what only we can be wrong about is right, and begin to connect. Raises
        SinkError.
        """
        try:
            self._login()
            if self._config.tls is not None:
                context_of(self._config.tls)
        except CredentialError as error:
            msg = f"mqtt: {error}"
            raise SinkError(msg) from error
        except OSError as error:
            msg = f"mqtt: tls files cannot be used: {error.strerror}"
            raise SinkError(msg) from error
        self._follow()
        if (wanted := self._config.snapshots) is not None:
            look = Look(wanted.width, wanted.boxed, wanted.most_kb * 1024)
            self._pictures = self._highlights.subscribe(look, self._snapshots.put)
        self._link.start()

    def use_cameras(self, cameras: Mapping[str, CameraConfig]) -> None:
        """There are these from now on. Main thread."""
        self._wanted = cameras

    def write(self, envelope: Envelope) -> int | None:
        """Nothing is waited for. None where `later` will tell what became of it."""
        self._follow()
        message = stamped(envelope, wall_ns=self._clock.wall_ns(), now_s=self._clock.now_s())
        return 0 if self._scribe.write(message) else None

    def idle(self) -> None:
        self._follow()
        for picture in self._snapshots.due(self._clock.now_s()):
            self._scribe.picture(picture)

    def close(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
        self._link.stop(STOP_S)
        self._outgoing.close()

    def _follow(self) -> None:
        wanted = self._wanted
        if wanted is not self._used:
            # In a fleet the cameras of other servers are turned off here.
            self._scribe.use({name: camera for name, camera in wanted.items() if camera.enabled})
            self._used = wanted

    def _wake(self) -> None:
        self._link.wake()

    def _hear(self, heard: Heard) -> None:
        devices = self._scribe.devices
        if devices is not None and heard.topic == devices.status and heard.payload == b"online":
            self._outgoing.again(devices.root)
        camera = self._scribe.commands.get(heard.topic)
        # One that the broker kept is an old wish, and would come again with every connection.
        if camera is not None and self._config.commands and not heard.retained:
            if heard.payload in (b"ON", b"OFF"):
                self._turn(camera, heard.payload == b"ON")
            elif times := self._unknown.times():  # whoever may write there does not fill the log
                log.warning("command not known camera=%s times=%d, want ON or OFF", camera, times)

    def _login(self) -> Credential | None:
        """Read anew for each connection: it may have changed. Raises CredentialError."""
        reference = self._config.credential
        if reference is None:
            return None
        return resolve(reference, directory=credentials_directory())

    def _connect(self) -> Connection:
        config = self._config
        try:
            login = self._login()
        except CredentialError as error:
            raise LinkError(Reason.CREDENTIAL, str(error)) from error
        will = self._topics.available
        return PahoConnection(config, client_id=self._name, will=will, login=login)
