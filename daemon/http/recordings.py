"""Recordings of a camera: listed a page at a time, and their files. HTTP thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import NotModifiedResponse

from daemon.http import asked
from daemon.http.errors import ApiError
from daemon.http.view import View
from daemon.recording.shelf import Item, Part, Shelf, part_of

DEFAULT_LIMIT = 50
LIMITS = range(1, 501)
# A file of this name never changes; but it may be removed, and then it should not be seen for long.
CACHING = {"cache-control": "private, max-age=3600, immutable"}
MEDIA_TYPES = {
    Part.MESSAGE: "application/json",
    Part.PICTURE: "image/jpeg",
    Part.BOXES: "image/jpeg",
    Part.THUMBNAIL: "image/jpeg",
    Part.CLIP: "video/mp4",
}

Json = dict[str, object]


class _Seen(msgspec.Struct):
    label: str
    score: float


class _Message(msgspec.Struct):
    """What the list tells of the message beside a recording."""

    captured_ns: int
    detections: tuple[_Seen, ...]


class Recordings:
    """With `http.live: false` the list tells of recordings, and no file of them is given away."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[BaseRoute]:
        path = "/api/v1/cameras/{name}/recordings"
        return [Route(path, self._list), Route(path + "/{file}", self._file)]

    async def _list(self, request: Request) -> Response:
        limit = asked.number(request, "limit", LIMITS) or DEFAULT_LIMIT
        before = request.query_params.get("before", "~")  # sorts after every name
        shelf = self._shelf(request)
        items = shelf.newest(limit + 1, before=before) if shelf else []
        shown: list[Json] = []
        if shelf:
            path = request.url.path
            shown = await run_in_threadpool(_described, shelf, items[:limit], path)
        return JSONResponse(
            {
                "failing": self._view.reporter.recorder().failing,
                "stored": shelf.count if shelf else 0,
                "stored_bytes": shelf.size if shelf else 0,
                "recordings": shown,
                "next": items[limit - 1].name if len(items) > limit else None,
            }
        )

    async def _file(self, request: Request) -> Response:
        if not self._view.http.live:
            raise ApiError(404, "pictures_off", "pictures are turned off: http.live is false")
        shelf = self._shelf(request)
        path = shelf.file(request.path_params["file"]) if shelf else None
        status = await run_in_threadpool(_status, path) if path else None
        if path is None or status is None:
            raise ApiError(404, "no_recording", "there is no such recording, or no longer")
        answer = FileResponse(
            path, headers=CACHING, media_type=MEDIA_TYPES[part_of(path.name)], stat_result=status
        )
        if answer.headers["etag"] in request.headers.get("if-none-match", ""):
            return NotModifiedResponse(answer.headers)
        return answer

    def _shelf(self, request: Request) -> Shelf | None:
        return self._view.shelf(asked.camera(self._view, request.path_params["name"]).status.camera)


def _status(path: Path) -> os.stat_result | None:
    """None for a file that somebody took away."""
    try:
        return path.stat()
    except OSError:
        return None


def _described(shelf: Shelf, items: Sequence[Item], path: str) -> list[Json]:
    """Those whose message can be read."""
    described = ((item, _message(shelf, item)) for item in items)
    return [_recording(item, message, path) for item, message in described if message is not None]


def _message(shelf: Shelf, item: Item) -> _Message | None:
    try:
        text = (shelf.folder / f"{item.name}.{Part.MESSAGE}").read_bytes()
        return msgspec.json.decode(text, type=_Message)
    except (OSError, msgspec.DecodeError):
        return None


def _recording(item: Item, message: _Message, path: str) -> Json:
    return {
        "name": item.name,
        "captured_ns": message.captured_ns,
        "detections": [{"label": seen.label, "score": seen.score} for seen in message.detections],
        "bytes": item.size,
        "files": {part.name.lower(): f"{path}/{item.name}.{part}" for part in sorted(item.parts)},
    }
