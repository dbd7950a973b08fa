"""Which messages are let through: of each camera those of the newest grant that was seen.

Pure, and told the time. The relay's thread judges; others read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from daemon.gateway.heads import NO_GRANT, Head

MOST_CAMERAS = 10_000  # a few MB; more cannot be told apart, and are not let through


class Refusal(StrEnum):
    """Why a message was not passed on; the `reason` of `vedette_gateway_refused_total`."""

    GRANT = "grant"  # its node no longer has the camera
    MALFORMED = "malformed"  # no message of ours, or about what its topic does not say
    CROWDED = "crowded"  # there are too many cameras


@dataclass(frozen=True, slots=True)
class Holder:
    """Who spoke for a camera with its newest grant. `at_s` is None for what an earlier run saw."""

    grant: int
    node: str
    at_s: float | None


class Fence:
    """The newest grant of each camera. Grants that were seen are never forgotten: an older one
    may turn up after any time.
    """

    def __init__(
        self, known: Mapping[str, Holder] | None = None, *, most: int = MOST_CAMERAS
    ) -> None:
        self._holders = dict(known or {})
        self._most = most
        self._late: Counter[str] = Counter()
        self.changes = 0  # how often a grant rose

    def judge(self, head: Head, now_s: float) -> Refusal | None:
        """None where the message goes on. A heartbeat always does: a node may say that it lives."""
        camera = head.camera
        if camera is None:
            return None
        known = self._holders.get(camera)
        if known is not None and head.grant < known.grant:
            self._late[camera] += 1
            return Refusal.GRANT
        if known is None and len(self._holders) >= self._most:
            return Refusal.CROWDED
        if known is None or head.grant > known.grant:
            self.changes += head.grant > NO_GRANT
        self._holders[camera] = Holder(head.grant, head.node, now_s)
        return None

    def newest(self, camera: str) -> int:
        """The highest grant that was seen of it."""
        known = self._holders.get(camera)
        return NO_GRANT if known is None else known.grant

    def holders(self) -> Mapping[str, Holder]:
        """By camera. Any thread."""
        return dict(self._holders)

    def late(self) -> Mapping[str, int]:
        """How many messages of which camera came with an older grant. Any thread."""
        return dict(self._late)

    def __len__(self) -> int:
        return len(self._holders)
