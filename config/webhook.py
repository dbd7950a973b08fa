"""What an operator may write of webhooks: where events are posted, how, and which ones."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from config.credentials import CredentialReference
from config.errors import FieldsError
from config.objects import Label, PlaceName
from config.paths import FilePath
from config.section import Hidden, Section
from config.urls import host_of, is_link_local, is_loopback, is_metadata_host, redacted

HOOK_NAME = r"^[a-z0-9_-]{1,32}$"
TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
TOKEN = "{token}"  # noqa: S105 - the place of one

MOST_HOOKS = 16
MIDNIGHT = "24:00"

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HookEvent = Literal[
    "object.new",
    "object.update",
    "object.end",
    "zone.entered",
    "zone.left",
    "zone.loitering",
    "line.crossed",
]
TimeOfDay = Annotated[str, Field(pattern=TIME_OF_DAY)]
CameraNames = Annotated[list[str], Field(min_length=1, max_length=256)]


def _checked_url(url: str) -> str:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be ASCII without spaces (percent-encode other characters)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message repeats what was written
        raise ValueError("is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("must be an address as in https://ntfy.example.org/vedette")
    if "@" in parts.netloc or redacted(url) != url:
        raise ValueError(
            "must not hold a user, password or token: keep it in a credential and write"
            " `credential: NAME`, and {token} where it belongs in the URL"
        )
    if parts.fragment or re.search(r"[{}]", url.replace(TOKEN, "")):
        raise ValueError("must not hold #, { or } (but {token} for the credential)")
    if TOKEN in parts.netloc:
        raise ValueError("may hold {token} behind the host only")
    if is_metadata_host(parts.hostname):
        raise ValueError("must not name a cloud metadata address")
    return url


HookUrl = Annotated[
    str,
    AfterValidator(_checked_url),
    WithJsonSchema({"type": "string", "pattern": r"^https?://|\$\{"}),
]


class ScheduleConfig(Section):
    """A time of the week, by the clock of this machine."""

    days: Annotated[
        list[Day] | None,
        Field(min_length=1, max_length=7, description="Days on which it begins; all by default."),
    ] = None
    start: Annotated[TimeOfDay, Field(alias="from", description="When it begins.")] = "00:00"
    until: Annotated[
        TimeOfDay, Field(description="When it is over; earlier than `from`: on the next day.")
    ] = MIDNIGHT

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start in (self.until, MIDNIGHT):
            raise FieldsError("must differ from `until`, and be before 24:00", "from", "until")
        return self


class HookRule(Section):
    """Which events are posted; what is left out holds for all."""

    cameras: Annotated[CameraNames | None, Field(description="Names of cameras.")] = None
    labels: Annotated[
        list[Label] | None, Field(min_length=1, max_length=256, description="Labels of objects.")
    ] = None
    zones: Annotated[
        list[PlaceName] | None,
        Field(min_length=1, max_length=32, description="The object is in one of these zones."),
    ] = None
    events: Annotated[
        list[HookEvent] | None,
        Field(
            min_length=1,
            max_length=7,
            description="What must have happened. Left out: zone.entered where zones are given,"
            " else object.new.",
        ),
    ] = None
    min_duration_s: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            description="How long the object must have been there, or in the zone. For object.new"
            " and zone.entered it is waited for.",
        ),
    ] = 0.0
    schedule: Annotated[
        list[ScheduleConfig] | None,
        Field(min_length=1, max_length=32, description="When; always by default."),
    ] = None
    cooldown_s: Annotated[
        float | None,
        Field(
            ge=0,
            le=86_400,
            description="After an event of a camera that this rule let pass, none of that camera"
            " passes for so long. Left out: 60 where people read it, 0 for json.",
        ),
    ] = None

    @property
    def wanted(self) -> frozenset[HookEvent]:
        """What must have happened."""
        if self.events is not None:
            return frozenset(self.events)
        return frozenset({"zone.entered"} if self.zones else {"object.new"})


class WebhookConfig(Section):
    """Events, posted to one address."""

    url: Annotated[
        HookUrl,
        Field(
            description="http: or https: address. No secret in it: see `credential`, and write"
            " {token} where it belongs in the path."
        ),
    ]
    format: Annotated[
        Literal["json", "ntfy", "gotify", "slack"],
        Field(description="What the receiver understands; json is the event's message itself."),
    ] = "json"
    picture: Annotated[
        bool,
        Field(
            description="Send the object's best picture too: json becomes multipart/form-data,"
            " ntfy gets an attachment."
        ),
    ] = False
    secret: Annotated[
        CredentialReference | None,
        Field(
            description="Where the key is kept that json is signed with: name of a systemd"
            " credential, or file:PATH."
        ),
        Hidden(),
    ] = None
    credential: Annotated[
        CredentialReference | None,
        Field(
            description="Where the receiver's token or user:password is kept: name of a systemd"
            " credential, or file:PATH."
        ),
        Hidden(),
    ] = None
    ca: Annotated[
        FilePath | None,
        Field(
            description="Certificates (PEM) by one of which the receiver's must be signed; those of"
            " the system when left out."
        ),
    ] = None
    allow_plaintext: Annotated[
        bool, Field(description="Permit a credential on its way to another machine without TLS.")
    ] = False
    allow_link_local: Annotated[
        bool, Field(description="Permit an address in 169.254.0.0/16 or fe80::/10.")
    ] = False
    priority: Annotated[
        int | None,
        Field(ge=0, le=10, description="As ntfy (1 to 5) or Gotify (0 to 10) understand it."),
    ] = None
    link: Annotated[
        HookUrl | None,
        Field(description="The live page's address as the reader has it: the camera is linked."),
    ] = None
    timeout_s: Annotated[
        float, Field(ge=0.5, le=60, description="Longest one try may take, answer included.")
    ] = 10.0
    queue: Annotated[
        int, Field(ge=1, le=10_000, description="Events that wait; beyond it the oldest is lost.")
    ] = 100
    give_up_after_s: Annotated[
        float, Field(ge=10, le=604_800, description="An event that is older is not sent any more.")
    ] = 3600.0
    rules: Annotated[
        list[HookRule],
        Field(min_length=1, max_length=32, description="An event is posted if one lets it pass."),
    ] = Field(default_factory=lambda: [HookRule()])

    @model_validator(mode="after")
    def _planned_address(self) -> Self:
        if not self.allow_link_local and is_link_local(host_of(self.url)):
            raise FieldsError(
                "names a link-local address: say allow_link_local: true if it has no other", "url"
            )
        if TOKEN in self.url and self.credential is None:
            raise FieldsError("has a place for a token: say which credential", "url")
        plain = self.url.startswith("http:") and not is_loopback(host_of(self.url))
        if self.credential and plain and not self.allow_plaintext:
            raise FieldsError(
                "is sent unencrypted: take https:, or say allow_plaintext: true", "credential"
            )
        return self

    @model_validator(mode="after")
    def _fields_of_the_format(self) -> Self:
        if self.secret and self.format != "json":
            raise FieldsError("signs json: no other receiver looks at it", "secret")
        if self.picture and self.format not in ("json", "ntfy"):
            raise FieldsError("is for json and ntfy", "picture")
        if self.format == "gotify" and self.credential is None:
            raise FieldsError("needs the token of its application: say credential", "format")
        least, most = {"ntfy": (1, 5), "gotify": (0, 10)}.get(self.format, (1, 0))
        if self.priority is not None and not least <= self.priority <= most:
            fault = f"must be {least} to {most}" if most else "is for ntfy and gotify"
            raise FieldsError(fault, "priority")
        return self


Webhooks = Annotated[
    dict[
        Annotated[
            str,
            Field(
                pattern=HOOK_NAME,
                description="Lower-case letters, digits, _ and -: it becomes a label.",
            ),
        ],
        WebhookConfig,
    ],
    Field(max_length=MOST_HOOKS, description="Addresses that events are posted to, by name."),
]
