"""What passed by while a stream was watched, and what it comes to. Pure arithmetic."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LONGEST_STEP_S = 10.0  # between two pictures; a longer one is a broken timestamp
SETTLE_S = 1.0  # relays begin with a burst of what they had kept


@dataclass(frozen=True, slots=True)
class PacketSeen:
    """One packet, in decoding order."""

    size: int
    pts_s: float | None
    is_key: bool
    is_unreferenced: bool  # no other picture needs it


@dataclass(frozen=True, slots=True)
class PictureSeen:
    """One picture that came out of the decoder, in order of presentation."""

    arrived_s: float
    pts_s: float | None


@dataclass(slots=True)
class Tally:
    """Filled while a stream is watched, by one thread."""

    packets: list[PacketSeen] = field(default_factory=list)
    pictures: list[PictureSeen] = field(default_factory=list)
    corrupt: int = 0  # of the pictures
    undecodable: int = 0  # packets that became none


@dataclass(frozen=True, slots=True)
class Figures:
    """A tally in numbers; None where too little was seen, or there is nothing to see."""

    pictures: int
    packets: int
    damaged: int
    watched_s: float
    fps_by_pts: float | None
    fps_by_arrival: float | None
    keyframe_every: int | None  # pictures, the usual distance
    keyframe_every_s: float | None
    bits_per_s: float | None
    b_frames: int | None  # pictures shown before one that was decoded earlier
    unreferenced: int | None

    @property
    def fps(self) -> float | None:
        """The rate that can be relied on: of a live stream what arrives, else what is recorded."""
        return self.fps_by_arrival or self.fps_by_pts


def figures(tally: Tally, *, live: bool) -> Figures:
    """`live`: the stream came at its own speed, so that its arrival says something."""
    arrivals = [picture.arrived_s for picture in tally.pictures]
    shown = [picture.pts_s for picture in tally.pictures if picture.pts_s is not None]
    fps_by_pts = _rate(_steps(shown))
    fps_by_arrival = _rate(_steps(_settled(arrivals))) if live else None
    fps = fps_by_arrival or fps_by_pts
    packets = tally.packets
    keys = [number for number, packet in enumerate(packets) if packet.is_key]
    every = _usual(b - a for a, b in pairwise(keys))
    return Figures(
        pictures=len(tally.pictures),
        packets=len(packets),
        damaged=tally.corrupt + tally.undecodable,
        watched_s=sum(_steps(arrivals if live else shown)),
        fps_by_pts=fps_by_pts,
        fps_by_arrival=fps_by_arrival,
        keyframe_every=every,
        keyframe_every_s=_keyframe_seconds([packets[key] for key in keys], every, fps),
        bits_per_s=_bit_rate(packets, keys, fps),
        b_frames=_reordered(packets) if packets else None,
        unreferenced=sum(packet.is_unreferenced for packet in packets) if packets else None,
    )


def _steps(times_s: Sequence[float]) -> list[float]:
    """Distances that can be believed: time does not go back and does not leap."""
    return [b - a for a, b in pairwise(times_s) if 0 <= b - a < LONGEST_STEP_S]


def _rate(steps_s: Sequence[float]) -> float | None:
    total_s = sum(steps_s)
    return len(steps_s) / total_s if total_s > 0 else None


def _settled(arrivals_s: Sequence[float]) -> Sequence[float]:
    """Without the first second, where at least as much is left."""
    if not arrivals_s or arrivals_s[-1] - arrivals_s[0] < 2 * SETTLE_S:
        return arrivals_s
    return [at_s for at_s in arrivals_s if at_s - arrivals_s[0] >= SETTLE_S]


def _usual(distances: Iterable[int]) -> int | None:
    found = list(distances)
    return round(statistics.median(found)) if found else None


def _keyframe_seconds(
    keys: Sequence[PacketSeen], every: int | None, fps: float | None
) -> float | None:
    """By timestamps; where they are missing, by the rate."""
    times_s = [key.pts_s for key in keys if key.pts_s is not None]
    if steps_s := [step_s for step_s in (b - a for a, b in pairwise(times_s)) if step_s > 0]:
        return statistics.median(steps_s)
    return every / fps if every and fps else None


def _bit_rate(
    packets: Sequence[PacketSeen], keys: Sequence[int], fps: float | None
) -> float | None:
    """Over whole groups of pictures where there are any: a keyframe is larger than the others."""
    if len(keys) > 1:
        packets = packets[keys[0] : keys[-1]]
    if not packets or fps is None:
        return None
    return 8 * fps * statistics.fmean(packet.size for packet in packets)


def _reordered(packets: Sequence[PacketSeen]) -> int:
    newest_s: float | None = None
    count = 0
    for packet in packets:
        if packet.pts_s is None:
            continue
        if newest_s is not None and packet.pts_s < newest_s - LONGEST_STEP_S:
            newest_s = None  # the stream began anew
        if newest_s is not None and packet.pts_s < newest_s:
            count += 1
        newest_s = packet.pts_s if newest_s is None else max(newest_s, packet.pts_s)
    return count
