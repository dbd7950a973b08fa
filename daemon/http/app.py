"""The HTTP application: which path answers what. It knows the daemon only by its `View`.

Runs in the event loop of the HTTP thread; what takes long (metrics, pictures) in worker threads.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from daemon.http import shapes
from daemon.http.hardening import ApiError, Hardened, answer_api_error, answer_http_error
from daemon.http.mjpeg import LiveFeed, MjpegResponse
from daemon.http.pictures import PictureMaker
from daemon.http.rates import FpsMeter
from daemon.http.scraping import Scraper
from daemon.http.view import View
from daemon.records import detection_records
from daemon.reports import CameraReport

STATIC = Path(__file__).parent / "static"
WIDTHS = range(16, 7681)  # of a snapshot, in pixels


class HttpApp:
    """The ASGI application. `close` may be called from any thread; the rest is the server's."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._meter = FpsMeter()
        self._scraper = Scraper(view.registry)
        self._maker = PictureMaker(view.board, self._labels)
        self._feed = LiveFeed(self._maker)
        self._started_s = view.clock.now_s()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asgi = Hardened(
            Starlette(
                routes=self._routes(),
                lifespan=self._lifespan,
                exception_handlers={
                    ApiError: answer_api_error,
                    HTTPException: answer_http_error,
                    Exception: answer_http_error,
                },
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._asgi(scope, receive, send)

    def close(self) -> None:
        """End the live streams, so that the server can stop."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._feed.close)

    def _routes(self) -> list[BaseRoute]:
        camera = "/api/v1/cameras/{name}"
        routes: list[BaseRoute] = [
            Route("/metrics", self._metrics),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/api/v1/status", self._status),
            Route("/api/v1/config", self._config),
            Route("/api/v1/cameras", self._cameras),
            Route(camera, self._camera),
        ]
        pictures: list[tuple[str, Callable[..., object]]] = [
            (f"{camera}/snapshot.jpg", self._snapshot),
            ("/live/{name}.mjpg", self._mjpeg),
            ("/", self._page),
        ]
        if self._view.pictures:
            routes += [Route(path, answer) for path, answer in pictures]
            routes.append(Mount("/static", StaticFiles(directory=STATIC)))
        else:
            routes += [Route(path, _no_pictures) for path, _ in pictures]
        return routes

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        sampling = asyncio.create_task(self._sample_rates())
        try:
            yield
        finally:
            sampling.cancel()
            self._feed.close()

    async def _sample_rates(self) -> None:
        while True:
            pages = {r.status.camera: r.page for r in self._view.reporter.cameras()}
            self._meter.sample(self._view.clock.now_s(), pages)
            await asyncio.sleep(1.0)

    async def _metrics(self, request: Request) -> Response:
        page, content_type = await self._scraper.page(request.headers.get("accept", ""))
        return Response(page, headers={"content-type": content_type})

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
        return JSONResponse(
            shapes.status_json(view.reporter, version=_version(), uptime_s=uptime_s)
        )

    async def _config(self, _: Request) -> Response:
        return JSONResponse(self._view.config())

    async def _cameras(self, _: Request) -> Response:
        cameras = [self._camera_json(report) for report in self._view.reporter.cameras()]
        return JSONResponse({"cameras": cameras})

    async def _camera(self, request: Request) -> Response:
        report = self._report(request)
        sight = self._view.board.latest(report.status.camera)
        found = detection_records(sight.detections, self._labels()) if sight else None
        return JSONResponse({**self._camera_json(report), "detections": found})

    def _snapshot(self, request: Request) -> Response:
        boxes = _option(request, "boxes", range(2))
        max_width = _option(request, "width", WIDTHS)
        sight = self._view.board.latest(self._report(request).status.camera)
        if sight is None:
            detail = "no picture of this camera was answered yet"
            raise ApiError(503, "no_picture_yet", detail, retry_after_s=1)
        age_s = self._view.clock.now_s() - sight.captured_s
        return Response(
            self._maker.jpeg(sight, max_width=max_width, boxes=boxes != 0),
            media_type="image/jpeg",
            headers={"x-picture-age-seconds": f"{age_s:.3f}"},
        )

    async def _mjpeg(self, request: Request) -> Response:
        camera = self._report(request).status.camera
        if request.method == "HEAD":
            return Response(media_type=MjpegResponse.media_type)
        return MjpegResponse(self._feed, camera)

    async def _page(self, _: Request) -> Response:
        return FileResponse(STATIC / "live.html")

    def _report(self, request: Request) -> CameraReport:
        name = request.path_params["name"]
        for report in self._view.reporter.cameras():
            if report.status.camera == name:
                return report
        raise ApiError(404, "unknown_camera", "no camera of this name is configured")

    def _camera_json(self, report: CameraReport) -> shapes.Json:
        name = report.status.camera
        return shapes.camera_json(
            report,
            self._view.board.latest(name),
            self._meter.fps(name),
            now_s=self._view.clock.now_s(),
        )

    def _labels(self) -> tuple[str, ...]:
        model = self._view.reporter.model()
        return model.labels if model else ()


async def _no_pictures(_: Request) -> Response:
    raise ApiError(404, "pictures_off", "pictures are turned off: http.live is false")


def _option(request: Request, name: str, allowed: range) -> int | None:
    """A whole number of the query; None where it is not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) in allowed):
        detail = f"{name} must be a whole number from {allowed.start} to {allowed.stop - 1}"
        raise ApiError(400, "bad_query", detail)
    return int(text)


@functools.cache
def _version() -> str:
    return version("vedette")
