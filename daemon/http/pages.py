"""What people look at: pages, snapshots, live pictures. Event loop of the HTTP thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from daemon.http import asked, mjpeg, shell
from daemon.http.errors import ApiError
from daemon.http.feed import LiveFeed, Look
from daemon.http.pictures import PictureMaker, Print
from daemon.http.shapes import Json, sight_json
from daemon.http.shell import static_files
from daemon.http.view import View

WIDTHS = range(16, 7681)  # of a snapshot, in pixels
LIVE_WIDTHS = range(16, 1921)
LIVE_STEP = 160  # widths of live pictures are rounded up to it, so that viewers share them
MAX_LOOKS = 64  # of one viewer


class Pages:
    """Routes that show pictures; with `http.live: false` they say that there are none."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._maker = PictureMaker()
        self._feed = LiveFeed(view.sights, self._maker)

    def routes(self) -> list[BaseRoute]:
        pages: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self._overview,
            "/camera/{name}": self._camera,
            "/camera/{name}/zones": self._zones,
            "/events": self._events,
            "/recordings": self._recordings,
            "/api/v1/cameras/{name}/snapshot.jpg": self._snapshot,
            "/live": self._mosaic,
            "/live/{name}.mjpg": self._live,
        }
        if not self._view.http.live:
            pages = dict.fromkeys(pages, _no_pictures)
        return [*(Route(path, answer) for path, answer in pages.items()), static_files()]

    def close(self) -> None:
        """End the live pictures."""
        self._feed.close()
        self._maker.close()

    async def _overview(self, _: Request) -> Response:
        return HTMLResponse(shell.page("overview", path="/"))

    async def _camera(self, request: Request) -> Response:
        name = asked.camera(self._view, request.path_params["name"]).status.camera
        return HTMLResponse(
            shell.page("camera", path="/camera/", title=f"{name} – vedette", name=name)
        )

    async def _zones(self, request: Request) -> Response:
        name = asked.camera(self._view, request.path_params["name"]).status.camera
        title = f"zones of {name} – vedette"
        return HTMLResponse(shell.page("zones", path="/camera/name/zones", title=title, name=name))

    async def _events(self, _: Request) -> Response:
        return HTMLResponse(shell.page("events", path="/events", title="events – vedette"))

    async def _recordings(self, _: Request) -> Response:
        return HTMLResponse(
            shell.page("recordings", path="/recordings", title="recordings – vedette")
        )

    async def _snapshot(self, request: Request) -> Response:
        boxes = asked.number(request, "boxes", range(2))
        max_width = asked.number(request, "width", WIDTHS)
        report = asked.camera(self._view, request.path_params["name"])
        sight = self._view.sights.latest(report.status.camera)
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
            return Response(media_type=mjpeg.REPLACING)
        return mjpeg.live_response(self._feed, camera)

    async def _mosaic(self, request: Request) -> Response:
        names = dict.fromkeys(request.query_params.getlist("camera"))
        if not 1 <= len(names) <= MAX_LOOKS:
            raise ApiError(400, "bad_query", f"name 1 to {MAX_LOOKS} cameras, as in ?camera=gate")
        width = asked.number(request, "width", LIVE_WIDTHS) or mjpeg.MAX_WIDTH
        once = asked.number(request, "once", range(2))
        step = -(-width // LIVE_STEP) * LIVE_STEP
        cameras = [asked.camera(self._view, name).status.camera for name in names]
        if request.method == "HEAD":
            return Response(media_type=mjpeg.MIXED)
        looks = [Look(camera, step, boxes=False) for camera in cameras]
        if once:
            looks = [look for look in looks if self._view.sights.latest(look.camera)]
        return mjpeg.mosaic_response(self._feed, looks, self._described, once=bool(once))

    def _described(self, camera: str, picture: Print) -> Json:
        return sight_json(camera, picture.sight, now_s=self._view.clock.now_s())


async def _no_pictures(_: Request) -> Response:
    raise ApiError(404, "pictures_off", "pictures are turned off: http.live is false")
