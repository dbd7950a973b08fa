"""Who answers on the local network when ONVIF devices are called: WS-Discovery over IPv4 multicast.

Answers come from anybody. One counts if it names the question that it answers; it is believed in
one thing only, the port and path of its service: the host is the one that it came from, or another
private address where the device names no address of its own.
"""

from __future__ import annotations

import ipaddress
import re
import select
import socket
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from daemon.capture.http import Place
from daemon.clock import Clock
from daemon.discovery.interfaces import Interface
from daemon.discovery.xml import Node, XmlError, parse

GROUP = ("239.255.255.250", 3702)
MOST_DEVICES = 256

_MOST_ANSWERS = 4096
_MOST_BYTES = 65_535
_TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")
_CALLS = 3  # datagrams get lost
_SHOWN = 60  # characters of what a device calls itself
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl"
 xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><e:Header>
<w:MessageID>uuid:{id}</w:MessageID>
<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action>
</e:Header><e:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered a call, or was named by a person. `name` is what it calls itself, in
    characters that are safe to show; `place` its device service, None where it names none that may
    be asked.
    """

    address: str
    place: Place | None
    name: str = ""
    called: bool = False


def search(
    interfaces: Sequence[Interface],
    *,
    seconds: float,
    clock: Clock,
    group: tuple[str, int] = GROUP,
) -> list[Found]:
    """Call on every interface and gather the answers of so many seconds, in order of address.
    Raises OSError where no interface can be called on.
    """
    ids = {str(uuid.uuid4()): types for types in _TYPES}
    calls = [_PROBE.format(id=id_, types=types).encode() for id_, types in ids.items()]
    sockets = _open(interfaces)
    found: dict[str, Found] = {}
    try:
        began_s, heard = clock.now_s(), 0
        for call in range(_CALLS):
            _call(sockets, calls, group)
            until_s = began_s + seconds * (call + 1) / _CALLS
            while (left_s := until_s - clock.now_s()) > 0 and heard < _MOST_ANSWERS:
                for data, address in _received(sockets, left_s):
                    heard += 1
                    device = answered(data, address, ids)
                    if device is not None and len(found) < MOST_DEVICES:
                        found.setdefault(device.address, device)
    finally:
        for one in sockets:
            one.close()
    return sorted(found.values(), key=lambda device: ipaddress.ip_address(device.address))


def answered(data: bytes, address: str, ids: Iterable[str]) -> Found | None:
    """What a datagram says; None where it is no answer to these questions."""
    try:
        message = parse(data)
    except XmlError:
        return None
    related = _UUID.search(message.said("Header", "RelatesTo"))
    match = message.below("ProbeMatch")  # some leave out the ProbeMatches around it
    if related is None or related[0].lower() not in ids or match is None:
        return None
    places = [place for url in match.said("XAddrs").split() if (place := _place(url))]
    return Found(address, _chosen(places, address), _name(match), called=True)


def _place(url: str) -> Place | None:
    try:
        return Place.of(url)
    except ValueError:
        return None


def _chosen(places: Sequence[Place], address: str) -> Place | None:
    """The device's own, else a private one: those behind a translation name their inner address."""
    own = [place for place in places if place.host == address]
    others = [place for place in places if _is_private(place.host)]
    return next(iter(own + others), None)


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    odd = address.is_loopback or address.is_link_local or address.is_unspecified
    return address.is_private and address.version == 4 and not odd


def _name(match: Node) -> str:
    """From the scopes onvif://www.onvif.org/name/… and …/hardware/…."""
    said: dict[str, str] = {}
    for scope in match.said("Scopes").split():
        found = re.fullmatch(r"onvif://www\.onvif\.org/(name|hardware)/([^/]{1,200})", scope)
        if found:
            said.setdefault(found[1], unquote(found[2]))
    return shown(" ".join(dict.fromkeys(filter(None, (said.get("name"), said.get("hardware"))))))


def shown(text: str) -> str:
    """What a stranger calls itself, in one short line that is safe to print."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:_SHOWN]


def _open(interfaces: Sequence[Interface]) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for interface in interfaces:
        try:
            sockets.append(_socket(interface))
        except OSError as error:
            failure = error
    if not sockets:
        raise failure or OSError("no network interface is up")
    return sockets


def _socket(interface: Interface) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface.address)
        )
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        one.bind((interface.address, 0))
        one.setblocking(False)
    except BaseException:
        one.close()
        raise
    return one


def _call(sockets: Sequence[socket.socket], calls: Sequence[bytes], group: tuple[str, int]) -> None:
    """On each interface; raises OSError where none takes it."""
    failure: OSError | None = None
    sent = 0
    for one in sockets:
        try:
            for call in calls:
                one.sendto(call, group)
            sent += 1
        except OSError as error:
            failure = error
    if not sent and failure is not None:
        raise failure


def _received(sockets: Sequence[socket.socket], timeout_s: float) -> list[tuple[bytes, str]]:
    heard = []
    for one in select.select(sockets, [], [], timeout_s)[0]:
        try:
            data, (address, _) = one.recvfrom(_MOST_BYTES)
        except OSError:  # as the answer that a port is closed
            continue
        heard.append((data, address))
    return heard
