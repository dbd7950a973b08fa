"""What this server is called in messages, where the configuration does not say."""

from __future__ import annotations

import re
import socket

LONGEST = 63


def host_name(full: str | None = None) -> str:
    """The first part of the host's name, as far as it may stand in a topic."""
    name = (socket.gethostname() if full is None else full).partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:LONGEST] or "localhost"
