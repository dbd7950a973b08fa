"""Facts for programs: health, metrics, and the JSON API. Event loop of the HTTP thread."""

from __future__ import annotations

import asyncio
import functools
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from daemon.answers.records import detection_records
from daemon.books.reports import CameraReport
from daemon.http import asked, events, scraping, shapes
from daemon.http.history import History, Reading
from daemon.http.rates import FpsMeter
from daemon.http.view import View
from daemon.seats.sight import Sight

SAMPLE_S = 1.0


class Api:
    """`sample` runs for as long as the server does; without it rates and history stay unknown."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._meter = FpsMeter()
        self._history = History()
        self._scraper = scraping.Scraper(view.registry)
        self._started_s = view.clock.now_s()

    def routes(self) -> list[BaseRoute]:
        camera = "/api/v1/cameras/{name}"
        return [
            Route("/metrics", self._metrics),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/api/v1/status", self._status),
            Route("/api/v1/config", self._config),
            Route("/api/v1/cameras", self._cameras),
            Route(camera, self._camera),
            Route(f"{camera}/history", self._camera_history),
            Route("/api/v1/events", self._events),
        ]

    async def sample(self) -> None:
        """Look at the books once a second, for ever."""
        view = self._view
        while True:
            now_s = view.clock.now_s()
            pages = {report.status.camera: report.page for report in view.reporter.cameras()}
            self._meter.sample(now_s, pages)
            self._history.sample(
                now_s,
                {
                    name: Reading(page, _latency_ms(view.sights.latest(name)))
                    for name, page in pages.items()
                },
            )
            await asyncio.sleep(SAMPLE_S)

    async def _metrics(self, _: Request) -> Response:
        return Response(await self._scraper.page(), headers={"content-type": scraping.MEDIA_TYPE})

    async def _healthz(self, _: Request) -> Response:
        reason = self._view.reporter.stuck()
        if reason is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "stuck", "reason": reason}, 503)

    async def _readyz(self, _: Request) -> Response:
        readiness = self._view.reporter.readiness()
        body = {"ready": readiness.ready, "missing": readiness.missing}
        return JSONResponse(body, 200 if readiness.ready else 503)

    async def _status(self, _: Request) -> Response:
        view = self._view
        uptime_s = view.clock.now_s() - self._started_s
        status = shapes.status_json(view.reporter, version=_version(), uptime_s=uptime_s)
        heard = {"listeners": view.events.listeners, "dropped": view.events.dropped}
        return JSONResponse({**status, "events": heard})

    async def _config(self, _: Request) -> Response:
        return JSONResponse(self._view.config())

    async def _cameras(self, _: Request) -> Response:
        cameras = [self._camera_json(report) for report in self._view.reporter.cameras()]
        return JSONResponse({"cameras": cameras})

    async def _camera(self, request: Request) -> Response:
        report = asked.camera(self._view, request.path_params["name"])
        sight = self._view.sights.latest(report.status.camera)
        found = detection_records(sight.detections, sight.labels, sight.objects) if sight else None
        return JSONResponse({**self._camera_json(report), "detections": found})

    async def _camera_history(self, request: Request) -> Response:
        report = asked.camera(self._view, request.path_params["name"])
        return JSONResponse(shapes.history_json(self._history.points(report.status.camera)))

    async def _events(self, request: Request) -> Response:
        camera = request.query_params.get("camera")
        if camera is not None:
            asked.camera(self._view, camera)
        if request.method == "HEAD":
            return Response(media_type=events.MEDIA_TYPE)
        return self._view.events.response(camera)

    def _camera_json(self, report: CameraReport) -> shapes.Json:
        name = report.status.camera
        return shapes.camera_json(
            report,
            self._view.sights.latest(name),
            self._meter.fps(name),
            self._view.events.counts(name),
            now_s=self._view.clock.now_s(),
        )


def _latency_ms(sight: Sight | None) -> float | None:
    return None if sight is None else (sight.inferred_s - sight.captured_s) * 1e3


@functools.cache
def _version() -> str:
    return version("vedette")
