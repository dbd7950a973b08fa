"""How many NAL units a packet of RTP brings (RFC 6184, RFC 7798). Pure functions.

Decoders set aside some four kilobytes for each unit of a picture, however small it is.
"""

from __future__ import annotations

_START_CODE = b"\0\0\1"
_H264_AGGREGATES = frozenset({24, 25, 26, 27})  # STAP, MTAP
_H265_AGGREGATE = 48


def in_packet(packet: bytes, codec: str) -> int:
    """At least 1; `packet` begins with its interleaving, `codec` is in capitals."""
    hidden = in_bytes(packet)  # FFmpeg puts payloads together as they are
    at = 16 + 4 * (packet[4] & 15) if len(packet) > 16 else len(packet)
    if at + 4 < len(packet) and packet[4] & 16:
        at += 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
    if at >= len(packet):
        return 1
    if codec == "H264" and packet[at] & 31 in _H264_AGGREGATES:
        return hidden + _aggregated(packet, at + 1)
    if codec == "H265" and packet[at] >> 1 & 63 == _H265_AGGREGATE:
        return hidden + _aggregated(packet, at + 2)
    return hidden + 1


def in_bytes(data: bytes) -> int:
    """Of a picture that was put together, or hidden in a packet."""
    return data.count(_START_CODE)


def _aggregated(packet: bytes, at: int) -> int:
    count = 0
    while at + 2 < len(packet):
        at += 2 + (packet[at] << 8 | packet[at + 1])
        count += 1
    return max(1, count)
