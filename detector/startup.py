"""Starting TensorFlow without its banner. Imports nothing of TensorFlow itself."""

from __future__ import annotations

import logging
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from detector.api import ModelError

LEAST_ADDRESS_SPACE = 3 * 2**30  # bytes: what it maps on a processor alone

log = logging.getLogger(__name__)

_NATIVE_LINE = re.compile(
    rb"[IWEF]\d{4} \d\d:|\d{4}-\d\d-\d\d [\d:.]+: [IWEF] "
    rb"|INFO: Created TensorFlow Lite"
    rb"|WARNING: All log messages before absl|To enable the following instructions"
)


def require_address_space() -> None:
    """Before TensorFlow is imported: with too little of it, native code crashes anywhere. Raises
    ModelError.
    """
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < LEAST_ADDRESS_SPACE:
        msg = (
            f"{allowed / 1e9:.1f} GB of address space are allowed (ulimit -v), TensorFlow needs"
            f" {LEAST_ADDRESS_SPACE / 1e9:.1f}"
        )
        raise ModelError(msg)


@contextmanager
def quiet_start() -> Iterator[None]:
    """While TensorFlow is imported and finds its devices, drop the lines that its native code
    prints; no setting of its own silences them. Anything else on standard error comes through at
    the end of the block. Nothing is dropped when debug logs are wanted.
    """
    if log.isEnabledFor(logging.DEBUG):
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with os.fdopen(os.memfd_create("stderr"), "w+b") as held:  # no folder need be writable
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            _let_through(held)


def _let_through(held: IO[bytes]) -> None:
    held.seek(0)
    for line in held:
        if not _NATIVE_LINE.match(line):
            os.write(2, line)
