"""The fleet's listener: page, API, targets for Prometheus, and the way to every node's pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from config.schema import ListenerConfig
from config.urls import split_host_port
from daemon.clock import Clock
from daemon.fleet.site.alarms import alarms
from daemon.fleet.site.metrics import FleetCollector
from daemon.fleet.site.proxy import Proxy
from daemon.fleet.view import FleetView
from daemon.http import scraping, shell
from daemon.http.errors import ApiError
from daemon.http.guarded import GuardedApp
from daemon.http.server import HttpServer
from daemon.metrics.families import registry_of


class FleetSite:
    """Its routes. Event loop; `view` gives the newest view, at once and from any thread."""

    def __init__(
        self,
        view: Callable[[], FleetView],
        *,
        node_token: Callable[[], str | None],
    ) -> None:
        self._view = view
        self._proxy = Proxy(view, node_token)
        self.registry = registry_of(FleetCollector(view))
        self._scraper = scraping.Scraper(self.registry)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._page),
            Route("/healthz", self._healthz),
            Route("/metrics", self._metrics),
            Route("/api/v1/fleet", self._fleet),
            Route("/api/v1/cameras", self._cameras),
            Route("/api/v1/targets", self._targets),
            Route("/camera/{name}", self._camera),
            *self._proxy.routes(),
            shell.static_files(),
        ]

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(shell.page("fleet", path="/", title="fleet – vedette", site="fleet"))

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _metrics(self, _: Request) -> Response:
        return Response(await self._scraper.page(), headers={"content-type": scraping.MEDIA_TYPE})

    async def _fleet(self, _: Request) -> Response:
        view = self._view()
        parts = {part.name: getattr(view, part.name) for part in fields(view)}
        shown = {"version": version("vedette"), **parts, "alarms": alarms(view)}
        return _json(shown)

    async def _cameras(self, _: Request) -> Response:
        """As a daemon lists its cameras, with as much as the fleet itself knows."""
        return _json({"cameras": self._view().cameras})

    async def _targets(self, _: Request) -> Response:
        """As Prometheus' http_sd_config wants it. A node that is lost stays: `up` says so."""
        view = self._view()
        groups = [(node.http, "node", node.name) for node in view.nodes]
        groups += [(gateway.http, "gateway", gateway.name) for gateway in view.gateways]
        return JSONResponse(
            [
                {"targets": [http], "labels": {"role": role, "node": name}}
                for http, role, name in groups
                if http
            ]
        )

    async def _camera(self, request: Request) -> Response:
        """To the page of the camera, which stays at this address when the camera moves."""
        name = request.path_params["name"]
        if all(camera.name != name for camera in self._view().cameras):
            raise ApiError(404, "unknown_camera", "the fleet has no camera of this name")
        return RedirectResponse(f"../fleet/at/{name}/camera/{name}", 307)


def _json(value: object) -> Response:
    """Of plain values and dataclasses; 10 000 cameras take some milliseconds."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def fleet_server(
    view: Callable[[], FleetView],
    http: ListenerConfig,
    clock: Clock,
    *,
    node_token: Callable[[], str | None] = lambda: None,
) -> HttpServer:
    """The listener, not bound yet. `node_token` is what the nodes' daemons ask for."""
    site = FleetSite(view, node_token=node_token)
    app = GuardedApp(site.routes(), http, clock, site="fleet")
    return HttpServer(app, *split_host_port(http.listen))
