"""What an operator may write of the MQTT broker that messages go to."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.credentials import CredentialReference
from config.errors import FieldsError
from config.objects import Label
from config.paths import FilePath
from config.section import Hidden, Section
from config.urls import is_loopback

BROKER_HOST = r"^[A-Za-z0-9:]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$"
TOPIC_PREFIX = r"^[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}$"
CLIENT_ID = r"^[A-Za-z0-9._-]{1,128}$"

PLAIN_PORT = 1883
TLS_PORT = 8883
USUAL_LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "cat", "dog")

TopicPrefix = Annotated[str, Field(pattern=TOPIC_PREFIX)]


class MqttTlsConfig(Section):
    """Encryption, and who is who. The broker's certificate must be for `host`."""

    ca: Annotated[
        FilePath | None,
        Field(
            description="Certificates (PEM) by one of which the broker's must be signed; those of"
            " the system when left out."
        ),
    ] = None
    certificate: Annotated[
        FilePath | None,
        Field(description="The client's own certificate (PEM), for brokers that ask."),
    ] = None
    key: Annotated[FilePath | None, Field(description="Its key (PEM)."), Hidden()] = None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate is None) is not (self.key is None):
            raise FieldsError("needs certificate and key together", "certificate", "key")
        return self


class MqttEventsConfig(Section):
    """Which events go to the broker."""

    update_every_s: Annotated[
        float,
        Field(ge=1, le=3600, description="An object's updates come no sooner one after another."),
    ] = 5.0
    cooldown_s: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            description="After an object of a label came (or entered a zone, or crossed a line) the"
            " next ones of that label there are not told for so long.",
        ),
    ] = 0.0
    labels: Annotated[
        list[Label] | None,
        Field(
            min_length=1,
            max_length=256,
            description="Labels whose events are told; all by default.",
        ),
    ] = None


class MqttSnapshotsConfig(Section):
    """Pictures of objects' best moments."""

    every_s: Annotated[
        float,
        Field(ge=1, le=3600, description="Those of a camera and label come no sooner."),
    ] = 5.0
    width: Annotated[int, Field(ge=64, le=3840, description="Pixels, at most.")] = 640
    boxed: Annotated[bool, Field(description="With the object's box and label on it.")] = True
    most_kb: Annotated[
        int, Field(ge=16, le=4096, description="Size of the JPEG, at the price of its quality.")
    ] = 256


class HomeAssistantConfig(Section):
    """Devices and entities that appear in Home Assistant by themselves."""

    discovery_prefix: Annotated[
        TopicPrefix, Field(description="The discovery prefix of its MQTT integration.")
    ] = "homeassistant"


class MqttConfig(Section):
    """Events, counts and states to an MQTT broker."""

    host: Annotated[
        str, Field(pattern=BROKER_HOST, description="Name or address of the broker, without port.")
    ]
    port: Annotated[
        int | None,
        Field(ge=1, le=65_535, description="1883 when left out, 8883 with `tls`."),
    ] = None
    protocol: Annotated[
        Literal["3.1.1", 5], Field(description="Version of MQTT; every broker knows 3.1.1.")
    ] = "3.1.1"
    tls: Annotated[
        MqttTlsConfig | None,
        Field(description="Encrypt; `tls: {}` trusts the system's authorities."),
    ] = None
    credential: Annotated[
        CredentialReference | None,
        Field(
            description="Where user:password is kept: name of a systemd credential, or file:PATH."
        ),
        Hidden(),
    ] = None
    allow_plaintext: Annotated[
        bool, Field(description="Permit a password on its way to another machine without `tls`.")
    ] = False
    client_id: Annotated[
        str | None,
        Field(
            pattern=CLIENT_ID,
            description="Name at the broker, which only one client may bear; by default made of"
            " topic_prefix and node.",
        ),
    ] = None
    topic_prefix: Annotated[
        TopicPrefix, Field(description="What all topics begin with, before the node's name.")
    ] = "vedette"
    keepalive_s: Annotated[
        int,
        Field(
            ge=5,
            le=1200,
            description="The broker calls this daemon offline after one and a half times as long"
            " without a sign.",
        ),
    ] = 15
    labels: Annotated[
        list[Label],
        Field(
            min_length=1,
            max_length=64,
            description="Labels that have topics and entities from the start, for cameras whose"
            " objects.labels is left out; others get a topic once they are seen.",
        ),
    ] = Field(default_factory=lambda: list(USUAL_LABELS))
    events: MqttEventsConfig = MqttEventsConfig()
    snapshots: Annotated[
        MqttSnapshotsConfig | None, Field(description="null: no pictures go to the broker.")
    ] = MqttSnapshotsConfig()
    detections: Annotated[
        bool, Field(description="Send the answer for every frame too: some messages a second.")
    ] = False
    commands: Annotated[
        bool, Field(description="Let whoever may write to the broker pause and resume cameras.")
    ] = False
    home_assistant: Annotated[
        HomeAssistantConfig | None, Field(description="null: nothing for Home Assistant.")
    ] = HomeAssistantConfig()

    @property
    def broker_port(self) -> int:
        return self.port or (PLAIN_PORT if self.tls is None else TLS_PORT)

    @model_validator(mode="after")
    def _password_protected(self) -> Self:
        open_to_all = self.tls is None and not is_loopback(self.host)
        if self.credential and open_to_all and not self.allow_plaintext:
            raise FieldsError(
                "sends a password unencrypted: give `tls`, or say allow_plaintext: true",
                "credential",
            )
        return self
