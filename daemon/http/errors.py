"""Errors as answers: JSON with a reason for programs and a sentence for people.

ApiError   a request that cannot be met
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

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

    def answer(self) -> JSONResponse:
        return _error(self.status, self.reason, self.detail, self.headers)


def answer_api_error(_: Request, error: Exception) -> JSONResponse:
    """Handler of ApiError."""
    if not isinstance(error, ApiError):
        raise error
    return error.answer()


def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Handler of what the router raises, and of bugs: those are logged by the server."""
    if isinstance(error, HTTPException):
        reason = _REASONS.get(error.status_code, "http_error")
        return _error(error.status_code, reason, f"{request.url.path}: {error.detail}")
    return _error(500, "internal_error", "the daemon could not answer; its log says why")


def _error(
    status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"error": {"reason": reason, "detail": detail}}, status, headers)
