"""What an operator may write: every field of the YAML file, typed, bounded and described.

The classes hold values only. Reading, positions and messages are `config.loader`'s;
secrets are `config.credentials`'. Durations are seconds unless the name says otherwise;
coordinates and areas are fractions of the picture, so they survive a change of resolution.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from config.camera import CameraConfig, CameraFields
from config.credentials import CredentialReference
from config.errors import FieldsError
from config.looking import TilingConfig
from config.model_names import MODEL_NAMES, known_model
from config.mqtt import MqttConfig
from config.paths import FilePath, WeightsPath
from config.section import Hidden, Section
from config.urls import (
    HostPort,
    ZmqEndpoint,
    is_inside,
    is_loopback,
    split_host_port,
)
from config.webhook import Webhooks

CAMERA_NAME = r"^[a-z0-9_-]{1,32}$"
NODE_NAME = r"^[A-Za-z0-9_-]{1,63}$"
SHA256 = r"^[0-9a-f]{64}$"
HOST_NAME = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"

CameraName = Annotated[
    str,
    Field(
        pattern=CAMERA_NAME,
        description="Lower-case letters, digits, _ and -: it becomes a topic, a label and a path.",
    ),
]
HostName = Annotated[str, Field(pattern=HOST_NAME)]


def known_version(version: int) -> int:
    """Raises ValueError for what this program was not made for."""
    if version != 1:
        raise ValueError("is not a version of this format that is known here (known: 1)")
    return version


class ModelConfig(Section):
    """Which detector runs, with which weights, and what it may return."""

    name: Annotated[
        str,
        AfterValidator(known_model),
        Field(
            json_schema_extra={"enum": list(MODEL_NAMES)},
            description="Detector architecture, as in `efficientdet-lite0`.",
        ),
    ] = "efficientdet-lite0"
    weights: Annotated[
        WeightsPath,
        Field(
            description="`bundled`, the name of weights that were fetched, or the path of a"
            " .safetensors file."
        ),
    ] = "bundled"
    sha256: Annotated[
        str | None,
        Field(pattern=SHA256, description="Refuse weights whose SHA-256 differs."),
    ] = None
    input_size: Annotated[
        int | None,
        Field(
            ge=64,
            le=2048,
            multiple_of=32,
            description="Side of the square network input in pixels; the model's own by default.",
        ),
    ] = None
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16", "int8"],
        Field(
            description="Arithmetic of the forward pass; `auto` takes the fastest this machine has."
        ),
    ] = "auto"
    score_threshold: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Detections below this score are not reported; by default the weights say"
            " from which score each label is, or else it is 0.4.",
        ),
    ] = None
    iou_threshold: Annotated[
        float,
        Field(gt=0, le=1, description="Overlap above which NMS drops the weaker of two boxes."),
    ] = 0.5
    nms: Annotated[
        Literal["grouped", "hard", "agnostic", "soft", "soft-agnostic"],
        Field(
            description="What happens to overlapping boxes: hard drops the weaker one of a label,"
            " grouped also of labels that the weights put in one group, as car, truck and bus;"
            " soft lowers its score; agnostic ones compare across all labels."
        ),
    ] = "grouped"
    max_detections: Annotated[
        int, Field(ge=1, le=1000, description="Most detections reported for one frame.")
    ] = 100


class BatchingConfig(Section):
    """How frames of several cameras share one run of the detector."""

    max_batch: Annotated[int, Field(ge=1, le=64, description="Most frames in one batch.")] = 8
    max_delay_ms: Annotated[
        float,
        Field(ge=0, le=1000, description="Longest an idle detector waits for a fuller batch."),
    ] = 10
    max_age_ms: Annotated[
        float,
        Field(
            gt=0, le=60_000, description="A frame older than this is dropped and counted as stale."
        ),
    ] = 500

    @model_validator(mode="after")
    def _delay_within_age(self) -> Self:
        if self.max_delay_ms >= self.max_age_ms:
            raise FieldsError(
                "max_delay_ms must be below max_age_ms, or every frame that waits is dropped",
                "max_delay_ms",
                "max_age_ms",
            )
        return self


class CurveConfig(Section):
    """CURVE encryption of the ZeroMQ socket, with a list of the clients let in."""

    secret_key: Annotated[
        FilePath, Field(description="The daemon's .key_secret file, mode 0600."), Hidden()
    ]
    clients: Annotated[
        FilePath, Field(description="Folder of the public keys that may subscribe."), Hidden()
    ]


class DoorConfig(Section):
    """A ZeroMQ socket that others connect to."""

    bind: Annotated[ZmqEndpoint, Field(description="tcp:// or ipc:// endpoint to bind.")]
    curve: CurveConfig | None = None
    allow_plaintext: Annotated[
        bool, Field(description="Permit a non-loopback address without CURVE.")
    ] = False

    @model_validator(mode="after")
    def _protected_outside(self) -> Self:
        if not (is_inside(self.bind) or self.curve or self.allow_plaintext):
            raise FieldsError(
                "others can reach this address: give `curve`, or say allow_plaintext: true", "bind"
            )
        return self


class GuestCurveConfig(Section):
    """CURVE encryption towards a gateway."""

    secret_key: Annotated[
        FilePath, Field(description="The daemon's own .key_secret file, mode 0600."), Hidden()
    ]
    server_key: Annotated[
        FilePath, Field(description="The gateways' .key file; all of them have one pair."), Hidden()
    ]


class ConnectConfig(Section):
    """Gateways to publish through: they listen, the daemon connects."""

    to: Annotated[
        list[ZmqEndpoint],
        Field(
            min_length=1,
            max_length=4,
            description="Each gateway's `publishers.bind`, as in tcp://…",
        ),
    ]
    curve: GuestCurveConfig | None = None
    allow_plaintext: Annotated[
        bool, Field(description="Permit gateways of other machines without CURVE.")
    ] = False

    @model_validator(mode="after")
    def _protected_outside(self) -> Self:
        inside = all(map(is_inside, self.to))
        if not (inside or self.curve or self.allow_plaintext):
            raise FieldsError(
                "goes over a network: give `curve`, or say allow_plaintext: true", "to"
            )
        return self


class ZeromqConfig(DoorConfig):
    """Detections over ZeroMQ: subscribers connect to the daemon, or the daemon to gateways."""

    bind: Annotated[ZmqEndpoint, Field(description="tcp:// or ipc:// endpoint to bind.")] = (
        "tcp://127.0.0.1:5556"
    )
    connect: Annotated[
        ConnectConfig | None, Field(description="Publish through gateways, in place of `bind`.")
    ] = None
    encoding: Annotated[Literal["json", "msgpack"], Field(description="Payload format.")] = "json"
    high_water_mark: Annotated[
        int,
        Field(
            ge=1, le=1_000_000, description="Messages kept for one slow subscriber before it loses."
        ),
    ] = 1000

    @model_validator(mode="after")
    def _binds_or_connects(self) -> Self:
        if self.connect and "bind" in self.model_fields_set:
            raise FieldsError("subscribers find the gateways alone: leave it out", "bind")
        if self.connect and self.curve:
            raise FieldsError("is for `bind`: give connect.curve", "curve")
        return self

    @property
    def listens(self) -> str | None:
        """The endpoint that is bound; None where it connects to gateways."""
        return None if self.connect else self.bind


class JsonlConfig(Section):
    """Detections as one JSON object per line."""

    path: Annotated[FilePath, Field(description="File to append to.")]
    rotate_mb: Annotated[
        float, Field(gt=0, le=100_000, description="Size at which a new file is begun.")
    ] = 100
    keep: Annotated[int, Field(ge=0, le=1000, description="Rotated files kept beside it.")] = 5


class SinksConfig(Section):
    """Where detections go."""

    zeromq: ZeromqConfig | None = ZeromqConfig()
    jsonl: JsonlConfig | None = None
    mqtt: MqttConfig | None = None
    webhook: Webhooks = Field(default_factory=dict)


class RecordingsConfig(Section):
    """Where the cameras' recordings are kept; see `record` of a camera."""

    folder: Annotated[
        FilePath | None,
        Field(
            description="Folder with one folder per camera, which must exist. By default"
            " `recordings` in the service's state folder, or else in ~/.local/share/vedette."
        ),
    ] = None


