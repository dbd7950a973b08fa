"""The newest grants on disk: a gateway that starts anew knows what is out of date.

Main thread. A file that cannot be written or read costs that memory and nothing else.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from config.files import UnusableFileError, read_small_file
from daemon.gateway.fence import MOST_CAMERAS, Fence, Holder
from daemon.gateway.heads import NO_GRANT

MAX_BYTES = 200 * MOST_CAMERAS

log = logging.getLogger(__name__)


class _Grant(msgspec.Struct):
    grant: int
    node: str


def grants_file(configured: Path | None, env: Mapping[str, str] = os.environ) -> Path | None:
    """As configured, or in the folder that systemd gives a service for its state; else none."""
    if configured is not None:
        return configured
    state = env.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(state, "grants.json") if state else None


class GrantStore:
    """`load` once, then `save` now and then."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._saved = 0  # the fence's changes that are on disk
        self._failing = False

    def load(self) -> dict[str, Holder]:
        """What an earlier run saw; nothing where there is no file, or one that is no such."""
        if self._path is None or not self._path.exists():
            return {}
        try:
            content, _ = read_small_file(self._path, MAX_BYTES)
            known = msgspec.json.decode(content, type=dict[str, _Grant])
        except (UnusableFileError, msgspec.DecodeError) as error:
            log.warning("grants not read file=%s error=%s", self._path, error)
            return {}
        return {camera: Holder(of.grant, of.node, None) for camera, of in known.items()}

    def save(self, fence: Fence) -> None:
        """Write the file anew where a grant has risen since; it appears whole."""
        changes = fence.changes
        if self._path is None or changes == self._saved:
            return
        known = {
            camera: _Grant(holder.grant, holder.node)
            for camera, holder in fence.holders().items()
            if holder.grant > NO_GRANT
        }
        part = self._path.with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.encode(known))
            part.replace(self._path)
        except OSError as error:
            if not self._failing:
                log.warning("grants not kept file=%s error=%s", self._path, error.strerror)
            self._failing = True
            return
        self._saved, self._failing = changes, False
