"""What people look at: the two pages, snapshots, live pictures. Event loop of the HTTP thread."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from daemon.http import asked, mjpeg
from daemon.http.errors import ApiError
from daemon.http.mjpeg import LiveFeed, live_response
from daemon.http.pictures import PictureMaker
from daemon.http.view import View

STATIC = Path(__file__).parent / "static"
WIDTHS = range(16, 7681)  # of a snapshot, in pixels


class Pages:
    """Routes that show pictures; with `http.live: false` they say that there are none."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._maker = PictureMaker()
        self._feed = LiveFeed(view.board, self._maker)

    def routes(self) -> list[BaseRoute]:
        pages = {
            "/": self._overview,
            "/camera/{name}": self._camera,
            "/api/v1/cameras/{name}/snapshot.jpg": self._snapshot,
            "/live/{name}.mjpg": self._live,
        }
        if not self._view.http.live:
            return [Route(path, _no_pictures) for path in pages]
        routes: list[BaseRoute] = [Route(path, answer) for path, answer in pages.items()]
        return [*routes, Mount("/static", StaticFiles(directory=STATIC))]

    def close(self) -> None:
        """End the live pictures."""
        self._feed.close()
        self._maker.close()

    async def _overview(self, _: Request) -> Response:
        return FileResponse(STATIC / "overview.html")

    async def _camera(self, request: Request) -> Response:
        known = self._view.camera(request.path_params["name"])
        return FileResponse(STATIC / "camera.html", 200 if known else 404)

    async def _snapshot(self, request: Request) -> Response:
        boxes = asked.number(request, "boxes", range(2))
        max_width = asked.number(request, "width", WIDTHS)
        report = asked.camera(self._view, request.path_params["name"])
        sight = self._view.board.latest(report.status.camera)
        if sight is None:
            detail = "no picture of this camera was answered yet"
            raise ApiError(503, "no_picture_yet", detail, headers={"retry-after": "1"})
        jpeg = await self._maker.jpeg(sight, max_width=max_width, boxes=boxes != 0)
        age_s = self._view.clock.now_s() - sight.captured_s
        age = {"x-picture-age-seconds": f"{age_s:.3f}"}
        return Response(jpeg, media_type="image/jpeg", headers=age)

    async def _live(self, request: Request) -> Response:
        camera = asked.camera(self._view, request.path_params["name"]).status.camera
        if request.method == "HEAD":
            return Response(media_type=mjpeg.MEDIA_TYPE)
        return live_response(self._feed, camera)


async def _no_pictures(_: Request) -> Response:
    raise ApiError(404, "pictures_off", "pictures are turned off: http.live is false")
