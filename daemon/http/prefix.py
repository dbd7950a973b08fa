"""A daemon under a path of a proxy: `X-Forwarded-Prefix` says which. HTTP thread.

Pages address everything relative to themselves and need none of it; answers that tell addresses
do. The header changes only the answer to the request that carries it, so anyone may send it.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-forwarded-prefix"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")  # never //host, never ..


class Prefixed:
    """Takes requests with the prefix still before their path and with it taken off alike."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (prefix := _prefix(Headers(scope=scope).get(HEADER, ""))):
            path = scope["path"]
            under = path == prefix or path.startswith(f"{prefix}/")
            whole = path if under else prefix + path
            scope = {**scope, "root_path": prefix, "path": whole, "raw_path": None}
        await self._app(scope, receive, send)


def _prefix(header: str) -> str:
    """'' for none, and for one that is no plain path."""
    prefix = header.rstrip("/")
    plain = _PREFIX.fullmatch(prefix) and not {".", ".."} & set(prefix.split("/"))
    return prefix if plain else ""


def path_of(scope: Scope) -> str:
    """The path that was asked for, without a proxy's prefix."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"
