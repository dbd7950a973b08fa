"""What holds for every answer: headers, methods, and errors as JSON. HTTP thread."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
_REASONS = {404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """A request that cannot be met: `reason` is for programs, `detail` for people."""

    def __init__(
        self, status: int, reason: str, detail: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class Hardened:
    """An application behind the headers; only reading methods pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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

        if scope["method"] in METHODS:
            await self._app(scope, receive, send_with_headers)
        else:
            refused = _error(405, "method_not_allowed", "only GET and HEAD are answered here")
            refused.headers["allow"] = ", ".join(METHODS)
            await refused(scope, receive, send_with_headers)


def answer_api_error(_: Request, error: Exception) -> JSONResponse:
    """Handler of ApiError."""
    if not isinstance(error, ApiError):
        raise error
    response = _error(error.status, error.reason, error.detail)
    if error.retry_after_s is not None:
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Handler of what the router raises, and of bugs: those are logged by the server."""
    if isinstance(error, HTTPException):
        reason = _REASONS.get(error.status_code, "http_error")
        return _error(error.status_code, reason, f"{request.url.path}: {error.detail}")
    return _error(500, "internal_error", "the daemon could not answer; its log says why")


def _error(status: int, reason: str, detail: str) -> JSONResponse:
    return JSONResponse({"error": {"reason": reason, "detail": detail}}, status)
