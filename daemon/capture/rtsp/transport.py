"""How media travels: what SETUP asks for, and what a camera agrees to. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon.capture.errors import CaptureError
from daemon.capture.rtsp.refusals import refused_transport

TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"

_PAIR = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Agreed:
    """The numbers of RTP and RTCP: channels (TCP), or the camera's ports (UDP; 0 where it tells
    none). `source` is where the camera says that its datagrams come from.
    """

    rtp: int
    rtcp: int
    source: str = ""


def udp(rtp_port: int) -> str:
    return f"RTP/AVP/UDP;unicast;client_port={rtp_port}-{rtp_port + 1}"


def agreed(header: str | None, transport: str) -> Agreed:
    """Read the Transport header of an answer to SETUP; raises CaptureError(transport) for another
    way than the one that was asked for.
    """
    words = [word.strip() for word in (header or "").split(",")[0].split(";")]
    values = {name.lower(): value for name, _, value in (word.partition("=") for word in words)}
    over_tcp = "TCP" in words[0].upper() or "interleaved" in values
    if header and over_tcp != (transport == "tcp"):
        raise _other_way(transport)
    name, default = ("interleaved", (0, 1)) if transport == "tcp" else ("server_port", (0, 0))
    rtp, rtcp = _pair(values.get(name, ""), default, 255 if transport == "tcp" else 65535)
    return Agreed(rtp, rtcp, values.get("source", ""))


def _pair(text: str, default: tuple[int, int], most: int) -> tuple[int, int]:
    found = _PAIR.fullmatch(text.strip())
    if found is None:
        return default
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if first != second and max(first, second) <= most else default


def _other_way(transport: str) -> CaptureError:
    return refused_transport(transport, "(it agreed to the other)")
