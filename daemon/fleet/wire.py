"""What a shard and its daemon say over the socket between them: a JSON object a line. Pure.

To the daemon: `{"n": 7, "grants": {"gate": [17, 5123.25]}, "leaving": ["yard"]}`, whole each time:
a grant that is not named has ended. The moments are of CLOCK_MONOTONIC, which both processes share.
To the shard: `{"heard": 7, "left": ["yard"], ...}` with how the daemon and its cameras are.
"""

from __future__ import annotations

import msgspec

LONGEST = 4 * 1024**2  # a line; ten thousand cameras take 600 KB


class ToDaemon(msgspec.Struct, frozen=True):
    """`leaving` are granted still, and shall be let go once they said what they have to say."""

    n: int
    grants: dict[str, tuple[int, float]]
    leaving: tuple[str, ...] = ()


class CameraState(msgspec.Struct, frozen=True):
    """As in `daemon.fleet.orders.CameraFacts`."""

    state: str
    decode_s: float
    pictures: int


class ToShard(msgspec.Struct, frozen=True):
    """`heard` is the newest line that was obeyed. `cameras` is None in between."""

    heard: int
    left: tuple[str, ...] = ()
    ready: bool = False
    pace: float | None = None
    at_s: float = 0.0
    reloads: int = 0  # that came to an end, whatever it was
    refused: bool = False  # the newest of them was
    cameras: dict[str, CameraState] | None = None


class Lines:
    """Bytes as they come, lines as they are complete. Raises ValueError for a too long one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            raise ValueError("a line is too long")
        return lines


def encode(message: ToDaemon | ToShard) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def to_daemon(line: bytes) -> ToDaemon:
    """Raises ValueError."""
    return msgspec.json.decode(line, type=ToDaemon)


def to_shard(line: bytes) -> ToShard:
    """Raises ValueError."""
    return msgspec.json.decode(line, type=ToShard)
