"""What a request asks for, or the ApiError that says what is wrong with it."""

from __future__ import annotations

from starlette.requests import Request

from daemon.books.reports import CameraReport
from daemon.http.errors import ApiError
from daemon.http.view import View
from daemon.moments import wall_ns


def camera(view: View, name: str) -> CameraReport:
    """The configured camera of this name."""
    report = view.camera(name)
    if report is None:
        raise ApiError(404, "unknown_camera", "no camera of this name is configured")
    return report


def number(request: Request, name: str, allowed: range) -> int | None:
    """A whole number of the query; None where it is not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) in allowed):
        detail = f"{name} must be a whole number from {allowed.start} to {allowed.stop - 1}"
        raise ApiError(400, "bad_query", detail)
    return int(text)


def moment(request: Request, name: str) -> int | None:
    """A time of the query in ISO 8601, UTC where it names no zone, in ns; None for none."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return wall_ns(text)
    except (ValueError, OverflowError):
        detail = f"{name} must be a time, as in 2026-11-26T01:30:00Z"
        raise ApiError(400, "bad_query", detail) from None
