"""What happened to objects: a list of lives, and a strip that shows when something was there.
Reads files: HTTP thread, and its pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from daemon.diary.store import Life, StoreBusyError, Wish
from daemon.http import asked
from daemon.http.album import message_of
from daemon.http.errors import ApiError
from daemon.http.recordings import DEFAULT_LIMIT, LIMITS, recording_json
from daemon.http.shapes import Json
from daemon.http.view import View
from daemon.recording.shelf import Part, Shelf, moment_of, name_of, object_of

NEAR_NS = 2 * 10**9  # around a life: a recording of it begins no earlier and no later
MOST_NEAR = 8  # recordings of one life that are looked at
STRIP_STEPS = range(1, 1441)
DAY_NS = 86_400 * 10**9
LONGEST_STRIP_NS = 31 * DAY_NS


class ObjectLives:
    """Of one camera, or of all."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/v1/objects", self._all),
            Route("/api/v1/objects/strip", self._strip),
            Route("/api/v1/cameras/{name}/events", self._of_camera),
        ]

    async def _all(self, request: Request) -> Response:
        return await self._list(request, request.query_params.get("camera"))

    async def _of_camera(self, request: Request) -> Response:
        return await self._list(request, request.path_params["name"])

    async def _list(self, request: Request, camera: str | None) -> Response:
        if camera is not None:
            asked.camera(self._view, camera)
        limit = asked.number(request, "limit", LIMITS) or DEFAULT_LIMIT
        wish = Wish(
            camera=camera,
            label=request.query_params.get("label"),
            zone=request.query_params.get("zone"),
            since_ns=asked.moment(request, "from"),
            until_ns=asked.moment(request, "until"),
            before=request.query_params.get("before"),
            limit=limit + 1,
        )
        root = request.scope.get("root_path", "")
        found, shown = await run_in_threadpool(self._described, wish, limit, root)
        following = found[limit - 1].place if len(found) > limit else None
        return JSONResponse({"events": shown, "next": following})

    def _described(self, wish: Wish, limit: int, root: str) -> tuple[list[Life], list[Json]]:
        try:
            found = self._view.diary.lives(wish)
        except StoreBusyError:
            raise _busy() from None
        return found, [self._life_json(life, root) for life in found[:limit]]

    def _life_json(self, life: Life, root: str) -> Json:
        path = f"{root}/api/v1/cameras/{life.camera}/recordings"
        shelf = self._view.shelf(life.camera)
        best = {"captured_ns": life.best_ns, "score": life.best_score, "box": life.best_box}
        plain = asdict(life)
        for name in ("best_ns", "best_score", "best_box"):
            del plain[name]
        recording = None if shelf is None else _recording_of(life, shelf, path)
        return {**plain, "best": best, "recording": recording}

    async def _strip(self, request: Request) -> Response:
        since_ns, until_ns = asked.moment(request, "from"), asked.moment(request, "until")
        steps = asked.number(request, "steps", STRIP_STEPS) or 288
        if since_ns is None or until_ns is None or not 0 < until_ns - since_ns <= LONGEST_STRIP_NS:
            raise ApiError(400, "bad_query", "from and until must be given, a month apart at most")
        try:
            spans = await run_in_threadpool(self._view.diary.spans, since_ns, until_ns)
        except StoreBusyError:
            raise _busy() from None
        return JSONResponse({"cameras": strip(spans, since_ns, until_ns, steps)})


def strip(
    spans: Sequence[tuple[str, str, int, int]], since_ns: int, until_ns: int, steps: int
) -> dict[str, dict[str, list[int]]]:
    """By camera and label: in which steps of this time something was there."""
    marked: dict[str, dict[str, set[int]]] = {}
    step_ns = (until_ns - since_ns) / steps
    for camera, label, first_ns, last_ns in spans:
        begin = max(0, int((first_ns - since_ns) / step_ns))
        end = min(steps - 1, int((last_ns - since_ns) / step_ns))
        marked.setdefault(camera, {}).setdefault(label, set()).update(range(begin, end + 1))
    return {
        camera: {label: sorted(there) for label, there in labels.items()}
        for camera, labels in marked.items()
    }


def _recording_of(life: Life, shelf: Shelf, path: str) -> Json | None:
    """The one of its life; else the one nearest to its best moment, of those made by interval while
    it was there.
    """
    own = shelf.of_object(life.id)
    message = own and message_of(shelf, own)
    if own and message:
        return {"camera": life.camera, **recording_json(own, message, path)}
    items = shelf.newest(MOST_NEAR, before=name_of(life.until_ns + NEAR_NS))
    oldest = name_of(life.since_ns - NEAR_NS)
    near = [
        item
        for item in items
        if item.name >= oldest and Part.THUMBNAIL in item.parts and not object_of(item.name)
    ]
    for item in sorted(near, key=lambda item: abs(moment_of(item.name) - life.best_ns)):
        message = message_of(shelf, item)
        if message is not None:
            return {"camera": life.camera, **recording_json(item, message, path)}
    return None


def _busy() -> ApiError:
    detail = "what happened cannot be read at the moment: the disk does not answer"
    return ApiError(503, "diary_busy", detail, headers={"retry-after": "5"})
