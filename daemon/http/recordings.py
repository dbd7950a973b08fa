"""Recordings of a camera, and of all: listed a page at a time, and their files. HTTP thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import NotModifiedResponse

from daemon.http import asked
from daemon.http.album import Message, Wish, look_up, message_of
from daemon.http.errors import ApiError
from daemon.http.view import View
from daemon.recording.shelf import Item, Part, Shelf, object_of, part_of, status_of_own

DEFAULT_LIMIT = 50
LIMITS = range(1, 501)
# A file of this name never changes; but it may be removed, and then it should not be seen for long.
CACHING = {"cache-control": "private, max-age=3600, immutable"}
# Of an object that is still there a better picture may come.
CACHING_OF_LIVES = {"cache-control": "private, no-cache"}
MEDIA_TYPES = {
    Part.MESSAGE: "application/json",
    Part.PICTURE: "image/jpeg",
    Part.BOXES: "image/jpeg",
    Part.THUMBNAIL: "image/jpeg",
    Part.CLIP: "video/mp4",
}

Json = dict[str, object]


class Recordings:
    """With `http.live: false` the list tells of recordings, and no file of them is given away."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[BaseRoute]:
        path = "/api/v1/cameras/{name}/recordings"
        return [
            Route("/api/v1/recordings", self._album),
            Route(path, self._list),
            Route(path + "/{file}", self._file),
        ]

    async def _album(self, request: Request) -> Response:
        camera = request.query_params.get("camera")
        if camera is not None:
            asked.camera(self._view, camera)
        reports = self._view.reporter.cameras()
        names = [report.status.camera for report in reports]
        shelves = {name: shelf for name in names if (shelf := self._view.shelf(name))}
        wish = Wish(
            camera=camera,
            label=request.query_params.get("label"),
            since=asked.moment(request, "from"),
            until=asked.moment(request, "until"),
            before=request.query_params.get("before"),
            limit=asked.number(request, "limit", LIMITS) or DEFAULT_LIMIT,
        )
        found, following = await run_in_threadpool(look_up, shelves, wish)
        root = request.scope.get("root_path", "")
        return JSONResponse(
            {
                "failing": self._view.reporter.recorder().failing,
                "records": [
                    report.status.camera for report in reports if report.config.record.wanted
                ],
                "stored": sum(shelf.count for shelf in shelves.values()),
                "stored_bytes": sum(shelf.size for shelf in shelves.values()),
                "recordings": [
                    {
                        "camera": one.camera,
                        **recording_json(
                            one.item, one.message, f"{root}/api/v1/cameras/{one.camera}/recordings"
                        ),
                    }
                    for one in found
                ],
                "next": following,
            }
        )

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
        part = part_of(path.name)
        may_change = object_of(path.name.partition(".")[0]) and part is not Part.CLIP
        answer = FileResponse(
            path,
            headers=CACHING_OF_LIVES if may_change else CACHING,
            media_type=MEDIA_TYPES[part],
            stat_result=status,
        )
        if answer.headers["etag"] in request.headers.get("if-none-match", ""):
            return NotModifiedResponse(answer.headers)
        return answer

    def _shelf(self, request: Request) -> Shelf | None:
        return self._view.shelf(asked.camera(self._view, request.path_params["name"]).status.camera)


def _status(path: Path) -> os.stat_result | None:
    """None for a file that somebody took away, or put something else in its place."""
    try:
        return status_of_own(path)
    except OSError:
        return None


def _described(shelf: Shelf, items: Sequence[Item], path: str) -> list[Json]:
    """Those whose message can be read."""
    described = ((item, message_of(shelf, item)) for item in items)
    return [
        recording_json(item, message, path) for item, message in described if message is not None
    ]


def recording_json(item: Item, message: Message, path: str) -> Json:
    """A recording as lists show it; its files are below `path`."""
    of = object_of(item.name)
    # A page shows what it has of an address: a better picture gets another one.
    version = f"?v={item.size}" if of and Part.CLIP not in item.parts else ""
    return {
        "name": item.name,
        "object": of or None,
        "captured_ns": message.captured_ns,
        "detections": [{"label": seen.label, "score": seen.score} for seen in message.detections],
        "bytes": item.size,
        "files": {
            part.name.lower(): f"{path}/{item.name}.{part}{version}" for part in sorted(item.parts)
        },
    }
