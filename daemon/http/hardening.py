"""What holds for every answer: its headers, and that requests only read, except those that may
write where the configuration says so. HTTP thread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.http.errors import ApiError
from daemon.http.prefix import path_of

METHODS = ("GET", "HEAD")
MAX_BODY = 65_536  # of a request that writes
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


class Hardened:
    """An application behind the headers; only reading methods without a body pass, and those of
    `writable` with a small one to their paths.
    """

    def __init__(self, app: ASGIApp, *, writable: Mapping[str, re.Pattern[str]]) -> None:
        self._app = app
        self._writable = writable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = _refusal_of_writing(scope) if self._writes(scope) else self._refusal(scope)
        app = self._app if refused is None else refused.answer(scope)
        await app(scope, receive, send_with_headers)

    def _writes(self, scope: Scope) -> bool:
        paths = self._writable.get(scope["method"])
        return paths is not None and paths.fullmatch(path_of(scope)) is not None

    def _refusal(self, scope: Scope) -> ApiError | None:
        if scope["method"] not in METHODS:
            path = path_of(scope)
            writing = [how for how, paths in self._writable.items() if paths.fullmatch(path)]
            allowed = [*METHODS, *writing]
            detail = f"only {', '.join(allowed[:-1])} and {allowed[-1]} are answered here"
            allow = {"allow": ", ".join(allowed), "connection": "close"}
            return ApiError(405, "method_not_allowed", detail, headers=allow)
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
            # Nobody reads it: the connection is closed rather than kept busy with it.
            close = {"connection": "close"}
            return ApiError(413, "body_not_allowed", "a request here has no body", headers=close)
        return None


def _refusal_of_writing(scope: Scope) -> ApiError | None:
    length = Headers(scope=scope).get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) <= MAX_BODY:
        return None
    detail = f"a body of up to {MAX_BODY} bytes, its length told, is wanted"
    return ApiError(413, "body_not_allowed", detail, headers={"connection": "close"})