class ListenerConfig(Section):
    """An HTTP listener, and who may call it."""

    listen: Annotated[HostPort, Field(description="host:port to listen on.")] = "127.0.0.1:9464"
    token: Annotated[
        CredentialReference | None,
        Field(
            description="Where the access token is kept: name of a systemd credential, or"
            " file:PATH. Everything but /healthz then asks for it."
        ),
        Hidden(),
    ] = None
    allow_anonymous: Annotated[
        bool, Field(description="Permit a non-loopback listen without a token.")
    ] = False
    allowed_hosts: Annotated[
        list[HostName],
        Field(
            max_length=64,
            description="Names by which a proxy or a browser may call the listener, beside"
            " localhost and addresses; on loopback no other is answered.",
        ),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known_outside(self) -> Self:
        host, _port = split_host_port(self.listen)
        if not (is_loopback(host) or self.token or self.allow_anonymous):
            raise FieldsError(
                "others can reach this address: give `token`, or say allow_anonymous: true",
                "listen",
            )
        if self.token and self.allow_anonymous:
            raise FieldsError("says the opposite of `token`", "allow_anonymous", "token")
        return self


class HttpConfig(ListenerConfig):
    """The one HTTP listener: metrics, health, API and live page."""

    live: Annotated[bool, Field(description="Serve pictures: live page, MJPEG and snapshots.")] = (
        True
    )
    allow_edit: Annotated[
        bool,
        Field(
            description="Let whoever has the token change zones and lines on the page, which are"
            " written into this file, and pause detection of a camera."
        ),
    ] = False

    @model_validator(mode="after")
    def _editor_known(self) -> Self:
        if self.allow_edit and not self.token:
            raise FieldsError("lets anybody change this file: give `token`", "allow_edit")
        return self


class LogConfig(Section):
    """What goes to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe line shown.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Field(description="Lines for people, or one JSON object each.")
    ] = "text"


class Config(Section):
    """The whole file."""

    version: Annotated[
        int,
        AfterValidator(known_version),
        WithJsonSchema({"const": 1}),
        Field(description="Version of this format."),
    ]
    node: Annotated[
        str | None,
        Field(
            pattern=NODE_NAME,
            description="What this server is called in every message; its host name by default.",
        ),
    ] = None
    model: ModelConfig = ModelConfig()
    batching: BatchingConfig = BatchingConfig()
    tiles: TilingConfig = TilingConfig()
    defaults: Annotated[
        CameraFields, Field(description="Camera fields that hold for every camera.")
    ] = CameraFields()
    cameras: Annotated[
        dict[CameraName, CameraConfig],
        Field(min_length=1, max_length=256, description="The cameras by name."),
    ]
    sinks: SinksConfig = SinksConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    http: HttpConfig = HttpConfig()
    log: LogConfig = LogConfig()
