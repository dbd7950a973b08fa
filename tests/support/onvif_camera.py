"""A camera that speaks ONVIF, written from its specification: WS-Discovery, device and media.

Answers to the call of WS-Discovery on loopback, and to SOAP over HTTP with WS-Security's digest.
Knobs are plain attributes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.web_camera import Asked, Reply, WebCamera, answer

TYPE = "application/soap+xml; charset=utf-8"
_OLDEST_S = 5.0  # of a message, as devices check
_SECOND_S = 0.05


@dataclass
class Profile:
    token: str
    name: str
    encoding: str = "H264"
    size: tuple[int, int] = (1920, 1080)
    fps: int = 25
    kbit: int = 4096
    uri: str | None = None  # {host} is the camera's


MAIN = Profile("P0", "mainStream", "H265", uri="rtsp://{host}:554/main?x=1&y=2")
SUB = Profile("P1", "subStream", "H264", (640, 360), 10, 512, "rtsp://{host}:554/sub")


@dataclass
class OnvifCamera:
    login: tuple[str, str] | None = ("viewer", "canary-hunter2")
    profiles: list[Profile] = field(default_factory=lambda: [MAIN, SUB])
    clock_ahead_s: float = 0.0
    media2: bool = False
    services: bool = True  # else GetCapabilities alone
    hangs_at: str = ""  # a question that is never answered
    host: str = ""  # that it calls itself
    scopes: str = "onvif://www.onvif.org/name/Yard%20Cam onvif://www.onvif.org/hardware/X1"
    raw: dict[str, bytes] = field(default_factory=dict)  # whole answers, by question
    xaddrs: str | None = None
    questions: list[str] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self.web = WebCamera(self._respond)
        self._stopping = threading.Event()

    @property
    def service(self) -> str:
        return f"127.0.0.1:{self.web.port}"

    def start(self, group: tuple[str, int] | None = None) -> None:
        """`group`: where it listens for calls, on loopback."""
        self.web.start()
        self._listener: threading.Thread | None = None
        if group is not None:
            listening = threading.Event()
            self._listener = threading.Thread(
                target=self._listen, args=(group, listening), name="onvif-camera", daemon=True
            )
            self._listener.start()
            assert listening.wait(5)

    def stop(self) -> None:
        self._stopping.set()
        if self._listener is not None:
            self._listener.join()
        self.web.stop()

    def _listen(self, group: tuple[str, int], listening: threading.Event) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ear.bind(group)
            membership = struct.pack("4s4s", *map(socket.inet_aton, (group[0], "127.0.0.1")))
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            ear.settimeout(_SECOND_S)
            listening.set()
            while not self._stopping.is_set():
                try:
                    data, caller = ear.recvfrom(65_535)
                except TimeoutError:
                    continue
                for said in self.matches(data):
                    ear.sendto(said, caller)

    def matches(self, call: bytes) -> list[bytes]:
        """What it answers to a call."""
        message = re.search(rb"MessageID>([^<]+)<", call)
        if message is None or b"NetworkVideoTransmitter" not in call:
            return []
        xaddrs = self.xaddrs or f"http://{self.service}/onvif/device_service"
        return [probe_match(message[1].decode(), xaddrs, self.scopes)]

    def _respond(self, asked: Asked) -> Reply:
        found = re.search(rb"Body[^>]*><(?:\w+:)?(\w+)", asked.body)
        question = found[1].decode() if found else ""
        self.questions.append(question)
        if question == self.hangs_at:
            return Reply(self._nothing())
        if question in self.raw:
            return answer(self.raw[question], TYPE)
        if question != "GetSystemDateAndTime" and not self._lets_in(asked.body):
            self.refused += 1
            return fault("ter:NotAuthorized")
        says = getattr(self, f"_{question}", None)
        return fault("ter:ActionNotSupported") if says is None else says(asked.body)

    def _nothing(self) -> Iterator[bytes]:
        while not self._stopping.is_set():
            time.sleep(_SECOND_S)
            yield b""

    def _lets_in(self, body: bytes) -> bool:
        if self.login is None:
            return True
        said = {
            name: re.search(rb"<" + name.encode() + rb"(?: [^>]*)?>([^<]*)<", body)
            for name in ("Username", "Password", "Nonce", "Created")
        }
        if not all(said.values()):
            return False
        user, digest, nonce, created = (found[1] for found in said.values() if found)
        now = datetime.now(UTC) + timedelta(seconds=self.clock_ahead_s)
        at = datetime.fromisoformat(created.decode().replace("Z", "+00:00"))
        if abs((now - at).total_seconds()) > _OLDEST_S:
            return False
        right = hashlib.sha1(base64.b64decode(nonce) + created + self.login[1].encode()).digest()
        return user.decode() == self.login[0] and base64.b64decode(digest) == right

    def _GetSystemDateAndTime(self, _: bytes) -> Reply:  # noqa: N802
        now = datetime.now(UTC) + timedelta(seconds=self.clock_ahead_s)
        return soap(
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time>"
            f"<tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetDeviceInformation(self, _: bytes) -> Reply:  # noqa: N802
        return soap(
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer>"
            "<tds:Model>X1 &amp; more</tds:Model><tds:FirmwareVersion>1.2</tds:FirmwareVersion>"
            "</tds:GetDeviceInformationResponse>"
        )

    def _GetServices(self, _: bytes) -> Reply:  # noqa: N802
        if not self.services:
            return fault("ter:ActionNotSupported")
        host = self.host or self.service
        named = {"http://www.onvif.org/ver10/media/wsdl": f"http://{host}/onvif/media"}
        if self.media2:
            named["http://www.onvif.org/ver20/media/wsdl"] = f"http://{host}/onvif/media2"
        services = "".join(
            f"<tds:Service><tds:Namespace>{name}</tds:Namespace><tds:XAddr>{url}</tds:XAddr>"
            "</tds:Service>"
            for name, url in named.items()
        )
        return soap(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")

    def _GetCapabilities(self, _: bytes) -> Reply:  # noqa: N802
        url = f"http://{self.host or self.service}/onvif/media"
        return soap(
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>"
            f"{url}</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _GetProfiles(self, body: bytes) -> Reply:  # noqa: N802
        second = b"ver20/media" in body
        said = "".join(_profile(profile, second=second) for profile in self.profiles)
        return soap(f"<trt:GetProfilesResponse>{said}</trt:GetProfilesResponse>")

    def _GetStreamUri(self, body: bytes) -> Reply:  # noqa: N802
        token = re.search(rb"ProfileToken>([^<]*)<", body)
        assert token is not None
        (profile,) = (one for one in self.profiles if one.token == token[1].decode())
        if profile.uri is None:
            return fault("ter:IncompleteConfiguration")
        uri = profile.uri.format(host="127.0.0.1").replace("&", "&amp;")
        return soap(
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
            "</trt:GetStreamUriResponse>"
        )


def _profile(profile: Profile, *, second: bool) -> str:
    width, height = profile.size
    encoder = (
        f"<tt:Encoding>{profile.encoding}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:RateControl>"
        f"<tt:FrameRateLimit>{profile.fps}</tt:FrameRateLimit>"
        f"<tt:BitrateLimit>{profile.kbit}</tt:BitrateLimit></tt:RateControl>"
    )
    if second:
        encoder = f"<tr2:VideoEncoder>{encoder}</tr2:VideoEncoder>"
        encoder = f"<tr2:Configurations>{encoder}</tr2:Configurations>"
    else:
        encoder = f"<tt:VideoEncoderConfiguration>{encoder}</tt:VideoEncoderConfiguration>"
    name = f"<tt:Name>{profile.name}</tt:Name>"
    return f'<trt:Profiles token="{profile.token}" fixed="true">{name}{encoder}</trt:Profiles>'


def soap(body: str) -> Reply:
    return answer(envelope(body), TYPE)


def fault(subcode: str) -> Reply:
    body = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>"
        f"<s:Value>{subcode}</s:Value></s:Subcode></s:Code><s:Reason>"
        '<s:Text xml:lang="en">canary text</s:Text></s:Reason></s:Fault>'
    )
    return answer(envelope(body), TYPE, status="400 Bad Request")


def envelope(body: str, header: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
        ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
        ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl"'
        ' xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"'
        ' xmlns:ter="http://www.onvif.org/ver10/error"'
        ' xmlns:tt="http://www.onvif.org/ver10/schema">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def probe_match(relates_to: str, xaddrs: str, scopes: str = "") -> bytes:
    return envelope(
        "<d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>"
        f"<d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>"
        "</d:ProbeMatch></d:ProbeMatches>",
        f"<a:RelatesTo>{relates_to}</a:RelatesTo>",
    )


@contextmanager
def onvif_camera(
    camera: OnvifCamera | None = None, *, group: tuple[str, int] | None = None
) -> Iterator[OnvifCamera]:
    camera = camera or OnvifCamera()
    camera.start(group)
    try:
        yield camera
    finally:
        camera.stop()
