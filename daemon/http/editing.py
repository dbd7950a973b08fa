"""Zones and lines of a camera: shown to whoever looks, changed by whoever may. HTTP thread."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from daemon.http import asked
from daemon.http.errors import ApiError
from daemon.http.shapes import places_json
from daemon.http.view import View
from daemon.reload.editor import EditConflictError, EditError, Editor

WRITABLE = re.compile(r"/api/v1/cameras/[^/]+/zones")


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change; `based_on` is the `hash` that came with what was edited."""

    zones: dict[str, dict[str, Any]]
    lines: dict[str, dict[str, Any]]
    based_on: str


class Editing:
    """Without an editor (`http.allow_edit`) places are only shown."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[BaseRoute]:
        path = "/api/v1/cameras/{name}/zones"
        routes: list[BaseRoute] = [Route(path, self._show)]
        if self._view.editor is not None:
            routes.append(Route(path, self._change, methods=["PUT"]))
        return routes

    async def _show(self, request: Request) -> Response:
        report = asked.camera(self._view, request.path_params["name"])
        model = self._view.reporter.model()
        return JSONResponse(
            {
                **places_json(report.config),
                "labels": report.config.objects.labels or (model.labels if model else ()),
                "based_on": self._view.reporter.config().hash,
                "editable": self._view.editor is not None,
            }
        )

    async def _change(self, request: Request) -> Response:
        editor = self._view.editor
        if editor is None:
            raise ApiError(405, "method_not_allowed", "http.allow_edit is false")
        camera = asked.camera(self._view, request.path_params["name"]).status.camera
        wish = await asked.body(request, _Wish)
        report = await run_in_threadpool(_write, editor, camera, wish)
        return JSONResponse(report)


def _write(editor: Editor, camera: str, wish: _Wish) -> dict[str, object]:
    places = {"zones": wish.zones, "lines": wish.lines}
    try:
        return asdict(editor.write(camera, places, based_on=wish.based_on))
    except EditConflictError as error:
        raise ApiError(409, "changed_meanwhile", str(error)) from None
    except EditError as error:
        raise ApiError(422, "refused", str(error)) from None
