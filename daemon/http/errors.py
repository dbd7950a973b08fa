"""Errors as answers: JSON with a reason for programs, a page with a way back for browsers.

ApiError   a request that cannot be met
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from daemon.http import shell
from daemon.http.prefix import path_of

_REASONS = {404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """A request that cannot be met: `reason` is for programs, `detail` for people."""

    def __init__(
        self, status: int, reason: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers

    def answer(self, scope: Scope) -> Response:
        """As a page where a page was asked for."""
        if "text/html" in Headers(scope=scope).get("accept", ""):
            page = shell.page(
                "refusal",
                path=path_of(scope),
                site=scope.get("site", "daemon"),
                title=f"{self.status} – vedette",
                status=str(self.status),
                reason=self.reason,
                detail=self.detail[0].upper() + self.detail[1:],
            )
            return HTMLResponse(page, self.status, self.headers)
        body = {"error": {"reason": self.reason, "detail": self.detail}}
        return JSONResponse(body, self.status, self.headers)


def answer_api_error(request: Request, error: Exception) -> Response:
    """Handler of ApiError."""
    if not isinstance(error, ApiError):
        raise error
    return error.answer(request.scope)


def answer_http_error(request: Request, error: Exception) -> Response:
    """Handler of what the router raises, and of bugs: those are logged by the server."""
    if isinstance(error, HTTPException):
        reason = _REASONS.get(error.status_code, "http_error")
        detail = f"{request.url.path}: {error.detail}"
        return ApiError(error.status_code, reason, detail).answer(request.scope)
    detail = "the daemon could not answer; its log says why"
    return ApiError(500, "internal_error", detail).answer(request.scope)
