"""What the Director must not forget when it dies: a small file on the head. One thread."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLOCK = 1000  # numbers that are taken out of the file at a time
MAX_BYTES = 64 * 1024**2

log = logging.getLogger(__name__)


def _wall_s() -> float:
    return time.time()


class Store:
    """The next number of a grant, the drained servers, and the configuration that holds.

    Numbers must rise even where this file is lost with its disk: they begin no lower than the
    seconds since 1970, and fewer than one a second is given in the long run. Raises OSError from
    every method that writes.
    """

    def __init__(self, folder: Path, wall_s: Callable[[], float] = _wall_s) -> None:
        self._path = folder / "director.json"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept = self._read()
        self._next = max(int(self._kept.get("next", 1)), int(wall_s()))
        self._reserved = 0

    @property
    def drained(self) -> frozenset[str]:
        return frozenset(self._kept.get("drained", ()))

    @property
    def setup(self) -> dict[str, Any] | None:
        """The configuration that a Director before this one had."""
        setup = self._kept.get("setup")
        return setup if isinstance(setup, dict) else None

    @property
    def longest_lease_s(self) -> float:
        """Of the leases that may be in use; 0 where none was ever given."""
        return float(self._kept.get("longest_lease_s", 0.0))

    def keep_longest_lease(self, lease_s: float) -> None:
        if lease_s != self.longest_lease_s:
            self._keep(longest_lease_s=lease_s)

    def next_number(self, above: int) -> int:
        """One that was never given before, higher than `above`."""
        number = max(self._next, above + 1)
        self._next = number + 1
        if self._next > self._reserved:
            self._reserved = self._next + BLOCK
            self._keep(next=self._reserved)
        return number

    def keep_drained(self, nodes: frozenset[str]) -> None:
        self._keep(drained=sorted(nodes))

    def keep_setup(self, setup: dict[str, Any]) -> None:
        self._keep(setup=setup)

    def _keep(self, **changes: Any) -> None:
        self._kept |= changes
        beside = self._path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._kept, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(MAX_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("store cannot be read path=%s error=%s", self._path, type(error).__name__)
            return {}
        return kept if isinstance(kept, dict) else {}
