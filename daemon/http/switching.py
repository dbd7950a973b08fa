"""Whether a camera detects: shown to whoever looks, changed by whoever may. HTTP thread."""

from __future__ import annotations

import re

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from daemon.cameras.detecting import DetectSwitch, SwitchError
from daemon.http import asked
from daemon.http.errors import ApiError
from daemon.http.shapes import Json
from daemon.http.view import View

WRITABLE = re.compile(r"/api/v1/cameras/[^/]+/detect")


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change."""

    enabled: bool


class Switching:
    """Without a switch (`http.allow_edit`) it is only shown."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[BaseRoute]:
        path = "/api/v1/cameras/{name}/detect"
        routes: list[BaseRoute] = [Route(path, self._show)]
        if self._view.switch is not None:
            routes.append(Route(path, self._change, methods=["POST"]))
        return routes

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._json(request))

    async def _change(self, request: Request) -> Response:
        switch = self._view.switch
        if switch is None:
            raise ApiError(405, "method_not_allowed", "http.allow_edit is false")
        camera = asked.camera(self._view, request.path_params["name"]).status.camera
        wish = await asked.body(request, _Wish)
        await run_in_threadpool(_turn, switch, camera, wish)
        return JSONResponse(self._json(request))

    def _json(self, request: Request) -> Json:
        report = asked.camera(self._view, request.path_params["name"])
        return {
            "enabled": report.detects,
            "paused": report.paused,
            "switchable": self._view.switch is not None and report.config.enabled,
        }


def _turn(switch: DetectSwitch, camera: str, wish: _Wish) -> None:
    try:
        switch.turn(camera, on=wish.enabled, by="http")
    except SwitchError as error:
        raise ApiError(409, "turned_off", str(error)) from None
