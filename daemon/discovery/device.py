"""One ONVIF device asked for its streams: what it is, its profiles, and where each is.

Media2 (Profile T) where the device has it, as it alone tells H.265; else Media (Profile S).
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from pydantic import ValidationError

from config.camera import CameraConfig
from config.errors import printable
from config.urls import is_link_local
from daemon.capture.errors import CaptureError, Cause, guarded
from daemon.capture.http import Client, Patience, Place
from daemon.capture.login import Login
from daemon.capture.peer import Trust, leads_home
from daemon.capture.sample import Pause
from daemon.clock import Clock
from daemon.discovery.camera import Camera, Stream
from daemon.discovery.search import Found, shown
from daemon.discovery.soap import Desk, NotThere
from daemon.discovery.xml import Node

MOST_PROFILES = 16
PATH = "/onvif/device_service"

_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
_SCHEMA = "http://www.onvif.org/ver10/schema"
# Some name the login of whoever asks, parted by & or _.
_USER = re.compile(r"(?i)(?<![a-z])(usr|user|username)=[^&;/_\s]*")
_PASSWORD = re.compile(r"(?i)(?<![a-z])(pass|password|passwd|pwd)=[^&;/_\s]*")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def ask(found: Found, login: Login | None, *, seconds: float, clock: Clock, pause: Pause) -> Camera:
    """Everything within so many seconds; what went wrong is part of the answer. Any thread."""
    place = found.place
    if place is None:
        trouble = "it names no address of its own for ONVIF"
        return Camera(found.address, found.name, trouble=trouble)
    trust = Trust(link_local=is_link_local(place.host))
    client = Client(Patience(clock, pause, seconds), login=login, trust=trust)
    desk = Desk(client, login)
    device = _Device(desk, place, clock)
    kind: Cause | None = None
    try:
        guarded(device.tell, clock=clock, medium="network", opening=True, timeout_s=seconds)
    except (CaptureError, NotThere) as error:
        trouble, advice = _trouble(error, login)
        kind = error.kind if isinstance(error, CaptureError) else None
    else:
        trouble = advice = ""
    finally:
        client.close()
    return Camera(
        address=found.address,
        name=found.name,
        model=device.model,
        firmware=device.firmware,
        service=place.authority,
        clock_ahead_s=device.ahead_s,
        streams=tuple(device.streams),
        trouble=trouble,
        advice=advice,
        answered=found.called or desk.heard or kind is Cause.AUTH,
    )


def _trouble(error: Exception, login: Login | None) -> tuple[str, str]:
    if not isinstance(error, CaptureError):
        return "it has no ONVIF service for media", "its manual names the paths of its streams"
    words = {
        Cause.TIMEOUT: "it does not answer questions of ONVIF in time",
        Cause.REFUSED: "it refuses the connection to its ONVIF service",
    }.get(error.kind, error.detail or error.kind.value)
    if error.kind in (Cause.AUTH, Cause.LOGIN_METHOD):
        if login is None:
            return words, "give --credential file:PATH, or --user NAME"
        return words, (
            "cameras have ONVIF users apart from those of their page: make one there, and set"
            " ONVIF's authentication to digest"
        )
    return words, ""


class _Device:
    """Fills itself while it asks; what it has by then stays where a question fails."""

    def __init__(self, desk: Desk, place: Place, clock: Clock) -> None:
        self._desk = desk
        self._place = place
        self._clock = clock
        self.model = self.firmware = ""
        self.ahead_s: float | None = None
        self.streams: list[Stream] = []

    def tell(self) -> None:
        """Raises CaptureError, NotThere and OSError."""
        self._compare_clocks()
        services = self._services()
        with contextlib.suppress(NotThere):
            said = self._ask(self._place, "<GetDeviceInformation/>", _DEVICE)
            about = said.find("GetDeviceInformationResponse") or Node("")
            self.model = shown(f"{about.said('Manufacturer')} {about.said('Model')}")
            self.firmware = shown(about.said("FirmwareVersion"))
        if _MEDIA2 in services:
            with contextlib.suppress(NotThere):
                self._gather(services[_MEDIA2], _MEDIA2)
        if not self.streams:
            self._gather(services.get(_MEDIA, self._place), _MEDIA)

    def _ask(self, place: Place, body: str, namespace: str) -> Node:
        return self._desk.ask(place, body, namespace=namespace)

    def _compare_clocks(self) -> None:
        with contextlib.suppress(NotThere, CaptureError, ValueError, OverflowError):
            said = self._desk.ask(
                self._place, "<GetSystemDateAndTime/>", namespace=_DEVICE, open_to_all=True
            )
            told = said.below("UTCDateTime")
            if told is not None:
                numbers = [int(told.said("Date", word)) for word in ("Year", "Month", "Day")]
                numbers += [int(told.said("Time", word)) for word in ("Hour", "Minute", "Second")]
                theirs = datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]
                ours = datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC)
                self._desk.ahead = theirs - ours
                self.ahead_s = (theirs - ours) / timedelta(seconds=1)

    def _services(self) -> dict[str, Place]:
        """Places of its services, by namespace; each on the device itself."""
        try:
            said = self._desk.ask(
                self._place,
                "<GetServices><IncludeCapability>false</IncludeCapability></GetServices>",
                namespace=_DEVICE,
            )
        except NotThere:
            return self._capabilities()
        services = list(said.all("GetServicesResponse", "Service"))
        named = {one.said("Namespace"): one.said("XAddr") for one in services[:64]}
        return {name: self._home(url) for name, url in named.items() if url}

    def _capabilities(self) -> dict[str, Place]:
        """What devices before ONVIF 2.0 have in place of GetServices."""
        with contextlib.suppress(NotThere):
            body = "<GetCapabilities><Category>Media</Category></GetCapabilities>"
            media = self._ask(self._place, body, _DEVICE).below("Media")
            if media is not None and media.said("XAddr"):
                return {_MEDIA: self._home(media.said("XAddr"))}
        return {}

    def _home(self, url: str) -> Place:
        """The path that is named, on the device that we talk to: many name an inner address."""
        try:
            return self._place.followed(url, self._desk.address)
        except CaptureError:
            with contextlib.suppress(CaptureError, ValueError):
                target = Place.of(url).target
                return self._place.followed(target, self._desk.address)
        return self._place

    def _gather(self, place: Place, namespace: str) -> None:
        wants_all = "<GetProfiles><Type>VideoEncoder</Type></GetProfiles>"
        body = wants_all if namespace == _MEDIA2 else "<GetProfiles/>"
        profiles = self._ask(place, body, namespace).all("GetProfilesResponse", "Profiles")
        for profile in list(profiles)[:MOST_PROFILES]:
            encoder = profile.find("Configurations", "VideoEncoder") or profile.find(
                "VideoEncoderConfiguration"
            )
            token = profile.attributes.get("token", "")
            if encoder is not None and token:
                self.streams.append(self._stream(place, namespace, profile, encoder))

    def _stream(self, place: Place, namespace: str, profile: Node, encoder: Node) -> Stream:
        url, fault = None, ""
        try:
            url = self._url(place, namespace, profile.attributes["token"])
        except NotThere:
            fault = "it does not say where"
        except CaptureError as error:
            if error.kind not in (Cause.REJECTED, Cause.FORBIDDEN, Cause.REDIRECTED):
                raise
            fault = error.detail
        return Stream(
            name=shown(profile.said("Name")) or shown(profile.attributes["token"]),
            url=url,
            codec=re.sub(r"[^A-Z0-9]", "", encoder.said("Encoding").upper())[:12],
            width=round(_number(encoder.said("Resolution", "Width")) or 0),
            height=round(_number(encoder.said("Resolution", "Height")) or 0),
            fps=_number(encoder.said("RateControl", "FrameRateLimit")),
            kbit_per_s=round(_number(encoder.said("RateControl", "BitrateLimit")) or 0) or None,
            fault=fault,
        )

    def _url(self, place: Place, namespace: str, token: str) -> str:
        token = quoteattr(token)[1:-1]
        if namespace == _MEDIA2:
            body = f"<Protocol>RTSP</Protocol><ProfileToken>{token}</ProfileToken>"
        else:
            body = (
                f'<StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
                f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
                f"<ProfileToken>{token}</ProfileToken>"
            )
        said = self._ask(place, f"<GetStreamUri>{body}</GetStreamUri>", namespace)
        uri = said.below("Uri")
        return self._checked("" if uri is None else uri.text.strip())

    def _checked(self, uri: str) -> str:
        """As a configuration would take it. Raises CaptureError(redirected)."""
        return checked(uri, self._place.host, self._desk.address)


def checked(uri: str, host: str, address: str) -> str:
    """A stream's address as a configuration takes it; a login in it is taken out. Raises
    CaptureError(redirected) for one that leads elsewhere, or nowhere.
    """
    head, _, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    path = _PASSWORD.sub(r"\1={password}", _USER.sub(r"\1={user}", path))
    plain = f"{head}://{authority.rpartition('@')[2]}{slash}{path}"
    try:
        leads_to = urlsplit(plain).hostname or ""
        CameraConfig(url=plain, credential="any", allow_link_local=is_link_local(leads_to))
    except (ValidationError, ValueError):
        fault = "the address that it names cannot be used"
    else:
        if leads_home(leads_to, host, address):
            return plain
        fault = "it names another host"
    raise CaptureError(Cause.REDIRECTED, fault)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def named(host: str) -> Found:
    """What a person names: `HOST[:PORT]`, or the URL of its service. Raises ValueError."""
    try:
        place = Place.of(host if "://" in host else f"http://{host}{PATH}")
    except ValueError:
        msg = f"{printable(host)!r} is no host to ask: write HOST, HOST:PORT or http://HOST/PATH"
        raise ValueError(msg) from None
    return Found(place.host, place)
