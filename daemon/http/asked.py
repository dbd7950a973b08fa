"""What a request asks for, or the ApiError that says what is wrong with it."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import Request

from daemon.books.reports import CameraReport
from daemon.http.errors import ApiError
from daemon.http.view import View
from daemon.moments import wall_ns

BODY_S = 10.0  # for the body of a request to come

Wanted = TypeVar("Wanted")


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


async def body(request: Request, wanted: type[Wanted]) -> Wanted:
    """The JSON that was sent. Other sites cannot send this media type without asking first, which
    nobody answers.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError(415, "bad_media_type", "send application/json")
    try:
        async with asyncio.timeout(BODY_S):
            return msgspec.json.decode(await request.body(), type=wanted)
    except TimeoutError:
        raise ApiError(408, "too_slow", f"the body took longer than {BODY_S:.0f} s") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(400, "bad_body", f"the body is not what is wanted: {error}") from None
