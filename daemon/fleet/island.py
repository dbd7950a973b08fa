"""Where the Director is away: the gateways know whether somebody else speaks for a camera."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from config.credentials import credentials_directory, resolve_token
from config.errors import CredentialError

OK = 200
MAX_BYTES = 4 * 1024**2

log = logging.getLogger(__name__)


def newest_grants(
    shard: str, gateways: Sequence[str], token: str | None, timeout_s: float
) -> dict[str, int] | None:
    """The newest grant of every camera that any gateway has seen; None where none answers that has
    listened for long enough to know. Takes at most `timeout_s` for each.
    """
    answers = [_asked(shard, gateway, token, timeout_s) for gateway in gateways]
    known = [answer for answer in answers if answer is not None]
    if not known:
        return None
    newest: dict[str, int] = {}
    for answer in known:
        for camera, grant in answer.items():
            newest[camera] = max(grant, newest.get(camera, 0))
    return newest


def answers(gateway: str, timeout_s: float) -> bool:
    """Whether the gateway that listens there says that it works."""
    try:
        with _opener.open(f"http://{gateway}/healthz", timeout=timeout_s) as answer:
            return bool(answer.status == OK)
    except (OSError, ValueError):
        return False


def _asked(shard: str, gateway: str, token: str | None, timeout_s: float) -> dict[str, int] | None:
    request = urllib.request.Request(f"http://{gateway}/api/v1/grants?island={quote(shard)}")
    try:
        if token is not None:
            secret = resolve_token(token, directory=credentials_directory()).get_secret_value()
            request.add_header("Authorization", f"Bearer {secret}")
        with _opener.open(request, timeout=timeout_s) as answer:
            said: Any = json.loads(answer.read(MAX_BYTES))
        grants = {str(camera): int(of["grant"]) for camera, of in said["grants"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CredentialError) as error:
        log.debug("gateway does not answer gateway=%s error=%s", gateway, type(error).__name__)
        return None
    return grants if said.get("settled") else None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
